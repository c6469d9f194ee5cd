"""What forms of more than one report check."""

from __future__ import annotations

from datetime import date

from wtforms import Field
from wtforms.validators import ValidationError

from cadence_app.reports.ranges import EARLIEST


def check_first_day(field: Field, latest: date, too_late: str) -> None:
    """Errors: ValidationError for a first day after `latest`, which `too_late` explains, or before 2000:
    nobody could have kept such a history, so a mistyped year is told here, not by an empty page."""
    if field.data is None:
        return  # the field has said already what is wrong
    if field.data > latest:
        raise ValidationError(too_late)
    if field.data < EARLIEST:
        raise ValidationError("The first day is before the year 2000.")
