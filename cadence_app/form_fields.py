"""What the forms of every area share."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True)
class Meant:
    """An instant that somebody may have meant: as a page names it, and as exact_time() reads it."""

    label: str
    value: str


def exact_time(value: str) -> datetime | None:
    """An instant with its offset, such as 2026-11-01T01:30-04:00; None for anything else."""
    try:
        found = datetime.fromisoformat(value)
        return found if found.utcoffset() is not None and found.astimezone(UTC) else None
    except (ValueError, OverflowError):
        return None


def written_exactly(instant: datetime, zone: ZoneInfo) -> str:
    """As exact_time() reads it, by a zone's clock."""
    return instant.astimezone(zone).isoformat(timespec="minutes")


class LaterField(DateTimeLocalField):
    """A minute to come, by somebody's clock; `instant` is the same in UTC, once check() has passed. A button
    of its name may say it exactly (exact_time()), and counts before what was typed. `meant` are the times
    that somebody may mean where clocks are turned."""

    data: datetime | None
    _instant: datetime | None = None
    _exact: datetime | None = None
    meant: tuple[Meant, ...] = ()

    @property
    def instant(self) -> datetime:
        if self._instant is None:
            raise ValueError("ask only after check()")
        return self._instant

    def process_formdata(self, valuelist: list[str]) -> None:
        self._exact = next((found for each in valuelist if (found := exact_time(each))), None)
        if self._exact:
            self.data = self._exact.replace(tzinfo=None)
            return
        try:
            super().process_formdata(valuelist[:1])
        except ValueError:
            self.data = None
            raise ValueError("Enter a day and a time.") from None

    def check(self, zone: ZoneInfo) -> None:
        """Errors: ValidationError for no time, one that is over, one more than a year away, and one that this
        zone's clocks never show on that day, or twice: `meant` has what may be meant then."""
        if self.process_errors:
            return
        if self.data is None:
            raise ValidationError("Enter a day and a time.")
        now = datetime.now(UTC)
        try:
            instant = (self._exact or self.data.replace(tzinfo=zone)).astimezone(UTC)
            if self._exact is None and self.data:
                self._refuse_turned(self.data, zone, now)
        except OverflowError:
            raise ValidationError("Enter a day and a time.") from None
        if instant <= now:
            raise ValidationError("This time is over. Choose a later one.")
        if instant > now + _FURTHEST:
            raise ValidationError("Choose a time within a year.")
        self._instant = instant

    def _refuse_turned(self, wanted: datetime, zone: ZoneInfo, now: datetime) -> None:
        first, second = (wanted.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
        if first.utcoffset() == second.utcoffset():
            return
        at = sorted((first.astimezone(UTC), second.astimezone(UTC)))
        self.meant = tuple(
            Meant(_clock(each, zone), written_exactly(each, zone)) for each in at if each > now
        )
        day, clock = f"{wanted:%b} {wanted.day}", _clock(wanted)
        if first.astimezone(UTC) < second.astimezone(UTC):
            raise ValidationError(f"{clock} comes twice on {day}, when clocks go back. Choose which one.")
        raise ValidationError(f"There is no {clock} on {day}: clocks go forward then. Choose another time.")


def _clock(at: datetime, zone: ZoneInfo | None = None) -> str:
    """ "1:30 AM EDT", without a zone "1:30 AM"."""
    local = at.astimezone(zone) if zone else at
    return f"{local.hour % 12 or 12}:{local:%M %p}" + (f" {local.tzname()}" if zone else "")


def stripped(value: str | None) -> str:
    return (value or "").strip()


def one_kind_of_line_end(value: str | None) -> str:
    """A form's lines end in CR LF; a text's in LF, of which carriers count one character."""
    return (value or "").replace("\r\n", "\n")


def no_control_characters(form: FlaskForm, field: Field) -> None:
    """PostgreSQL stores no NUL in a text."""
    if "\x00" in (field.data or ""):
        raise ValidationError("This has a character that can't be stored.")
