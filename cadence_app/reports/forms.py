from __future__ import annotations

from datetime import date

from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import Field, SubmitField
from wtforms.validators import InputRequired, ValidationError

from cadence_app.reports.fields import DayField
from cadence_app.reports.ranges import today

# Before anybody could have kept such a history; a mistyped year is told here, not by an empty file.
_EARLIEST = date(2000, 1, 1)
_LATEST = date(2099, 12, 31)


class RangeForm(FlaskForm):
    """Whole days in the tenant's time zone, both included."""

    start_date = DayField("Start date", [InputRequired("Enter the first day.")])
    end_date = DayField("End date", [InputRequired("Enter the last day.")])
    submit = SubmitField("Request Export")

    def validate_start_date(self, field: Field) -> None:
        if field.data is None:
            return  # the field has said already what is wrong
        if field.data > today(current_user.tenant.zone):
            raise ValidationError("The first day is in the future; there is nothing to export yet.")
        if field.data < _EARLIEST:
            raise ValidationError("The first day is before the year 2000.")

    def validate_end_date(self, field: Field) -> None:
        start = self.start_date.data
        if start and field.data and field.data < start:
            raise ValidationError("The last day is before the first day.")
        if field.data and field.data > _LATEST:
            raise ValidationError("The last day is after the year 2099.")
