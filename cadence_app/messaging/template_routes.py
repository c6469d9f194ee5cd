"""The pages of saved texts, a tab of Campaigns."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import Field, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, ValidationError

from cadence_app.accounts.roles import desk_required
from cadence_app.accounts.service import all_teams
from cadence_app.form_fields import no_control_characters, one_kind_of_line_end, stripped
from cadence_app.messaging import text_templates
from cadence_app.messaging.merge_fields import Fields, UnknownField, tenant_fields
from cadence_app.messaging.sending import MAX_BODY_LENGTH
from cadence_app.messaging.text_template_models import TextTemplate

blueprint = Blueprint("text_templates", __name__, url_prefix="/campaigns/templates")


def known_fields(fields: Fields, field: Field) -> None:
    """Errors: ValidationError where a text names a field that there is not."""
    try:
        fields.check(field.data or "")
    except UnknownField as error:
        offered = ", ".join(f"{{{name}}}" for name in fields.names)
        raise ValidationError(f"There is no field {{{error.name}}}. There are {offered}.") from error


class TemplateForm(FlaskForm):
    name = StringField(
        "Name", [DataRequired("Enter a name."), Length(max=100), no_control_characters], filters=[stripped]
    )
    team_id = SelectField("For", coerce=int)
    body = TextAreaField(
        "Text",
        [
            DataRequired("Write something first."),
            Length(max=MAX_BODY_LENGTH, message=f"A text may be {MAX_BODY_LENGTH} characters long at most."),
            no_control_characters,
        ],
        filters=[one_kind_of_line_end, stripped],
    )

    def validate_body(self, field: Field) -> None:
        known_fields(tenant_fields(), field)


@blueprint.get("/")
@desk_required
def index() -> str:
    return render_template("messaging/templates.html", templates=text_templates.templates_of(current_user))


@blueprint.route("/new", methods=["GET", "POST"])
@desk_required
def new() -> ResponseReturnValue:
    return _form(None)


@blueprint.route("/<int:template_id>", methods=["GET", "POST"])
@desk_required
def edit(template_id: int) -> ResponseReturnValue:
    return _form(_template(template_id))


@blueprint.post("/<int:template_id>/delete")
@desk_required
def delete(template_id: int) -> ResponseReturnValue:
    template = _template(template_id)
    name = template.name
    text_templates.delete(template)
    flash(f"{name} is deleted.", "success")
    return redirect(url_for("text_templates.index"))


def _form(template: TextTemplate | None) -> ResponseReturnValue:
    form = TemplateForm(obj=template)
    teams = all_teams() if current_user.is_admin else current_user.teams
    form.team_id.choices = [(0, "Only me"), *((team.id, team.name) for team in teams)]
    if not form.is_submitted() and template:
        form.team_id.data = template.team_id or 0
    if form.validate_on_submit():
        try:
            text_templates.save(
                current_user, template, form.team_id.data or None, form.name.data, form.body.data
            )
        except text_templates.NameTaken:
            form.name.errors = ["There is a template of this name already."]
        else:
            flash(f"{form.name.data} is saved.", "success")
            return redirect(url_for("text_templates.index"))
    page = render_template(
        "messaging/template_form.html",
        form=form,
        template=template,
        max_length=MAX_BODY_LENGTH,
        fields=tenant_fields().names,
    )
    return page, 422 if form.is_submitted() else 200


def _template(template_id: int) -> TextTemplate:
    return text_templates.find(current_user, template_id) or abort(404)
