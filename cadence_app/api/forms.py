from __future__ import annotations

from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import DateField, Field, StringField, SubmitField
from wtforms.validators import DataRequired, InputRequired, Length, Optional, ValidationError

from cadence_app.api.models import Scope
from cadence_app.reports.ranges import today
from cadence_app.ui.fields import MultiCheckboxField, stripped

SCOPE_LABELS = {
    Scope.CONTACTS_READ: "Read contacts",
    Scope.CONTACTS_WRITE: "Add contacts",
    Scope.CONSENT_READ: "Read consent",
    Scope.CONSENT_WRITE: "Change consent",
    Scope.CHANGES_READ: "Follow opt-out changes",
    Scope.EXPORTS_READ: "Read exports and their files",
    Scope.EXPORTS_WRITE: "Request exports",
}


class TokenForm(FlaskForm):
    """`last_day` is the last day, in the tenant's zone, on which the token works."""

    name = StringField("Name", [DataRequired("Give the token a name."), Length(max=80)], filters=[stripped])
    scopes = MultiCheckboxField(
        "What it may do",
        [InputRequired("Choose at least one.")],
        choices=[(str(scope), f"{label} ({scope})") for scope, label in SCOPE_LABELS.items()],
    )
    last_day = DateField("Works until", [Optional()])
    submit = SubmitField("Make token")

    def validate_name(self, field: Field) -> None:
        if not field.data.isprintable():
            raise ValidationError("This has a character that can't be stored.")

    def validate_last_day(self, field: Field) -> None:
        if field.data and field.data < today(current_user.tenant.zone):
            raise ValidationError("That day is over.")
        if field.data and field.data.year > 9000:
            raise ValidationError("Choose a day before the year 9000, or none.")
