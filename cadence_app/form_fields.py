"""What the forms of every area share."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask_wtf import FlaskForm
from wtforms import DateField, DateTimeLocalField, Field, IntegerField, SelectMultipleField, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

_FURTHEST = timedelta(days=366)
# Such a day and the one after it have a first instant in every zone; the ends of the calendar have not.
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2999, 12, 31)


class MultiCheckboxField(SelectMultipleField):
    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class DayField(DateField):
    """A date field that tells "nothing entered" from "not a date", and takes none that nobody can mean."""

    data: date | None

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            self.data = None
            raise ValueError("Enter a date as year-month-day, such as 2026-03-31.") from None
        if self.data and not FIRST_DAY <= self.data <= LAST_DAY:
            self.data = None
            raise ValueError(f"Enter a date from the year {FIRST_DAY.year} to {LAST_DAY.year}.")


class WholeNumberField(IntegerField):
    """A whole number that the database can hold."""

    data: Any

    def process_formdata(self, valuelist: list[str]) -> None:
        super().process_formdata(valuelist)
        if self.data is not None and abs(self.data) >= 2**63:
            self.data = None
            raise ValueError("Enter a smaller number.")


class LaterField(DateTimeLocalField):
    """A minute to come, by somebody's clock; `instant` is the same in UTC, once check() has passed."""

    _instant: datetime | None = None

    @property
    def instant(self) -> datetime:
        if self._instant is None:
            raise ValueError("ask only after check()")
        return self._instant

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            self.data = None
            raise ValueError("Enter a day and a time.") from None

    def check(self, zone: ZoneInfo) -> None:
        """Errors: ValidationError for no time, one that is over, and one more than a year away."""
        if self.process_errors:
            return
        if self.data is None:
            raise ValidationError("Enter a day and a time.")
        now = datetime.now(UTC)
        try:
            instant = self.data.replace(tzinfo=zone).astimezone(UTC)
        except OverflowError:
            raise ValidationError("Enter a day and a time.") from None
        if instant <= now:
            raise ValidationError("This time is over. Choose a later one.")
        if instant > now + _FURTHEST:
            raise ValidationError("Choose a time within a year.")
        self._instant = instant


def stripped(value: str | None) -> str:
    return (value or "").strip()


def one_kind_of_line_end(value: str | None) -> str:
    """A form's lines end in CR LF; a text's in LF, of which carriers count one character."""
    return (value or "").replace("\r\n", "\n")


def no_control_characters(form: FlaskForm, field: Field) -> None:
    """PostgreSQL stores no NUL in a text."""
    if "\x00" in (field.data or ""):
        raise ValidationError("This has a character that can't be stored.")
