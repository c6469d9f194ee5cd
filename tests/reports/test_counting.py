"""What closed days were counted to be, and what is counted live beside it: together always what there is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, select, text, update

from cadence_app.accounts.models import Tenant
from cadence_app.consent.models import Source, Status
from cadence_app.extensions import db
from cadence_app.messaging.models import SENT_STATES, Direction, Message, MessageKind, MessageState
from cadence_app.reports import counting
from cadence_app.reports.activity import Figures
from cadence_app.reports.activity_periods import Period
from cadence_app.reports.counting_jobs import sweep_day_counts
from cadence_app.reports.counting_models import CountedTexts, DayCounting, DayToRecount
from cadence_app.reports.filters import CARRIED, Filters
from cadence_app.reports.scope import Scope
from cadence_app.reports.trends import Trends, count, trends_of
from cadence_app.work import due
from tests.reports.exporting import NEW_YORK, change
from tests.reports.talking import DAYS, NOON, SECOND, Talk, activity
from tests.world import World

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
# The clocks of New York go forward on March 8 and back on November 1.
SPRING, AUTUMN = datetime(2026, 3, 8, 7, tzinfo=UTC), datetime(2025, 11, 2, 6, tzinfo=UTC)
ZONES = ("America/New_York", "Asia/Kolkata", "UTC")


def settle(world: World) -> None:
    """Counts all that is closed. Another test's transaction may have to end first."""
    for _ in range(1000):
        with world.session():
            while counting.count_days():
                pass
            kept = db.session.get_one(DayCounting, world.tenant_id)
            if kept.counted_until == kept.noted_until:
                return
            db.session.scalar(text("SELECT pg_sleep(0.01)"))
    raise AssertionError("somebody's transaction has not ended")


@contextmanager
def beside(world: World) -> Iterator[Connection]:
    """A transaction of somebody else's, committed at its end."""
    engine = create_engine(world.app.config["SUPERUSER_URL"])
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def counted(world: World, period: Period) -> Figures:
    """The same as activity().now, by looking at every text."""
    with world.session():
        zone = db.session.get_one(Tenant, world.tenant_id).zone
        texts = list(db.session.scalars(select(Message)))
    inbound = [each for each in texts if each.direction == Direction.INBOUND]
    figures = Figures()
    for each in texts:
        if not period.start <= each.created_at.astimezone(zone).date() <= period.end:
            continue
        if each.direction == Direction.INBOUND:
            figures += Figures(received=1, unread=int(each.opened_at is None))
        elif each.state in SENT_STATES:
            automatic = each.kind != MessageKind.PERSON
            answered = not automatic and any(
                other.conversation_id == each.conversation_id
                and (each.created_at, each.id) < (other.created_at, other.id)
                and other.created_at <= each.created_at + 24 * HOUR
                for other in inbound
            )
            arrived = each.state == MessageState.DELIVERED
            figures += Figures(1, int(automatic), int(arrived), int(answered))
    return figures


_STEPS = st.tuples(
    st.sampled_from(
        ["sent", "answer", "received", "receipt", "opened", "erased", "merged", "zone", "sweep", "sweep"]
    ),
    st.integers(0, 9),
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(around=SPRING, steps=[("sent", 0), ("sweep", 0), ("sweep", 0), ("erased", 0), ("erased", 3)])
@example(around=AUTUMN, steps=[("sent", 0), ("sent", 0), ("received", 0), ("sweep", 0)])
@given(around=st.sampled_from([SPRING, AUTUMN]), steps=st.lists(_STEPS, min_size=4, max_size=10))
def test_counts_and_live_days_are_what_the_texts_are_after_any_order_of_events(
    world: World, around: datetime, steps: list[tuple[str, int]]
) -> None:
    with beside(world) as everything:
        for table in ("days_to_recount", "counted_texts", "day_counting", "messages"):
            everything.execute(text(f"DELETE FROM {table} WHERE tenant_id = {world.tenant_id}"))
    talks = [Talk(world), Talk(world)]
    talks[0].sent(around - 2 * DAY)
    for what, number in steps:
        _do(world, talks, around, what, number)
    last = around.date() + DAY
    for days in (0, 1, 3):
        period = Period(last - days * DAY, last)
        assert activity(world, period=period).now == counted(world, period)


def _do(world: World, talks: list[Talk], around: datetime, what: str, number: int) -> None:
    talk, other = talks[number % 2], talks[1 - number % 2]
    at = around + (number - 5) * 7 * HOUR
    if what == "sent":
        talk.sent(at)
    elif what == "answer":
        talk.sent(at, kind=MessageKind.HELP_REPLY)
    elif what == "received":
        talk.received(at)
    elif what == "sweep":
        settle(world)
    elif what == "zone":
        with world.session():
            db.session.get_one(Tenant, world.tenant_id).time_zone = ZONES[number % 3]
            db.session.commit()
    else:
        _change(world, other, what, number)


def _change(world: World, other: Talk, what: str, number: int) -> None:
    """Something becomes of a text that is there, as the database sees it."""
    with beside(world) as everything:
        # The words of texts are kept by a trigger, for the tenant in use.
        everything.execute(
            text("SELECT set_config('cadence.tenant_id', :id, true)"), {"id": str(world.tenant_id)}
        )
        ids = everything.scalars(
            text("SELECT id FROM messages WHERE tenant_id = :tenant ORDER BY id"),
            {"tenant": world.tenant_id},
        ).all()
        if not ids:
            return
        changed = {
            "receipt": "UPDATE messages SET state ="
            " CASE state WHEN 'delivered' THEN 'failed' ELSE 'delivered' END"
            " WHERE id = :id AND direction = 'outbound'",
            "opened": "UPDATE messages SET opened_at = now() WHERE id = :id AND direction = 'inbound'",
            "erased": "DELETE FROM messages WHERE id = :id",
            "merged": "UPDATE messages SET conversation_id = :other WHERE id = :id",
        }[what]
        values = {"id": ids[number % len(ids)], "other": other.id}
        query = text(changed)
        everything.execute(query, {name: values[name] for name in query.compile().params})


def test_a_day_that_was_counted_is_not_read_again_and_what_changes_in_it_shows_at_once(world: World) -> None:
    talk = Talk(world)
    text_id = talk.sent(NOON, state=MessageState.SENT)
    settle(world)
    with world.session():
        assert counting.live_days(DAYS.start, DAYS.end, NEW_YORK).days == []
        db.session.execute(update(Message).where(Message.id == text_id).values(state=MessageState.DELIVERED))
        db.session.commit()
        assert counting.live_days(DAYS.start, DAYS.end, NEW_YORK).days == [NOON.date()]
    assert activity(world).now.delivered == 1
    settle(world)
    with world.session():
        assert counting.live_days(DAYS.start, DAYS.end, NEW_YORK).days == []
    assert activity(world).now.delivered == 1


def test_a_change_that_is_committed_while_its_day_is_counted_again_is_not_lost(world: World) -> None:
    talk = Talk(world)
    ids = [talk.sent(NOON, state=MessageState.SENT), talk.sent(NOON + SECOND, state=MessageState.SENT)]
    settle(world)
    arrives = text("UPDATE messages SET state = 'delivered' WHERE id = :id")
    with beside(world) as first:
        first.execute(arrives, {"id": ids[0]})
    with beside(world) as second:
        second.execute(arrives, {"id": ids[1]})
        settle(world)
        assert activity(world).now.delivered == 1
    assert activity(world).now.delivered == 2
    settle(world)
    assert activity(world).now.delivered == 2


def test_no_day_is_counted_before_those_have_ended_who_leave_no_notes_yet(world: World) -> None:
    text_id = Talk(world).sent(NOON, state=MessageState.SENT)
    with beside(world) as writer:
        writer.execute(text("UPDATE messages SET state = 'delivered' WHERE id = :id"), {"id": text_id})
        with world.session():
            while counting.count_days():
                pass
            assert db.session.scalars(select(CountedTexts)).all() == []
            assert db.session.scalars(select(DayToRecount)).all() == []
    settle(world)
    with world.session():
        assert [each.delivered for each in db.session.scalars(select(CountedTexts))] == [1]


def test_counting_goes_on_in_a_database_that_was_restored_elsewhere(world: World) -> None:
    """Whose transactions have lower numbers than the one that a backup says to wait for."""
    Talk(world).sent(NOON)
    with world.session():
        while counting.count_days():
            pass
    with beside(world) as backup:
        changed = backup.execute(
            text(
                "UPDATE day_counting SET noted_before = 1::bigint << 60, counted_until = '1900-01-01Z'"
                " WHERE tenant_id = :tenant"
            ),
            {"tenant": world.tenant_id},
        )
        assert changed.rowcount == 1
    settle(world)
    assert activity(world).now.sent == 1


def test_todays_texts_leave_no_notes_whatever_becomes_of_them(world: World) -> None:
    Talk(world).sent(NOON)
    settle(world)
    talk = Talk(world)
    text_id = talk.sent(datetime.now(UTC) - HOUR, state=MessageState.SENT)
    with world.session():
        db.session.execute(update(Message).where(Message.id == text_id).values(state=MessageState.DELIVERED))
        db.session.commit()
        assert db.session.scalars(select(DayToRecount)).all() == []


def test_one_transaction_with_many_texts_of_an_hour_leaves_one_note(world: World) -> None:
    talk = Talk(world)
    for number in range(20):
        talk.received(NOON + number * SECOND)
    settle(world)
    with world.session():
        opened = update(Message).where(Message.opened_at.is_(None)).values(opened_at=NOON)
        db.session.execute(opened)
        db.session.commit()
        assert len(db.session.scalars(select(DayToRecount)).all()) == 1


def test_the_figures_of_the_history_are_the_same_when_its_days_are_counted(world: World) -> None:
    contact_id = world.add_contact()
    for number, (status, source) in enumerate(
        [
            (Status.OPTED_OUT, Source.KEYWORD),
            (Status.OPTED_IN, Source.TOGGLE),
            (Status.OPTED_OUT, Source.MERGE),
        ]
    ):
        change(world, contact_id, status, source, NOON + number * HOUR)
    asked = [
        Filters(**each)
        for each in (
            *({}, {"team_id": world.team_id}, {"team_id": world.other_team_id}, {"source": CARRIED}),
            *({"source": "keyword"}, {"status": "opted_in"}, {"user_id": world.admin_id}, {"words": "x"}),
        )
    ]

    def shown() -> list[tuple[Trends, int]]:
        with world.session():
            scopes = [Scope(DAYS.start, DAYS.end, NEW_YORK, each) for each in asked]
            return [(trends_of(each), count(each)) for each in scopes]

    before = shown()
    assert [number for _, number in before[:4]] == [2, 2, 0, 1]
    settle(world)
    assert shown() == before


@pytest.mark.parametrize("days", [None, 2])
def test_a_tenant_is_due_once_it_has_a_closed_day_and_not_again(world: World, days: int | None) -> None:
    def is_due() -> bool:
        with world.session():
            found = due.find("due_day_counts", timedelta(), 1, 1_000_000)
        return world.tenant_id in {each.tenant_id for each in found}

    assert not is_due()
    Talk(world).sent(datetime.now(UTC) - DAY * days if days else NOON)
    assert is_due() is (days is None)
    if days is None:
        with world.session():
            sweep_day_counts.work(world.tenant_id, 0)
        settle(world)
        assert not is_due()
        Talk(world).sent(NOON)
        assert is_due()


def test_a_report_over_a_century_asks_for_no_day_of_before_the_first_text(world: World) -> None:
    Talk(world).sent(NOON)
    with world.session():
        live = counting.live_days(date(2000, 1, 1), date(2099, 12, 31), ZoneInfo("UTC"))
    assert live.days == [NOON.date()]
