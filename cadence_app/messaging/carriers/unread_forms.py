"""What an admin decides about a post that could not be read."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import SelectField, StringField, TextAreaField, ValidationError
from wtforms.fields import SelectChoice
from wtforms.validators import DataRequired, Length

from cadence_app.form_fields import no_control_characters, stripped
from cadence_app.inboxes.models import Inbox
from cadence_app.phone_numbers import BadNumber, parse_number
from cadence_app.ui.formatting import phone


class HandledForm(FlaskForm):
    note = TextAreaField(
        "What you did about it",
        [DataRequired("Write what you did about it."), Length(max=500), no_control_characters],
        filters=[stripped],
    )


class OptOutForm(FlaskForm):
    """`e164` is the number of a form that is valid."""

    number = StringField(
        "Number of whoever sent it",
        [DataRequired("Enter the number."), Length(max=80), no_control_characters],
        filters=[stripped],
    )
    inbox = SelectField("Inbox it was sent to", coerce=int)
    why = StringField("Note (optional)", [Length(max=500), no_control_characters], filters=[stripped])
    e164 = ""

    def offer(self, inboxes: list[Inbox]) -> None:
        self.inbox.choices = [
            SelectChoice(inbox.id, f"{inbox.name} {phone(inbox.number)}, {inbox.team.name}")
            for inbox in inboxes
        ]

    def validate_number(self, field: StringField) -> None:
        try:
            self.e164 = parse_number(field.data or "")
        except BadNumber as error:
            raise ValidationError(str(error)) from error
