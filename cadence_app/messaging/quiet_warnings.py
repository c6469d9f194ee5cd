"""What somebody is told before a text of theirs goes in a person's quiet hours (quiet_hours.py), and by whose
clock a time is: the user's and, where it shows another time, the person's.

An answer to a text that has just come in is not warned about: they are awake.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from cadence_app.accounts.models import Tenant, User
from cadence_app.extensions import db
from cadence_app.form_fields import Meant, written_exactly
from cadence_app.messaging import snooze_times
from cadence_app.messaging.models import Conversation, Direction, Message
from cadence_app.messaging.quiet_hours import clock_of, hours_of, zones_of
from cadence_app.messaging.snooze_times import When
from cadence_app.ui import formatting

JUST_NOW = timedelta(hours=1)
# What a form says of a text that goes at once; of one for later it says the time.
NOW = "now"


@dataclass(frozen=True)
class Caution:
    """Why a text at `at` would come in the night: `words` says whose clock shows what. `value` is what the
    form says once somebody has been told."""

    words: str
    value: str


@dataclass(frozen=True)
class Preset:
    """A usual time to send at: its name, both clocks where they differ, and the value of its button."""

    label: str
    clocks: str
    value: str


def of_now(tenant: Tenant, number: str, conversation: Conversation | None) -> Caution | None:
    """Before a text that would go now to a number (E.164, or empty while there is none yet)."""
    now = datetime.now(UTC)
    words = _words(tenant, number, now, "It is") if number else ""
    if not words or (conversation and _just_heard(conversation, now)):
        return None
    return Caution(words, NOW)


def of_time(tenant: Tenant, number: str, at: datetime) -> Caution | None:
    """Before a text is set for a time (UTC)."""
    words = _words(tenant, number, at, "That is")
    return Caution(words, _value(at)) if words else None


def told(warning: Caution | None, said: Collection[str]) -> bool:
    """Whether there is nothing to warn of, or a form says that its writer has been told of just this."""
    return warning is None or warning.value in said


def presets(user: User, number: str, now: datetime | None = None) -> list[Preset]:
    """Tomorrow and Monday at nine by the person's clock where it is known, else by the organization's; later
    that day where their quiet hours last longer, and not where they are over for the day by then."""
    now = now or datetime.now(UTC)
    hours, zones = hours_of(user.tenant), zones_of(number.removeprefix("+"))
    zone = clock_of(zones, now) or user.tenant.zone
    today, found = now.astimezone(zone).date(), list[Preset]()
    for choice in snooze_times.choices(zone, now):
        if choice.when == When.LATER_TODAY:
            continue
        at = hours.opens_at(zones, choice.at)
        local = at.astimezone(zone)
        if local.date() != choice.local.date():
            continue
        label = f"{_day(today, local.date())} {formatting.clock(at, zone)}"
        found.append(Preset(label, both_clocks(user, number, at), written_exactly(at, user.zone)))
    return found


def both_clocks(user: User, number: str, at: datetime) -> str:
    """ "9:00 AM Denver, 8:00 AM for them"; empty where their clock is not known or shows the same."""
    theirs = clock_of(zones_of(number.removeprefix("+")), at)
    if theirs is None or _same(user.zone, theirs, at):
        return ""
    day = at.astimezone(user.zone).date() != at.astimezone(theirs).date()
    own, their = (f"{_named(at, zone, day)}" for zone in (user.zone, theirs))
    return f"{own} {_city(user.zone)}, {their} for them"


def hint(user: User, number: str) -> str:
    """By which clock a time is typed, and how theirs differs."""
    now = datetime.now(UTC)
    theirs = clock_of(zones_of(number.removeprefix("+")), now)
    if theirs is None or _same(user.zone, theirs, now):
        return f"{_city(user.zone)} time, yours" + (" and theirs" if theirs else "")
    ahead = _offset(theirs, now) - _offset(user.zone, now)
    hours = abs(ahead) / timedelta(hours=1)
    word = f"{hours:g} hour{'' if hours == 1 else 's'} {'later' if ahead > timedelta() else 'earlier'}"
    return f"{_city(user.zone)} time, yours. For them it is {word}."


def in_composer(user: User, number: str, conversation: Conversation | None) -> dict[str, Any]:
    """What the box of a text shows of all this."""
    return {
        "quiet": of_now(user.tenant, number, conversation),
        "later_presets": presets(user, number),
        "clock_hint": hint(user, number),
        "for_them": lambda at: both_clocks(user, number, at),
    }


def anyway(at: datetime, zone: ZoneInfo) -> Meant:
    """The button that sets a text for a time all the same."""
    return Meant("Set it anyway", written_exactly(at, zone))


def _words(tenant: Tenant, number: str, at: datetime, begins: str) -> str:
    hours, zones = hours_of(tenant), zones_of(number.removeprefix("+"))
    closed = hours.closed_in(zones, at)
    if closed is None:
        return ""
    shown = formatting.clock(at, closed)
    if clock_of(zones, at):
        where = f"{shown} for them"
    elif zones:
        where = f"{shown} in part of the area that their number is from"
    else:
        where = f"{shown} in {_city(closed)}, and where they are is not known"
    night = f"{formatting.hour_name(hours.last)} to {formatting.hour_name(hours.first)}"
    return f"{begins} {where}. Your quiet hours are {night}."


def _just_heard(conversation: Conversation, now: datetime) -> bool:
    came = func.coalesce(Message.provider_at, Message.created_at)
    theirs = Message.conversation_id == conversation.id, Message.direction == Direction.INBOUND
    last = db.session.scalars(select(came).where(*theirs).order_by(Message.id.desc()).limit(1)).first()
    return last is not None and last > now - JUST_NOW


def _value(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="minutes")


def _day(today: date, day: date) -> str:
    days = (day - today).days
    if days == 1:
        return "Tomorrow"
    # On a Monday, "Monday" could be heard as today.
    return f"Next {day:%A}" if days == 7 else f"{day:%A}"


def _named(at: datetime, zone: ZoneInfo, day: bool) -> str:
    return (f"{at.astimezone(zone):%a} " if day else "") + formatting.clock(at, zone)


def _same(one: ZoneInfo, other: ZoneInfo, at: datetime) -> bool:
    return _offset(one, at) == _offset(other, at)


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()


def _city(zone: ZoneInfo) -> str:
    return zone.key.rpartition("/")[2].replace("_", " ")
