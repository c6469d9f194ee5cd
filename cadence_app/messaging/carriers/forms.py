"""The form of an account with a carrier: made from what the carrier needs."""

from __future__ import annotations

from typing import Any

from flask_wtf import FlaskForm
from wtforms import PasswordField, RadioField, StringField, ValidationError
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Length, Optional

from cadence_app.form_fields import MultiCheckboxField, no_control_characters, stripped
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.providers.base import Driver, Field
from cadence_app.ui.formatting import phone


class AccountForm(FlaskForm):
    """`name`, `answers` and `inboxes`, and `value_<field>` for each field of the carrier."""

    name = StringField(
        "Name", [InputRequired("Enter a name."), Length(max=80), no_control_characters], filters=[stripped]
    )
    answers = RadioField("Who answers keywords")
    inboxes = MultiCheckboxField("Inboxes it carries", validate_choice=True)


def account_form(driver: Driver, inboxes: list[Inbox], new: bool, **options: Any) -> AccountForm:
    """The form for a carrier. A secret may stay empty where one is stored already."""
    fields = {f"value_{field.name}": _field(field, new) for field in driver.fields}
    form: AccountForm = type("CarrierForm", (AccountForm,), fields)(**options)
    form.answers.choices = [
        SelectChoice(str(answer), driver.answer_name(answer)) for answer in driver.answers
    ]
    if form.answers.data is None:
        form.answers.data = str(driver.answers[0])
    form.inboxes.choices = [
        SelectChoice(str(inbox.id), f"{inbox.name} {phone(inbox.number)}") for inbox in inboxes
    ]
    return form


def _field(field: Field, new: bool) -> StringField:
    def right(form: FlaskForm, given: StringField) -> None:
        if given.data and not field.right(given.data):
            raise ValidationError(f"This is no {field.label} as the carrier shows it.")

    needed = Optional() if field.secret and not new else InputRequired(f"Enter the {field.label}.")
    checks = [needed, Length(max=1000), no_control_characters, right]
    return (PasswordField if field.secret else StringField)(field.label, checks, filters=[stripped])
