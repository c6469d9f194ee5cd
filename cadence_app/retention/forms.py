"""The forms of retention and of a legal hold."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import SelectField, SubmitField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length

from cadence_app.form_fields import WholeNumberField, no_control_characters, stripped

EVERYTHING = "all"
_YEARS = range(1, 26)


class KeepForm(FlaskForm):
    years = SelectField(
        "Keep a contact",
        choices=[
            *(SelectChoice(str(n), f"{n} year{'s' if n > 1 else ''} after their last text") for n in _YEARS),
            SelectChoice(EVERYTHING, "For good: keep everything"),
        ],
    )
    submit = SubmitField("Save")

    @property
    def asked_years(self) -> int | None:
        """The years of a form that is valid; None for good."""
        return None if self.years.data == EVERYTHING else int(self.years.data)


class RemoveForm(FlaskForm):
    contacts = WholeNumberField("Number of contacts", [InputRequired("Type the number of contacts.")])
    submit = SubmitField("Remove these")


class HoldForm(FlaskForm):
    reason = TextAreaField(
        "Why",
        [DataRequired("Say why, such as the case it is for."), Length(max=500), no_control_characters],
        filters=[stripped],
    )
    submit = SubmitField("Put on hold")
