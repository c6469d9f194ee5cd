"""How times, numbers and sizes look on a page."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import phonenumbers
from markupsafe import Markup

# First characters that make a spreadsheet run a cell, as OWASP's page on CSV injection lists them (line feed
# and the full-width forms among them); a leading apostrophe makes the cell text again.


def in_zone(value: datetime, zone: ZoneInfo) -> str:
    """ "Nov 24, 2026, 4:05 PM EST"."""
    local = value.astimezone(zone)
    return f"{day(local.date())}, {clock(value, zone)} {local.tzname()}"


def clock(value: datetime, zone: ZoneInfo) -> str:
    """ "4:05 PM"."""
    local = value.astimezone(zone)
    return f"{local.hour % 12 or 12}:{local:%M} {local:%p}"


def moment_to_the_second(value: datetime, zone: ZoneInfo) -> str:
    """ "Nov 24, 2026, 4:05:09 PM EST"."""
    local = value.astimezone(zone)
    return f"{day(local.date())}, {to_the_second(value, zone)} {local.tzname()}"


def to_the_second(value: datetime, zone: ZoneInfo) -> str:
    """ "4:05:09 PM"."""
    local = value.astimezone(zone)
    return f"{local.hour % 12 or 12}:{local:%M:%S} {local:%p}"


def hour_name(hour: int) -> str:
    """ "6:00 AM"; 24 is the day's end, "midnight"."""
    return "midnight" if hour == 24 else f"{hour % 12 or 12}:00 {'AM' if hour < 12 else 'PM'}"


def day(value: date) -> str:
    """ "Nov 24, 2026"."""
    return f"{value:%b} {value.day}, {value.year}"


def utc(value: datetime) -> str:
    """ "2026-11-24 21:05:09 UTC"."""
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def time_tag(value: datetime | None, text: str, title: str = "") -> Markup:
    """The text as a <time> element whose title is the instant in UTC, if it has no other one."""
    if value is None:
        return Markup("")
    iso = value.astimezone(UTC).isoformat(timespec="seconds")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(iso, title or utc(value), text)


def brief(value: datetime, zone: ZoneInfo, today: date) -> str:
    """The shortest that still tells: the time today, the day this year, else day and year."""
    local = value.astimezone(zone)
    if local.date() == today:
        return clock(value, zone)
    if local.year == today.year:
        return f"{local:%b} {local.day}"
    return day(local.date())


def time_to_come(value: datetime, zone: ZoneInfo, today: date, weekday: str = "%a") -> str:
    """The shortest that still tells when that will be: "5:00 PM" today, "Mon 9:00 AM" within six days, else
    "Dec 3, 9:00 AM", with the year where it is another. `weekday` "%A" gives "Monday 9:00 AM"."""
    local = value.astimezone(zone)
    ahead = (local.date() - today).days
    if ahead == 0:
        return clock(value, zone)
    if 0 < ahead < 7:
        return f"{local:{weekday}} {clock(value, zone)}"
    named = f"{local:%b} {local.day}" if local.year == today.year else day(local.date())
    return f"{named}, {clock(value, zone)}"


def phone(number: str) -> str:
    """An E.164 number as people of its country write it: "(555) 123-4567", or "+44 20 7946 0958". What stands
    in place of a number that was erased is left as it is."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    national = parsed.country_code == 1
    style = (
        phonenumbers.PhoneNumberFormat.NATIONAL if national else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    )
    return phonenumbers.format_number(parsed, style)


def size(count: int | None) -> str:
    """Bytes as people read them: "812 B", "4.2 MB"."""
    if count is None:
        return ""
    value = float(count)
    for unit in ("B", "KB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"
