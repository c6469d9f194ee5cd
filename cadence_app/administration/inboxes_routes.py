"""Settings > Inboxes."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import select
from wtforms.fields import SelectChoice

from cadence_app.accounts.models import Role, Team, User
from cadence_app.accounts.roles import admin_required
from cadence_app.accounts.service import Refused
from cadence_app.administration import inboxes, teams
from cadence_app.administration.forms import InboxForm, NameForm, OwnerForm
from cadence_app.extensions import db
from cadence_app.inboxes import out_of_office
from cadence_app.inboxes.models import Inbox
from cadence_app.ui.formatting import phone
from cadence_app.ui.navigation import words_for

blueprint = Blueprint("inboxes", __name__, url_prefix="/settings/inboxes")


@blueprint.route("/", methods=["GET", "POST"])
@admin_required
def index() -> ResponseReturnValue:
    """The inboxes, and a form for another."""
    form = _new_form()
    if form.validate_on_submit():
        team = db.session.get_one(Team, form.team.data)
        owner = db.session.get_one(User, int(form.owner.data)) if form.owner.data else None
        try:
            inbox = inboxes.make_inbox(current_user, team, form.number.data, form.name.data, owner)
        except inboxes.NumberTaken as taken:
            form.number.errors = [str(taken)]
        except Refused as refusal:
            form.owner.errors = [str(refusal)]
        else:
            db.session.commit()
            flash(f"{inbox.name} is ready to text.", "success")
            return redirect(url_for("inboxes.index"))
    page = render_template("administration/inboxes.html", form=form, listed=inboxes.listed())
    return page, 422 if form.is_submitted() else 200


@blueprint.route("/<int:inbox_id>", methods=["GET", "POST"])
@admin_required
def show(inbox_id: int) -> ResponseReturnValue:
    inbox = _inbox(inbox_id)
    form = NameForm(obj=inbox)
    if form.validate_on_submit():
        inboxes.rename(current_user, inbox, form.name.data)
        db.session.commit()
        flash("Saved.", "success")
        return redirect(url_for("inboxes.show", inbox_id=inbox_id))
    return _page(inbox, 422 if form.is_submitted() else 200, form=form)


@blueprint.post("/<int:inbox_id>/owner")
@admin_required
def hand_over(inbox_id: int) -> ResponseReturnValue:
    inbox = _inbox(inbox_id)
    form = _owner_form(inbox)
    if inbox.personal and form.validate_on_submit():
        inboxes.hand_over(current_user, inbox, db.session.get_one(User, form.owner.data))
        db.session.commit()
        flash(f"{inbox.name} belongs to {inbox.user.name if inbox.user else ''} now.", "success")
        return redirect(url_for("inboxes.show", inbox_id=inbox_id))
    return _page(inbox, 422, owner=form)


@blueprint.route("/<int:inbox_id>/close", methods=["GET", "POST"])
@admin_required
def close(inbox_id: int) -> ResponseReturnValue:
    """Asks once."""
    inbox = _inbox(inbox_id)
    if request.method == "POST":
        inboxes.close(current_user, inbox)
        db.session.commit()
        flash(f"{inbox.name} is closed. Nothing goes out of it any more.", "success")
        return redirect(url_for("inboxes.show", inbox_id=inbox_id))
    return render_template(
        "administration/confirm.html",
        title=f"Close {inbox.name}?",
        crumbs=[
            ("Inboxes", url_for("inboxes.index")),
            (inbox.name, url_for("inboxes.show", inbox_id=inbox.id)),
        ],
        warning=f"Nothing goes out of {phone(inbox.number)} any more, no automatic reply either, and "
        "texts that wait there are held back. A text that comes in is still recorded, and a STOP in it "
        "still counts. "
        "Conversations stay readable, and the inbox can be reopened.",
        button="Close it",
        icon_name="lock",
        back=url_for("inboxes.show", inbox_id=inbox.id),
    )


@blueprint.post("/<int:inbox_id>/reopen")
@admin_required
def reopen(inbox_id: int) -> ResponseReturnValue:
    inbox = _inbox(inbox_id)
    try:
        inboxes.reopen(current_user, inbox)
    except Refused as refusal:
        db.session.rollback()
        flash(str(refusal), "error")
    else:
        db.session.commit()
        flash(f"{inbox.name} is open again.", "success")
    return redirect(url_for("inboxes.show", inbox_id=inbox_id))


def _page(
    inbox: Inbox, status: int, form: NameForm | None = None, owner: OwnerForm | None = None
) -> ResponseReturnValue:
    kept = out_of_office.of(inbox)
    page = render_template(
        "administration/inbox.html",
        inbox=inbox,
        away_kept=kept,
        away=out_of_office.away(kept),
        form=form or NameForm(formdata=None, obj=inbox),
        owner=owner or (_owner_form(inbox) if inbox.personal else None),
    )
    return page, status


def _new_form() -> InboxForm:
    form = InboxForm(words_for(current_user))
    form.team.choices = [SelectChoice(team.id, team.name) for team in teams.open_teams()]
    working = select(User).where(User.active, User.role != Role.AUDITOR).order_by(User.name, User.id)
    people = [
        SelectChoice(str(user.id), f"{user.name} ({user.email}), personal")
        for user in db.session.scalars(working)
    ]
    form.owner.choices = [SelectChoice("", "Everybody in it: shared"), *people]
    return form


def _owner_form(inbox: Inbox) -> OwnerForm:
    form = OwnerForm()
    owners = inboxes.possible_owners(inbox.team)
    form.owner.choices = [SelectChoice(user.id, f"{user.name} ({user.email})") for user in owners]
    if not form.is_submitted():
        form.owner.data = inbox.user_id
    return form


def _inbox(inbox_id: int) -> Inbox:
    return inboxes.find_inbox(inbox_id) or abort(404)
