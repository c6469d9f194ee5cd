"""The hours in which somebody may be texted, by the clock where their number is from.

A number's area says which time zones it may be in; where there are several, the text waits until it may go in
each of them. A number whose area is unknown counts as in the organisation's own zone.
The hours are the organisation's (Tenant in accounts/models.py). A campaign's text waits for them
(campaigns/sending.py); who writes to somebody else's night is warned first (quiet_warnings.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from phonenumbers.tzdata import TIMEZONE_DATA

from cadence_app.accounts.models import Tenant

# The longest prefix of the data that a number of the North American plan may have, and any other number.
NANP_PREFIX, ANY_PREFIX = 7, 9
_DAY = timedelta(days=1)
# Zones at opposite ends of the world may never be open together; by then no opening was found.
_TRIES = 20


def zones_of(digits: str) -> str:
    """The zones of a number's first digits (E.164 without the plus), with a space between; empty where they
    are not known. As phonenumbers.timezone looks them up, without parsing a hundred thousand numbers."""
    for length in range(min(len(digits), ANY_PREFIX), 0, -1):
        if zones := TIMEZONE_DATA.get(digits[:length]):
            return " ".join(zones)
    return ""


@dataclass(frozen=True)
class Hours:
    """From `first` up to `last` (hours of a day, 24 its end); `home` is the organisation's zone."""

    first: int
    last: int
    home: str

    @property
    def always(self) -> bool:
        return self.first == 0 and self.last == 24

    def open(self, zones: str, moment: datetime) -> bool:
        return self.always or all(self._opens_in(zone, moment) <= moment for zone in self._zones(zones))

    def closed_in(self, zones: str, moment: datetime) -> ZoneInfo | None:
        """The first of these zones that is closed at a moment; None while all are open."""
        if self.always:
            return None
        return next((zone for zone in self._zones(zones) if self._opens_in(zone, moment) > moment), None)

    def opens_at(self, zones: str, moment: datetime) -> datetime:
        """The first instant from `moment` on at which all these zones are open; where they never are
        together, the next at which the organisation's own is."""
        if self.always:
            return moment
        found = moment
        for _ in range(_TRIES):
            later = max(self._opens_in(zone, found) for zone in self._zones(zones))
            if later <= found:
                return found.astimezone(UTC)
            found = later
        return self._opens_in(_zone(self.home), moment).astimezone(UTC)

    def _zones(self, zones: str) -> list[ZoneInfo]:
        return [_zone(name) for name in zones.split() or [self.home]]

    def _opens_in(self, zone: ZoneInfo, moment: datetime) -> datetime:
        """When one zone is open: at that moment, or later."""
        local = moment.astimezone(zone)
        opens = datetime.combine(local.date(), time(self.first), zone)
        if local < opens:
            return opens
        if self.last == 24 or local < datetime.combine(local.date(), time(self.last), zone):
            return moment
        return datetime.combine(local.date() + _DAY, time(self.first), zone)


def hours_of(tenant: Tenant) -> Hours:
    return Hours(tenant.texts_from, tenant.texts_until, tenant.time_zone)


def clock_of(zones: str, moment: datetime) -> ZoneInfo | None:
    """The clock of who is in one of these zones, where all of them show the same time; else None."""
    found = [_zone(name) for name in zones.split()]
    return found[0] if len({moment.astimezone(each).utcoffset() for each in found}) == 1 else None


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
