from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import Field, IntegerField, StringField, SubmitField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, ValidationError

from cadence_app.api.models import Scope
from cadence_app.api.tokens import MOST_DAYS, USUAL_DAYS
from cadence_app.form_fields import MultiCheckboxField, stripped

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
    """`days` is how many days after today, in the tenant's zone, the token works."""

    name = StringField("Name", [DataRequired("Give the token a name."), Length(max=80)], filters=[stripped])
    scopes = MultiCheckboxField(
        "What it may do",
        [InputRequired("Choose at least one.")],
        choices=[(str(scope), f"{label} ({scope})") for scope, label in SCOPE_LABELS.items()],
    )
    days = IntegerField(
        "Works for so many days",
        [
            InputRequired("Say for how many days."),
            NumberRange(1, MOST_DAYS, f"Choose 1 to {MOST_DAYS} days."),
        ],
        default=USUAL_DAYS,
    )
    submit = SubmitField("Make token")

    def validate_name(self, field: Field) -> None:
        if not field.data.isprintable():
            raise ValidationError("This has a character that can't be stored.")
