"""Settings > Custom fields, and Settings > Tags."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cadence_app.accounts.roles import admin_required
from cadence_app.accounts.service import Refused
from cadence_app.administration import labels
from cadence_app.administration.forms import CustomFieldForm, NameForm
from cadence_app.contacts.models import CustomField, FieldKind, Tag
from cadence_app.extensions import db

custom_fields = Blueprint("custom_fields", __name__, url_prefix="/settings/custom-fields")
tags = Blueprint("tags", __name__, url_prefix="/settings/tags")


@custom_fields.route("/", methods=["GET", "POST"], endpoint="index")
@admin_required
def fields_index() -> ResponseReturnValue:
    """The fields, and a form for another."""
    form = CustomFieldForm()
    if form.validate_on_submit():
        try:
            made = labels.make_field(current_user, form.name.data, FieldKind(form.kind.data))
        except Refused as refusal:
            form.name.errors = [str(refusal)]
        else:
            return _done(f"{made.name} is a field of every contact now.", "custom_fields.index")
    page = render_template(
        "administration/custom_fields.html",
        form=form,
        fields=[(field, labels.carrying_field(field)) for field in labels.fields()],
    )
    return page, 422 if form.is_submitted() else 200


@custom_fields.route("/<int:field_id>", methods=["GET", "POST"], endpoint="rename")
@admin_required
def rename_field(field_id: int) -> ResponseReturnValue:
    return _rename(_field(field_id), "Custom fields", "custom_fields.index")


@custom_fields.post("/<int:field_id>/move", endpoint="move")
@admin_required
def move_field(field_id: int) -> ResponseReturnValue:
    labels.move_field(current_user, _field(field_id), up=request.form.get("to") == "up")
    db.session.commit()
    return redirect(url_for("custom_fields.index"))


@custom_fields.route("/<int:field_id>/delete", methods=["GET", "POST"], endpoint="delete")
@admin_required
def delete_field(field_id: int) -> ResponseReturnValue:
    """Asks once."""
    field = _field(field_id)
    if request.method == "POST":
        labels.delete_field(current_user, field)
        return _done(f"{field.name} is deleted.", "custom_fields.index")
    count = labels.carrying_field(field)
    carrying = (
        "No contact has a value in it." if not count else f"{_contacts(count)} with a value in it lose it."
    )
    return _confirm(
        field.name, f"{carrying} It cannot be brought back.", "Custom fields", "custom_fields.index"
    )


@tags.route("/", methods=["GET", "POST"], endpoint="index")
@admin_required
def tags_index() -> ResponseReturnValue:
    """The tags, and a form for another."""
    form = NameForm()
    if form.validate_on_submit():
        try:
            made = labels.make_tag(current_user, form.name.data)
        except Refused as refusal:
            form.name.errors = [str(refusal)]
        else:
            return _done(f"{made.name} is made.", "tags.index")
    page = render_template("administration/tags.html", form=form, tags=labels.tags())
    return page, 422 if form.is_submitted() else 200


@tags.route("/<int:tag_id>", methods=["GET", "POST"], endpoint="rename")
@admin_required
def rename_tag(tag_id: int) -> ResponseReturnValue:
    return _rename(_tag(tag_id), "Tags", "tags.index")


@tags.route("/<int:tag_id>/delete", methods=["GET", "POST"], endpoint="delete")
@admin_required
def delete_tag(tag_id: int) -> ResponseReturnValue:
    """Asks once."""
    tag = _tag(tag_id)
    if request.method == "POST":
        labels.delete_tag(current_user, tag)
        return _done(f"{tag.name} is deleted.", "tags.index")
    count = labels.carrying_tag(tag)
    carrying = "No contact carries it." if not count else f"{_contacts(count)} that carry it lose it."
    return _confirm(tag.name, f"{carrying} The contacts themselves stay.", "Tags", "tags.index")


def _rename(label: CustomField | Tag, group: str, endpoint: str) -> ResponseReturnValue:
    before = label.name
    form = NameForm(obj=label)
    if form.validate_on_submit():
        try:
            labels.rename(current_user, label, form.name.data)
        except Refused as refusal:
            db.session.rollback()
            form.name.errors = [str(refusal)]
        else:
            return _done("Saved.", endpoint)
    page = render_template(
        "administration/rename.html", form=form, name=before, group=group, back=url_for(endpoint)
    )
    return page, 422 if form.is_submitted() else 200


def _confirm(name: str, warning: str, group: str, endpoint: str) -> str:
    return render_template(
        "administration/confirm.html",
        title=f"Delete {name}?",
        crumbs=[(group, url_for(endpoint))],
        warning=warning,
        button="Delete it",
        icon_name="trash",
        back=url_for(endpoint),
    )


def _done(said: str, endpoint: str) -> ResponseReturnValue:
    db.session.commit()
    flash(said, "success")
    return redirect(url_for(endpoint))


def _contacts(count: int) -> str:
    return f"The {count:,} contacts" if count > 1 else "The one contact"


def _field(field_id: int) -> CustomField:
    return labels.find_field(field_id) or abort(404)


def _tag(tag_id: int) -> Tag:
    return labels.find_tag(tag_id) or abort(404)
