"""Saved filters on screen, the same in both modes, for those who read the tenant's reports."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import BooleanField, RadioField, StringField
from wtforms.fields import SelectChoice
from wtforms.validators import DataRequired, Length, ValidationError

from cadence_app.accounts.roles import reports_required
from cadence_app.form_fields import stripped
from cadence_app.reports.filters import Filters, describe
from cadence_app.reports.forms import ExportForm, offered
from cadence_app.reports.kinds import KINDS, Kind
from cadence_app.reports.models import Format
from cadence_app.reports.ranges import presets, today
from cadence_app.reports.saved import service
from cadence_app.reports.saved.models import FIXED, NO_DAYS, SavedFilter
from cadence_app.reports.saved.service import NameTaken, Wanted
from cadence_app.reports.screens import asked_of, export_crumbs, page_of
from cadence_app.ui.formatting import day as in_words
from cadence_app.ui.navigation import words_for

blueprint = Blueprint("saved", __name__, url_prefix="/reports/saved")


class NameForm(FlaskForm):
    name = StringField("Name", [DataRequired("Give it a name."), Length(max=80)], filters=[stripped])
    # For admins only.
    shared = BooleanField("Share it with everybody who reads the reports of your organization")

    def validate_name(self, field: StringField) -> None:
        if not field.data.isprintable():
            raise ValidationError("This has a character that can't be stored.")


class SaveForm(NameForm):
    days = RadioField("Days", [offered], choices=[], validate_choice=False)
    replace = BooleanField("Replace the one of this name")


@blueprint.get("/")
@reports_required
def index() -> str:
    words, day = words_for(current_user), today(current_user.tenant.zone)
    shown = [
        {
            "saved": saved,
            "kind": KINDS[saved.kind],
            "filters": describe(Filters.from_stored(saved.filters), words),
            "days": _said(saved),
            "lost": service.opened(saved, KINDS[saved.kind], day, words).lost,
        }
        for saved in service.saved_for(current_user)
        if saved.kind in KINDS
    ]
    return render_template("reports/saved/index.html", shown=shown, crumbs=export_crumbs(), may=_may_change)


@blueprint.route("/new", methods=["GET", "POST"])
@reports_required
def new() -> ResponseReturnValue:
    """Saves what the address holds of the form of an export; asks for a name first."""
    kind = KINDS.get(request.args.get("kind", "")) or abort(404)
    if not kind.may_go_to(current_user):
        abort(403)
    asked = ExportForm(kind, formdata=asked_of(kind), meta={"csrf": False})
    if not asked.validate():
        flash("These filters can't be saved as they are. Fix them first.", "error")
        return redirect(page_of(kind))
    form = SaveForm(data=None if request.method == "POST" else {"days": _days(kind, asked)[0][0]})
    form.days.choices = [SelectChoice(*choice) for choice in _days(kind, asked)]
    if form.validate_on_submit():
        try:
            saved = service.save(
                current_user,
                kind,
                form.name.data,
                _shared(form),
                _wanted(kind, asked, form),
                form.replace.data,
            )
        except NameTaken:
            form.name.errors = ["You have one of this name. Choose another, or check that it is replaced."]
        else:
            flash(f"{saved.name} is saved.", "success")
            return redirect(url_for("saved.show", saved_id=saved.id))
    page = render_template(
        "reports/saved/new.html",
        form=form,
        kind=kind,
        filters=describe(asked.asked_filters, words_for(current_user)),
        columns=asked.asked_columns,
        file_format=asked.format.data,
        crumbs=export_crumbs(("Saved filters", url_for("saved.index"))),
        back=page_of(kind),
    )
    return page, 422 if form.errors else 200


@blueprint.get("/<int:saved_id>")
@reports_required
def show(saved_id: int) -> ResponseReturnValue:
    """Opens one on the page of its kind."""
    saved = _find(saved_id)
    kind = KINDS[saved.kind]
    opened = service.opened(saved, kind, today(current_user.tenant.zone), words_for(current_user))
    for text in opened.lost:
        flash(f"{saved.name}: {text}", "warning")
    return redirect(page_of(kind, **opened.fields))


@blueprint.route("/<int:saved_id>/edit", methods=["GET", "POST"])
@reports_required
def edit(saved_id: int) -> ResponseReturnValue:
    saved = _changeable(saved_id)
    form = NameForm(data={"name": saved.name, "shared": saved.shared} if request.method == "GET" else None)
    if form.validate_on_submit():
        try:
            service.rename(saved, form.name.data, _shared(form))
        except NameTaken:
            form.name.errors = ["There is one of this name. Choose another."]
        else:
            flash(f"{saved.name} is saved.", "success")
            return redirect(url_for("saved.index"))
    page = render_template(
        "reports/saved/edit.html",
        form=form,
        saved=saved,
        kind=KINDS[saved.kind],
        crumbs=export_crumbs(("Saved filters", url_for("saved.index"))),
    )
    return page, 422 if form.errors else 200


@blueprint.post("/<int:saved_id>/delete")
@reports_required
def delete(saved_id: int) -> ResponseReturnValue:
    saved = _changeable(saved_id)
    name = saved.name
    service.delete(saved)
    flash(f"{name} is deleted. Schedules keep the filters they were made with.", "success")
    return redirect(url_for("saved.index"))


def _find(saved_id: int) -> SavedFilter:
    saved = service.find(current_user, saved_id)
    return saved if saved and saved.kind in KINDS else abort(404)


def _changeable(saved_id: int) -> SavedFilter:
    saved = _find(saved_id)
    return saved if _may_change(saved) else abort(403)


def _may_change(saved: SavedFilter) -> bool:
    """Its owner may, and where that is no admin any more, every admin. An auditor changes nothing that is
    shared."""
    if saved.owner_id == current_user.id:
        return current_user.is_admin or not saved.shared
    return current_user.is_admin and not (saved.owner.is_admin and saved.owner.may_export)


def _shared(form: NameForm) -> bool:
    return bool(form.shared.data and current_user.is_admin)


def _days(kind: Kind, asked: ExportForm) -> list[tuple[str, str]]:
    """What the days of a form may mean: a usual range that they are today, or just these days."""
    if not kind.dated:
        return [(NO_DAYS, "None")]
    start, end = asked.asked_days
    ranges = presets(today(current_user.tenant.zone))
    moving = [
        (name, f"{name}, whenever it is opened") for name, *days in ranges if tuple(days) == (start, end)
    ]
    return [*moving, (FIXED, f"Always {in_words(start)} to {in_words(end)}")]


def _wanted(kind: Kind, asked: ExportForm, form: SaveForm) -> Wanted:
    start, end = asked.asked_days
    return Wanted(
        asked.asked_filters,
        asked.asked_columns,
        Format(asked.format.data),
        form.days.data if kind.dated else NO_DAYS,
        start,
        end,
    )


def _said(saved: SavedFilter) -> str:
    if saved.start_date and saved.end_date:
        return f"{in_words(saved.start_date)} to {in_words(saved.end_date)}"
    return saved.days
