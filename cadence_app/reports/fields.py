"""Form fields that more than one report has."""

from __future__ import annotations

from datetime import date

from wtforms import DateField, Field
from wtforms.validators import ValidationError

_EARLIEST = date(2000, 1, 1)


class DayField(DateField):
    """A date field that tells "nothing entered" from "not a date"."""

    data: date | None

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            self.data = None
            raise ValueError("Enter a date as year-month-day, such as 2026-03-31.") from None


def check_first_day(field: Field, latest: date, too_late: str) -> None:
    """Errors: ValidationError for a first day after `latest`, which `too_late` explains, or before 2000:
    nobody could have kept such a history, so a mistyped year is told here, not by an empty page."""
    if field.data is None:
        return  # the field has said already what is wrong
    if field.data > latest:
        raise ValidationError(too_late)
    if field.data < _EARLIEST:
        raise ValidationError("The first day is before the year 2000.")
