"""The figures of message activity, in a small world whose answers are known."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text, update

from cadence_app.accounts.models import User
from cadence_app.extensions import db
from cadence_app.messaging.models import Conversation, MessageKind, MessageState
from cadence_app.reports.activity import AUTOMATIC, Figures, activity_of, share
from cadence_app.reports.activity_periods import Period
from tests.reports.exporting import NEW_YORK
from tests.reports.talking import DAY, NOON, SECOND, Talk, activity, by_name
from tests.world import World, new_number


def test_sent_is_what_was_handed_to_the_carrier_and_delivery_its_share_that_arrived(world: World) -> None:
    talk = Talk(world)
    for state in MessageState:
        if state != MessageState.RECEIVED:
            talk.sent(NOON, state=state)
    talk.sent(NOON)
    now = activity(world).now
    assert (now.sent, now.delivered, now.delivery) == (4, 2, 50.0)


def test_no_text_at_all_is_no_percentage(world: World) -> None:
    now = activity(world).now
    assert (now, now.delivery, now.reply) == (Figures(), None, None)


@pytest.mark.parametrize(
    ("part", "whole", "percent"),
    [(0, 0, None), (0, 9, 0.0), (9, 9, 100.0), (1, 3, 33.3), (99_999, 100_000, 99.9), (1, 100_000, 0.1)],
)
def test_only_all_is_100_percent_and_only_none_is_0(part: int, whole: int, percent: float | None) -> None:
    assert share(part, whole) == percent


@pytest.mark.parametrize(
    ("after", "replied"),
    [(-SECOND, 0), (SECOND, 1), (DAY - SECOND, 1), (DAY, 1), (DAY + SECOND, 0)],
)
def test_a_reply_is_a_text_of_the_contact_within_24_hours_after(
    world: World, after: timedelta, replied: int
) -> None:
    talk = Talk(world)
    talk.sent(NOON)
    talk.received(NOON + after)
    assert activity(world).now.replied == replied


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
@pytest.mark.parametrize("day", [date(2026, 3, 7), date(2026, 10, 31)])
def test_24_hours_are_24_hours_across_a_change_of_the_clocks(world: World, day: date, zone: str) -> None:
    sent_at = datetime(day.year, day.month, day.day, 12, tzinfo=NEW_YORK).astimezone(UTC)
    in_time, late = Talk(world), Talk(world)
    for talk, after in ((in_time, DAY), (late, DAY + SECOND)):
        talk.sent(sent_at)
        talk.received(sent_at + after)
    with world.session():
        db.session.execute(text(f"SET LOCAL TIME ZONE '{zone}'"))
        viewer = db.session.get_one(User, world.admin_id)
        now = activity_of(viewer, viewer.teams, Period(day, day)).now
    assert (now.sent, now.replied) == (2, 1)


def test_one_text_answers_all_that_came_in_the_day_before_it_and_only_in_its_inbox(world: World) -> None:
    talk, other = Talk(world), Talk(world, world.toll_free)
    for hours in (30, 20, 1):
        talk.sent(NOON - timedelta(hours=hours))
    talk.received(NOON)
    talk.received(NOON + SECOND)
    other.sent(NOON - SECOND)
    now = activity(world).now
    assert (now.sent, now.replied, now.reply) == (4, 2, 50.0)


def test_a_reply_after_the_last_day_still_counts_for_the_text_it_answers(world: World) -> None:
    last_moment = datetime(2026, 6, 11, 4, tzinfo=UTC) - SECOND
    talk = Talk(world)
    talk.sent(last_moment)
    talk.received(last_moment + DAY)
    now = activity(world).now
    assert (now.sent, now.replied, now.received) == (1, 1, 0)


def test_automatic_replies_are_sent_by_nobody_and_neither_asked_nor_answered(world: World) -> None:
    talk = Talk(world)
    talk.received(NOON)
    talk.sent(NOON + SECOND, kind=MessageKind.HELP_REPLY)
    talk.received(NOON + 2 * SECOND)
    talk.sent(NOON + 3 * SECOND, world.agent_id)
    shown = activity(world)
    assert shown.now == Figures(sent=2, automatic=1, delivered=2, replied=0, received=2, unread=2)
    assert shown.now.reply == 0.0
    users = by_name(shown.users)
    assert users[AUTOMATIC] == Figures(sent=1, automatic=1, delivered=1)
    assert users[AUTOMATIC].reply is None
    assert users["Agent Person"] == Figures(sent=1, delivered=1)


def test_the_keywords_own_way_in_gives_the_same_figures(world: World) -> None:
    world.text(new_number(), "STOP")
    today = datetime.now(NEW_YORK).date()
    now = activity(world, period=Period(today - timedelta(days=1), today)).now
    assert (now.sent, now.automatic, now.received, now.replied) == (1, 1, 1, 0)


def test_unread_is_what_nobody_ever_opened_and_marking_unread_again_does_not_count(world: World) -> None:
    today = datetime.now(NEW_YORK).date()
    days = Period(today - timedelta(days=1), today)
    number = new_number()
    received = world.text(number, "Hello?")
    world.text(number, "Anybody?")
    assert activity(world, period=days).now.unread == 2

    agent = world.sign_in("agent")
    agent.get(f"/messages/conversations/{received.conversation_id}")
    opened = [message.opened_at for message in world.messages(received.conversation_id)]
    assert activity(world, period=days).now.unread == 0
    with world.session():
        db.session.execute(
            update(Conversation).where(Conversation.id == received.conversation_id).values(unread=2)
        )
        db.session.commit()
    assert activity(world, period=days).now.unread == 0
    agent.get(f"/messages/conversations/{received.conversation_id}")
    assert [message.opened_at for message in world.messages(received.conversation_id)] == opened

    world.text(number, "One more")
    assert activity(world, period=days).now.unread == 1
    assert agent.get(f"/messages/conversations/{received.conversation_id}/fresh").status_code == 200
    assert activity(world, period=days).now.unread == 0


def test_looking_at_the_list_opens_nothing_and_sending_marks_no_text_of_ours(world: World) -> None:
    received = world.text(new_number(), "Hello?")
    agent = world.sign_in("agent")
    agent.get("/messages/?inbox=")
    assert world.messages(received.conversation_id)[0].opened_at is None
    agent.post(f"/messages/conversations/{received.conversation_id}/send", {"body": "Hi"})
    agent.get(f"/messages/conversations/{received.conversation_id}")
    theirs, ours = world.messages(received.conversation_id)
    assert theirs.opened_at is not None
    assert ours.opened_at is None
