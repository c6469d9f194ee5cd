"""When a possible opt out is due: ten business days after it was written, not after it was read."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import select

from cadence_app.consent.models import PossibleOptOut
from cadence_app.extensions import db
from cadence_app.messaging.inbound import receive_text
from tests.world import World, new_number

WORDS = "please stop texting me"


def read(world: World, number: str, at: datetime, words: str = WORDS) -> None:
    with world.app.app_context():
        receive_text(world.shared, number, words, str(uuid.uuid4()), at)


def flag(world: World) -> PossibleOptOut:
    with world.session():
        found = db.session.scalars(select(PossibleOptOut)).one()
        db.session.expunge(found)
        return found


def last_monday() -> datetime:
    """Noon in New York of a Monday at least a week ago."""
    today = datetime.now(UTC).replace(hour=17, minute=0, second=0, microsecond=0)
    return today - timedelta(days=today.weekday() + 7)


def test_words_that_are_read_a_week_late_are_due_two_weeks_after_they_were_written(world: World) -> None:
    monday, number = last_monday(), new_number()
    read(world, number, monday - timedelta(minutes=1), "Hello")
    read(world, number, monday)
    found = flag(world)
    assert (found.received_at, found.due_on) == (monday, monday.date() + timedelta(days=14))


def test_a_text_of_23_november_2026_is_due_on_7_december(world: World) -> None:
    if datetime.now(UTC) < datetime(2026, 11, 24, tzinfo=UTC):
        return
    number = new_number()
    read(world, number, datetime(2026, 11, 23, 14, 59, tzinfo=UTC), "Hello")
    read(world, number, datetime(2026, 11, 23, 15, 0, tzinfo=UTC))
    assert flag(world).due_on == date(2026, 12, 7)


def test_a_clock_that_is_ahead_makes_nothing_due_later(world: World) -> None:
    number, now = new_number(), datetime.now(UTC)
    read(world, number, now, "Hello")
    read(world, number, now + timedelta(days=30))
    assert flag(world).received_at <= datetime.now(UTC)


def test_the_earliest_words_start_the_clock_in_whatever_order_they_are_read(world: World) -> None:
    monday, number = last_monday(), new_number()
    read(world, number, monday - timedelta(minutes=1), "Hello")
    for days in (2, 0, 4):
        read(world, number, monday + timedelta(days=days))
    found = flag(world)
    assert (found.received_at, found.due_on) == (monday, monday.date() + timedelta(days=14))
    assert len(found.words.splitlines()) == len(found.message_ids) == 3


def test_the_day_is_the_one_of_the_organisations_zone(world: World) -> None:
    """Three in the morning in UTC is the day before in New York."""
    tuesday, number = last_monday().replace(hour=3) + timedelta(days=1), new_number()
    read(world, number, tuesday - timedelta(minutes=1), "Hello")
    read(world, number, tuesday)
    assert flag(world).due_on == tuesday.date() + timedelta(days=13)
