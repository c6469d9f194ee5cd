from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import Field, RadioField, SelectField, StringField, SubmitField, TelField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, ValidationError

from cadence_app.contacts.names import folded
from cadence_app.contacts.numbers import BadNumber, parse_number
from cadence_app.ui.fields import no_control_characters, stripped


class EditContactForm(FlaskForm):
    first_name = StringField(
        "First name", [Length(max=200), no_control_characters], filters=[folded, stripped]
    )
    last_name = StringField("Last name", [Length(max=200), no_control_characters], filters=[folded, stripped])
    external_id = StringField(
        "ContactId", [Length(max=200), no_control_characters], filters=[folded, stripped]
    )
    submit = SubmitField("Save")


class AddContactForm(EditContactForm):
    """`number` holds E.164 once the form is valid; `team_id` the choices the route gives it."""

    number = TelField("Mobile number", [InputRequired("Enter a mobile number."), Length(max=40)])
    team_id = SelectField("Team", coerce=int)

    def validate_number(self, field: Field) -> None:
        _read_number(field)


def _read_number(field: Field) -> None:
    try:
        field.data = parse_number(field.data)
    except BadNumber as error:
        raise ValidationError(str(error)) from error


class NumberForm(FlaskForm):
    """`number` holds E.164 once the form is valid; `use` is `texted` or `further`."""

    number = TelField("Number", [InputRequired("Enter a mobile number."), Length(max=40)])
    use = RadioField(
        "What it is for",
        choices=[
            ("texted", "Text them at this number from now on"),
            ("further", "A further number of theirs"),
        ],
        default="texted",
    )
    reason = StringField(
        "Why",
        [DataRequired("Write how you know of it."), Length(max=500), no_control_characters],
        filters=[stripped],
    )
    given = TextAreaField(
        "How they agreed to texts at this number",
        [Length(max=1000), no_control_characters],
        filters=[stripped],
    )

    def validate_number(self, field: Field) -> None:
        _read_number(field)


class EraseForm(FlaskForm):
    reason = StringField(
        "Legal reason",
        [DataRequired("Write the legal reason."), Length(max=300), no_control_characters],
        filters=[stripped],
    )
