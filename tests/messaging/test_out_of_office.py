"""What an inbox answers by itself while nobody is there, and to whom it never does."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from cadence_app.accounts.models import AuditEntry, User
from cadence_app.extensions import db
from cadence_app.inboxes import out_of_office
from cadence_app.inboxes.models import AwayMode, Inbox
from cadence_app.inboxes.office_hours import Week, span
from cadence_app.inboxes.out_of_office import USUAL, Setting
from cadence_app.messaging.inbound import receive_text
from cadence_app.messaging.models import Conversation, Message
from cadence_app.messaging.page_freshness import lists_version
from cadence_app.messaging.sending import deliver
from cadence_app.tenancy import use_tenant
from tests.world import World, new_number

WORDS = "Admissions is closed. We answer on Monday."
NEVER: Week = (None,) * 7


def turn(world: World, mode: AwayMode = AwayMode.ON, week: Week = USUAL, number: str = "") -> int:
    with world.session():
        inbox = db.session.scalars(select(Inbox).where(Inbox.number == (number or world.shared))).one()
        admin = db.session.get_one(User, world.admin_id)
        out_of_office.choose(admin, inbox, Setting(mode, WORDS, week, "America/Denver"))
        db.session.commit()
        return inbox.id


def answers(world: World, conversation_id: int) -> list[str]:
    return [str(text.state) for text in world.messages(conversation_id) if text.kind == "away_reply"]


def time_passes(world: World, conversation_id: int, hours: float) -> None:
    """For the texts that are there."""
    by = timedelta(hours=hours)
    with world.session():
        theirs = update(Message).where(Message.conversation_id == conversation_id)
        earlier = {"created_at": Message.created_at - by, "sending_since": Message.sending_since - by}
        db.session.execute(theirs.values(earlier))
        db.session.commit()


def test_whoever_texts_gets_one_answer_in_twelve_hours(world: World) -> None:
    turn(world)
    number = new_number()
    conversation_id = world.text(number, "Are you open?").conversation_id
    assert answers(world, conversation_id) == ["delivered"]
    assert world.messages(conversation_id)[-1].body == WORDS
    for hours, expected in ((1, 1), (10.9, 1), (0.2, 2)):
        time_passes(world, conversation_id, hours)
        world.text(number, "Hello?")
        assert len(answers(world, conversation_id)) == expected
    # Another inbox has hours of its own.
    assert answers(world, world.text(number, "And here?", world.personal).conversation_id) == []


def test_the_answer_leaves_the_text_waiting_and_the_list_as_it_was(world: World) -> None:
    number = new_number()
    conversation_id = world.text(number, "Are you open?").conversation_id
    turn(world)
    with world.session():
        waits = db.session.get_one(Conversation, conversation_id).waiting_since
    time_passes(world, conversation_id, 1)
    world.text(number, "Hello?")
    assert answers(world, conversation_id) == ["delivered"]
    with world.session():
        found = db.session.get_one(Conversation, conversation_id)
        asked = max(
            text.created_at for text in world.messages(conversation_id) if text.direction == "inbound"
        )
        assert found.waiting_since == waits
        assert found.unread == 2
        assert found.listed_at is not None
        assert abs(found.listed_at - asked) < timedelta(seconds=1)
        answer = world.messages(conversation_id)[-1]
        assert found.listed_at < answer.created_at


@pytest.mark.parametrize(
    "body",
    [
        "HELP",
        "STOP",
        "START",
        "please stop texting me",
        "I'm driving right now",
        "Automatic reply: I am away until Tuesday.",
        "This is an automated message from Main Street Dental.",
        "Out of office",
    ],
)
def test_nothing_is_answered_to_keywords_possible_opt_outs_and_machines(world: World, body: str) -> None:
    turn(world)
    number = new_number()
    assert answers(world, world.text(number, body).conversation_id) == []


def test_a_reaction_and_what_comes_within_a_moment_of_a_text_of_ours_get_none(world: World) -> None:
    number = new_number()
    conversation_id = world.text(number, "HELP").conversation_id
    turn(world)
    world.text(number, "Thank you for your message! We are closed.")
    assert answers(world, conversation_id) == []
    time_passes(world, conversation_id, 1)
    help_text = next(text.body for text in world.messages(conversation_id) if text.kind == "help_reply")
    world.text(number, f"Liked “{help_text}”")
    assert answers(world, conversation_id) == []
    world.text(number, "Are you open?")
    assert answers(world, conversation_id) == ["delivered"]


def test_nobody_who_is_opted_out_or_flagged_gets_one(world: World) -> None:
    turn(world)
    out, flagged = new_number(), new_number()
    for number, before in ((out, "STOP"), (flagged, "take me off this list")):
        conversation_id = world.text(number, before).conversation_id
        time_passes(world, conversation_id, 1)
        world.text(number, "Are you open?")
        assert answers(world, conversation_id) == []


def test_a_stop_before_it_goes_suppresses_it(world: World) -> None:
    turn(world)
    number = new_number()
    with world.app.app_context():
        first = receive_text(world.shared, number, "Are you open?", number, datetime.now(UTC))
    assert first.reply_id
    world.text(number, "STOP")
    with world.app.app_context():
        use_tenant(world.tenant_id)
        deliver(first.reply_id)
    assert answers(world, first.conversation_id) == ["suppressed"]


def test_a_text_that_comes_late_gets_none(world: World) -> None:
    turn(world)
    number, hour_ago = new_number(), datetime.now(UTC) - timedelta(hours=1)
    with world.app.app_context():
        late = receive_text(world.shared, number, "Are you open?", number, hour_ago)
    assert late.reply_id is None
    assert answers(world, late.conversation_id) == []


def test_of_many_texts_at_once_one_is_answered(world: World) -> None:
    turn(world)
    number = new_number()
    conversation_id = world.text(number, "STOP").conversation_id
    world.text(number, "START")
    time_passes(world, conversation_id, 1)
    threads = [threading.Thread(target=world.text, args=(number, f"Question {at}")) for at in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers(world, conversation_id) == ["delivered"]


def test_by_hours_it_answers_only_while_nobody_is_there(world: World) -> None:
    always: Week = (span(time(0), time(0)),) * 7
    turn(world, AwayMode.HOURS, always)
    number = new_number()
    conversation_id = world.text(number, "Are you open?").conversation_id
    assert answers(world, conversation_id) == []
    turn(world, AwayMode.HOURS, NEVER)
    world.text(number, "Hello?")
    assert answers(world, conversation_id) == ["delivered"]
    turn(world, AwayMode.OFF)
    other = world.text(new_number(), "Are you open?").conversation_id
    assert answers(world, other) == []


# The screen.


def filled(**changes: Any) -> dict[str, Any]:
    days = {
        f"days-{day}-{name}": at for day in range(7) for name, at in (("first", "08:00"), ("until", "17:00"))
    }
    ticked = {f"days-{day}-staffed": "y" for day in range(5)}
    return {"mode": "hours", "body": WORDS, "zone": "America/Denver", **days, **ticked} | changes


def test_an_admin_sets_the_hours_and_the_desk_and_the_log_say_so(world: World) -> None:
    inbox_id = turn(world, AwayMode.OFF)
    admin = world.sign_in("admin")
    url = f"/settings/inboxes/{inbox_id}/out-of-office"
    assert WORDS in admin.get(url).text
    assert admin.post(url, filled()).status_code == 302
    with world.session():
        inbox = db.session.get_one(Inbox, inbox_id)
        kept = out_of_office.of(inbox)
        assert kept is not None
        friday = datetime(2026, 3, 6, 23, 30, tzinfo=UTC)
        away = out_of_office.away(kept, datetime(2026, 3, 7, 3, tzinfo=UTC))
        assert away is not None
        assert away.until == datetime(2026, 3, 9, 14, tzinfo=UTC)
        assert away.set_by == "Admin Person"
        assert out_of_office.away(kept, friday) is None
        logged = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
        assert logged.action == "inbox.out_of_office"
        assert logged.changes["out_of_office"] == ["off", "hours"]
    assert admin.post(url, filled(mode="on")).status_code == 302
    agent = world.sign_in("agent")
    page = agent.get(f"/messages/?inbox={inbox_id}").text
    assert "Out of office" in page
    assert "Set by Admin Person" in page
    assert agent.get(url).status_code == 403


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"body": " "}, "Write what is answered."),
        ({"body": "x" * 460}, "459 characters long at most"),
        ({"body": "a\x00b"}, "be stored"),
        ({"days-2-until": "07:00"}, "must be later than the first"),
        ({"days-2-first": ""}, "Enter both times"),
        ({"days-2-first": "noon"}, "Enter both times"),
        ({"zone": "Mars/Base"}, "Not a valid choice"),
        ({"mode": "sometimes"}, "Not a valid choice"),
        ({f"days-{day}-staffed": "" for day in range(5)}, "Check the days"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_kept(
    world: World, changes: dict[str, str], said: str
) -> None:
    inbox_id = turn(world, AwayMode.OFF)
    sent = {
        name: value
        for name, value in filled(**changes).items()
        if not (name.endswith("staffed") and not value)
    }
    answer = world.sign_in("admin").post(f"/settings/inboxes/{inbox_id}/out-of-office", sent)
    assert answer.status_code == 422
    assert said in answer.text
    with world.session():
        kept = out_of_office.of(db.session.get_one(Inbox, inbox_id))
        assert kept is not None
        assert kept.mode == AwayMode.OFF


def test_an_open_page_learns_that_an_inbox_is_out_of_office(world: World) -> None:
    with world.session():
        before = lists_version(db.session.get_one(User, world.agent_id))
    turn(world)
    with world.session():
        assert lists_version(db.session.get_one(User, world.agent_id)) != before
