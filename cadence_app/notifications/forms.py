"""The form of a notification rule."""

from __future__ import annotations

from email_validator import EmailNotValidError, validate_email
from flask_wtf import FlaskForm
from wtforms import BooleanField, RadioField, TextAreaField, ValidationError
from wtforms.fields import SelectChoice
from wtforms.validators import Length

from cadence_app.form_fields import no_control_characters, stripped
from cadence_app.notifications.models import Pace

MOST_RECIPIENTS = 50


class RuleForm(FlaskForm):
    """`emails` holds an address a line; commas and semicolons part them too."""

    enabled = BooleanField("Send these e-mails")
    emails = TextAreaField("Send them to", [Length(max=20_000), no_control_characters], filters=[stripped])
    pace = RadioField(
        "How soon",
        choices=[
            SelectChoice(Pace.IMMEDIATE, "At once, when it happens"),
            SelectChoice(Pace.DAILY, "Once a day, all of the day before in one e-mail"),
        ],
        default=Pace.IMMEDIATE,
    )

    def validate_emails(self, field: TextAreaField) -> None:
        self.addresses: list[str] = []
        for written in field.data.replace(",", "\n").replace(";", "\n").split("\n"):
            if not written.strip():
                continue
            try:
                known = validate_email(written.strip(), check_deliverability=False, test_environment=True)
            except EmailNotValidError as error:
                raise ValidationError(f"{written.strip()[:100]} is not an e-mail address.") from error
            if known.normalized.lower() not in {each.lower() for each in self.addresses}:
                self.addresses.append(known.normalized)
        if len(self.addresses) > MOST_RECIPIENTS:
            raise ValidationError(f"At most {MOST_RECIPIENTS} addresses. Use a group address for more.")
        if self.enabled.data and not self.addresses:
            raise ValidationError("Write at least one address.")
