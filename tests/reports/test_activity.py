"""The figures of message activity, in a small world whose answers are known."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from importlib import util
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import create_engine, select, text, update

from cadence_app.accounts.models import Team, TeamMember, User
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.conversations import conversation_with
from cadence_app.messaging.models import Conversation, Direction, Message, MessageKind, MessageState
from cadence_app.reports.activity import AUTOMATIC, NOBODY, Activity, Figures, Line, activity_of, share
from cadence_app.reports.activity_periods import PRESETS, Period, Step
from tests.conftest import ROOT
from tests.world import World, make_world, new_number

NEW_YORK = ZoneInfo("America/New_York")
DAYS = Period(date(2026, 6, 1), date(2026, 6, 10))
NOON = datetime(2026, 6, 5, 16, tzinfo=UTC)
SECOND = timedelta(seconds=1)
DAY = timedelta(hours=24)


class Talk:
    """A conversation of a new contact with an inbox, into which a test puts texts at moments of its own."""

    def __init__(self, world: World, number: str | None = None) -> None:
        self.world = world
        contact_id = world.add_contact()
        with world.session():
            inbox = db.session.scalars(select(Inbox).where(Inbox.number == (number or world.shared))).one()
            self.id, self.inbox_id = conversation_with(inbox, contact_id).id, inbox.id
            db.session.commit()

    def sent(
        self,
        at: datetime,
        user_id: int | None = None,
        state: MessageState = MessageState.DELIVERED,
        kind: MessageKind = MessageKind.PERSON,
    ) -> int:
        person = kind == MessageKind.PERSON
        author = (user_id or self.world.agent_id) if person else None
        return self._add(direction=Direction.OUTBOUND, kind=kind, state=state, user_id=author, created_at=at)

    def received(self, at: datetime) -> int:
        return self._add(direction=Direction.INBOUND, state=MessageState.RECEIVED, created_at=at)

    def _add(self, **values: object) -> int:
        with self.world.session():
            message = Message(
                tenant_id=self.world.tenant_id,
                conversation_id=self.id,
                inbox_id=self.inbox_id,
                body="x",
                **values,
            )
            db.session.add(message)
            db.session.commit()
            return message.id


def activity(
    world: World, role: str = "admin", period: Period = DAYS, team_ids: Iterable[int] | None = None
) -> Activity:
    """What somebody of the world sees, by default of all the teams they are in."""
    with world.session():
        viewer = db.session.get_one(User, world.admin_id if role == "admin" else world.agent_id)
        wanted = [team for team in viewer.teams if team_ids is None or team.id in team_ids]
        return activity_of(viewer, wanted, period)


def by_name(lines: list[Line]) -> dict[str, Figures]:
    assert len({line.name for line in lines}) == len(lines)
    return {line.name: line.figures for line in lines}


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


def test_days_are_the_tenants_and_both_ends_are_in(world: World) -> None:
    talk = Talk(world)
    for at in (
        datetime(2026, 6, 1, 4, tzinfo=UTC) - SECOND,
        datetime(2026, 6, 1, 4, tzinfo=UTC),
        datetime(2026, 6, 11, 4, tzinfo=UTC) - SECOND,
        datetime(2026, 6, 11, 4, tzinfo=UTC),
    ):
        talk.sent(at)
    shown = activity(world)
    assert (shown.now.sent, shown.before.sent) == (2, 1)


def test_the_period_before_is_as_long_and_ends_the_day_before(world: World) -> None:
    assert DAYS.before == Period(date(2026, 5, 22), date(2026, 5, 31))
    talk = Talk(world)
    talk.sent(datetime(2026, 5, 22, 4, tzinfo=UTC) - SECOND)
    talk.sent(datetime(2026, 5, 22, 4, tzinfo=UTC))
    talk.received(datetime(2026, 5, 23, tzinfo=UTC))
    assert activity(world).before == Figures(sent=1, delivered=1, replied=1, received=1, unread=1)


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 8), 23), (date(2026, 11, 1), 25)])
def test_a_day_on_which_clocks_change_has_23_or_25_hours(world: World, day: date, hours: int) -> None:
    talk = Talk(world)
    midnight = datetime(day.year, day.month, day.day, tzinfo=NEW_YORK).astimezone(UTC)
    for hour in range(-1, 26):
        talk.sent(midnight + timedelta(hours=hour))
    shown = activity(world, period=Period(day - timedelta(days=1), day + timedelta(days=1)))
    assert shown.trend == [
        (day - timedelta(days=1), 1, 0),
        (day, hours, 0),
        (day + timedelta(days=1), 26 - hours, 0),
    ]


def test_a_trend_has_every_step_and_the_steps_add_up(world: World) -> None:
    talk = Talk(world)
    year = Period(date(2025, 8, 13), date(2026, 6, 10))
    for at in (NOON, NOON - timedelta(days=40), datetime(2025, 8, 13, 4, tzinfo=UTC)):
        talk.sent(at)
        talk.received(at + SECOND)
    for period, step in (
        (DAYS, Step.DAY),
        (year, Step.WEEK),
        (Period(date(2025, 1, 9), DAYS.end), Step.MONTH),
    ):
        shown = activity(world, period=period)
        assert period.step == step
        assert [first for first, _, _ in shown.trend] == period.points
        assert sum(sent for _, sent, _ in shown.trend) == shown.now.sent
        assert sum(received for _, _, received in shown.trend) == shown.now.received
    assert year.points[:3] == [date(2025, 8, 13), date(2025, 8, 18), date(2025, 8, 25)]


def test_presets_are_whole_days_up_to_today() -> None:
    today = date(2026, 3, 31)
    assert {key: preset[1](today) for key, preset in PRESETS.items()} == {
        "last-7": Period(date(2026, 3, 25), today),
        "last-30": Period(date(2026, 3, 2), today),
        "last-90": Period(date(2026, 1, 1), today),
        "this-month": Period(date(2026, 3, 1), today),
        "last-month": Period(date(2026, 2, 1), date(2026, 2, 28)),
    }


@pytest.fixture
def busy(world: World) -> World:
    """Two users in the shared inbox, each in their own, and a text to every inbox."""
    shared, aid = Talk(world), Talk(world, world.other_shared)
    own, theirs = Talk(world, world.personal), Talk(world, world.other_personal)
    shared.sent(NOON, world.agent_id)
    shared.sent(NOON, world.agent_id)
    shared.sent(NOON, world.admin_id)
    shared.received(NOON + SECOND)
    shared.sent(NOON + 2 * SECOND, kind=MessageKind.OPT_OUT_REPLY)
    own.sent(NOON, world.agent_id)
    own.received(NOON - SECOND)
    aid.sent(NOON, world.admin_id, MessageState.FAILED)
    aid.received(NOON - SECOND)
    theirs.sent(NOON, world.admin_id)
    theirs.received(NOON - SECOND)
    return world


def test_every_table_adds_up_to_the_totals_for_an_admin(busy: World) -> None:
    shown = activity(busy)
    assert shown.now == Figures(sent=7, automatic=1, delivered=6, replied=3, received=4, unread=4)
    for lines in (shown.teams, shown.users, shown.inboxes):
        assert sum((line.figures for line in lines), Figures()) == shown.now


def test_a_shared_inbox_is_split_by_who_sent_from_it(busy: World) -> None:
    shown = activity(busy)
    assert by_name(shown.teams) == {
        "Admissions": Figures(sent=5, automatic=1, delivered=5, replied=3, received=2, unread=2),
        "Aid": Figures(sent=2, delivered=1, received=2, unread=2),
    }
    assert by_name(shown.users) == {
        "Agent Person": Figures(sent=3, delivered=3, replied=2, received=1, unread=1),
        "Admin Person": Figures(sent=3, delivered=2, replied=1, received=1, unread=1),
        AUTOMATIC: Figures(sent=1, automatic=1, delivered=1),
        NOBODY: Figures(received=2, unread=2),
    }
    parts = {line.name: by_name(line.parts) for line in shown.inboxes}
    assert parts == {
        "Front desk": {
            "Agent Person": Figures(sent=2, delivered=2, replied=2),
            "Admin Person": Figures(sent=1, delivered=1, replied=1),
            AUTOMATIC: Figures(sent=1, automatic=1, delivered=1),
        },
        "Aid line": {"Admin Person": Figures(sent=1)},
        "Agent": {},
        "Admin": {},
        "Toll-free": {},
    }


def test_an_agent_sees_their_teams_and_their_own_line_only(busy: World) -> None:
    with busy.session():
        db.session.add(
            TeamMember(tenant_id=busy.tenant_id, team_id=busy.team_id, user_id=_colleague(busy, "Pat Doe"))
        )
        db.session.commit()
    shown = activity(busy, "agent")
    assert by_name(shown.teams) == {
        "Admissions": Figures(sent=5, automatic=1, delivered=5, replied=3, received=2, unread=2)
    }
    assert by_name(shown.users) == {
        "Agent Person": Figures(sent=3, delivered=3, replied=2, received=1, unread=1)
    }
    inboxes = {line.name: set(by_name(line.parts)) for line in shown.inboxes}
    assert inboxes == {"Front desk": {"Agent Person", AUTOMATIC}, "Agent": set(), "Toll-free": set()}


def _colleague(world: World, name: str) -> int:
    """Another agent, with a personal inbox in the first team that has texts of its own."""
    user = User(
        tenant_id=world.tenant_id, email=f"{new_number()}@college.example", name=name, password_hash="x"
    )
    db.session.add(user)
    db.session.flush()
    db.session.add(
        Inbox(
            tenant_id=world.tenant_id,
            team_id=world.team_id,
            user_id=user.id,
            kind="personal",
            name=name,
            number=new_number(),
        )
    )
    return user.id


def test_who_left_the_team_keeps_a_line_and_who_sent_nothing_has_one(busy: World) -> None:
    with busy.session():
        agent = db.session.get_one(User, busy.agent_id)
        agent.active = False
        db.session.execute(text("DELETE FROM team_members WHERE user_id = :id"), {"id": agent.id})
        quiet = _colleague(busy, "Quiet Person")
        db.session.add(TeamMember(tenant_id=busy.tenant_id, team_id=busy.team_id, user_id=quiet))
        db.session.commit()
    users = by_name(activity(busy).users)
    assert users["Agent Person"].sent == 3
    assert users["Quiet Person"] == Figures()


def test_the_team_filter_narrows_every_part(busy: World) -> None:
    shown = activity(busy, team_ids=[busy.other_team_id])
    assert shown.now == Figures(sent=2, delivered=1, received=2, unread=2)
    assert [line.name for line in shown.teams] == ["Aid"]
    assert {line.name for line in shown.inboxes} == {"Aid line", "Admin"}
    assert by_name(shown.users) == {
        "Admin Person": Figures(sent=2, delivered=1, received=1, unread=1),
        AUTOMATIC: Figures(),
        NOBODY: Figures(received=1, unread=1),
    }


def test_nothing_of_another_tenant_is_counted(busy: World, legacy_world: World) -> None:
    Talk(legacy_world).sent(NOON)
    assert activity(busy).now.sent == 7
    assert activity(legacy_world).now.sent == 1
    with legacy_world.session():
        viewer = db.session.get_one(User, legacy_world.admin_id)
        foreign = Team(id=busy.team_id, tenant_id=busy.tenant_id, name="x", code="x")
        assert activity_of(viewer, [foreign], DAYS).now == Figures()


def test_a_member_of_no_team_has_nothing_to_see_and_no_error(world: World) -> None:
    Talk(world).sent(NOON)
    shown = activity(world, team_ids=[])
    assert (shown.now, shown.teams, shown.inboxes) == (Figures(), [], [])


def test_another_zone_has_days_of_its_own(app: Flask) -> None:
    world = make_world(app, "teams", "Asia/Kolkata")
    Talk(world).sent(datetime(2026, 5, 31, 18, 30, tzinfo=UTC))
    assert activity(world).trend[0] == (date(2026, 6, 1), 1, 0)


def test_the_migration_leaves_unopened_what_the_counter_calls_unread(world: World) -> None:
    talk, read = Talk(world), Talk(world)
    older, newer = talk.received(NOON), talk.received(NOON + SECOND)
    talk.sent(NOON + 2 * SECOND)
    last = read.received(NOON)
    with world.session():
        db.session.execute(update(Conversation).where(Conversation.id == talk.id).values(unread=1))
        db.session.commit()
    opened = _opened_by_the_migration(world)
    assert opened == {older, last}
    assert newer not in opened


def _opened_by_the_migration(world: World) -> set[int]:
    """The tenant's texts that the migration's statement marks as opened, taken back at once."""
    spec = util.spec_from_file_location("opened", ROOT / "migrations" / "versions" / "0003_opened.py")
    assert spec
    assert spec.loader
    migration = util.module_from_spec(spec)
    spec.loader.exec_module(migration)
    engine = create_engine(world.app.config["SUPERUSER_URL"])
    with engine.connect() as connection:
        connection.execute(text(migration.FILL))
        opened = connection.scalars(
            text("SELECT id FROM messages WHERE tenant_id = :id AND opened_at IS NOT NULL"),
            {"id": world.tenant_id},
        )
        ids = set(opened)
        connection.rollback()
    engine.dispose()
    return ids
