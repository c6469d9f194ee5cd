"""Which conversations wait for a reply, are snoozed, or done: by what comes in, goes out, and is pressed."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from sqlalchemy import select

from cadence_app.accounts.models import User
from cadence_app.consent import possible
from cadence_app.consent.by_user import set_by_user
from cadence_app.consent.models import Decision, PossibleOptOut, Status
from cadence_app.extensions import db
from cadence_app.messaging import answering, notes
from cadence_app.messaging.desk_models import Cause, StateChange
from cadence_app.messaging.inbound import receive_text
from cadence_app.messaging.jobs import wake_snoozed
from cadence_app.messaging.media.service import Came
from cadence_app.messaging.models import Conversation, ConversationState, Message, MessageState
from tests.messaging.answering import Talk
from tests.world import World

OPEN, SNOOZED, DONE = ConversationState.OPEN, ConversationState.SNOOZED, ConversationState.DONE


@pytest.fixture
def talk(world: World) -> Talk:
    return Talk(world)


@pytest.mark.parametrize(
    ("words", "waits"),
    [
        ("When do you open?", True),
        ("YES", True),
        ("thanks", True),
        ("", True),
        ("HELP", False),
        ("STOP", False),
        ("please stop texting me", True),
        ("Liked “Bring your ID to the desk at nine”", False),
        ("Loved “Bring your ID to the desk…”", False),
        ("👍 to “Bring your ID to the desk at nine”", False),
        ("Removed a heart from “Bring your ID to the desk at nine”", False),
        ("Liked “Bring your ID to the desk at nine” but which desk?", True),
        ("Liked “something that we never wrote”", True),
        ("Liked an image", False),
        ("Fwd: Bring your ID to the desk at nine", True),
        ("I'm driving with Do Not Disturb While Driving turned on. I'll see it when I get there.", False),
        ("(I'm not receiving notifications. If this is urgent, reply “urgent”.)", False),
        ("Automatic reply: I am out of the office until Monday.", False),
        ("I'm driving over now, where do I park?", True),
        ("I am driving in tomorrow", True),
        ("Auto response team here, can you call us?", True),
    ],
)
def test_what_needs_a_reply(talk: Talk, words: str, waits: bool) -> None:
    talk.comes("hi")
    talk.writes("Bring your ID to the desk at nine")
    with talk.world.session():
        for message in db.session.scalars(select(Message).where(Message.state == MessageState.QUEUED)):
            message.state = MessageState.SENT
        db.session.commit()
    talk.done()
    before = talk.row()
    talk.comes(words)
    row = talk.row()
    assert (row.state, row.waiting_since is not None) == ((OPEN, True) if waits else (DONE, False))
    assert row.unread == before.unread + waits
    assert row.listed_at > before.listed_at  # type: ignore[operator]


def test_a_start_that_opts_in_needs_none_and_one_that_changes_nothing_does(talk: Talk) -> None:
    talk.comes("STOP")
    assert talk.row().state == DONE
    talk.comes("START")
    assert (talk.row().state, talk.row().unread) == (DONE, 0)
    talk.comes("START")
    assert talk.row().waiting_since is not None


def test_a_picture_with_the_words_of_a_reaction_needs_a_reply(talk: Talk) -> None:
    came = Came("https://files.example/1.jpg", "image/jpeg", None, "", None)
    received = talk.world.text(talk.number, "Liked an image", media=[came])
    talk.id = received.conversation_id
    assert talk.row().waiting_since is not None


def test_it_waits_since_the_first_text_that_nobody_has_answered(talk: Talk) -> None:
    talk.comes("one")
    first = talk.row().waiting_since
    talk.comes("two")
    assert talk.row().waiting_since == first
    talk.writes()
    assert talk.row().waiting_since is None
    talk.comes("three")
    assert talk.row().waiting_since > first  # type: ignore[operator]


def test_a_text_that_comes_late_waits_since_it_was_written_though_we_have_written_since(talk: Talk) -> None:
    talk.comes("two")
    talk.writes()
    said_at = datetime.now(UTC) - timedelta(hours=2)
    with talk.world.app.app_context():
        receive_text(talk.world.shared, talk.number, "one", "late", said_at)
    assert talk.row().waiting_since == said_at
    assert talk.row().state == OPEN
    talk.done()
    with talk.world.app.app_context():
        assert receive_text(talk.world.shared, talk.number, "one", "late", said_at).duplicate
    assert talk.row().state == DONE


def test_campaigns_and_notes_neither_answer_nor_reorder(talk: Talk) -> None:
    talk.comes()
    before = talk.row()
    talk.campaign()
    with talk.world.session():
        user = db.session.get_one(User, talk.world.agent_id)
        notes.add(user, db.session.get_one(Conversation, talk.id), "asked twice")
        db.session.commit()
    row = talk.row()
    assert (row.waiting_since, row.listed_at) == (before.waiting_since, before.listed_at)


def test_a_campaigns_conversation_is_in_no_list_until_they_answer(talk: Talk) -> None:
    talk.campaign()
    row = talk.row()
    assert (row.state, row.listed_at) == (DONE, None)
    agent = talk.world.sign_in("agent")
    shown = f'id="convo-{talk.id}"'
    for only in ("waiting", "all", "done", "unassigned"):
        assert shown not in agent.get(f"/messages/?inbox=&only={only}").text
    assert shown in agent.get(f"/messages/?inbox=&q={talk.number[-7:]}").text
    talk.comes("who is this?")
    assert shown in agent.get("/messages/?inbox=&only=waiting").text


def test_one_that_a_colleague_works_on_is_in_the_list(talk: Talk) -> None:
    talk.campaign()
    with talk.world.session():
        user = db.session.get_one(User, talk.world.agent_id)
        set_by_user(user, talk.world.contact_id(talk.number), talk.world.team_id, Status.OPTED_IN)
        db.session.commit()
    talk.writes()
    assert (talk.row().state, talk.row().listed_at is not None) == (OPEN, True)
    noted = Talk(talk.world)
    noted.campaign()
    agent = talk.world.sign_in("agent")
    agent.post(
        f"/messages/conversations/{noted.id}/assignment", {"assignee": talk.world.agent_id, "seen": ""}
    )
    assert noted.row().listed_at is not None


def test_a_text_that_does_not_go_gives_back_what_it_answered(talk: Talk) -> None:
    talk.comes()
    since = talk.row().waiting_since
    sent = talk.writes()
    talk.done()
    talk.fails(sent)
    assert (talk.row().state, talk.row().waiting_since) == (OPEN, since)


def test_a_later_text_of_ours_that_stands_keeps_it_answered_until_it_fails_too(talk: Talk) -> None:
    talk.comes()
    since = talk.row().waiting_since
    first, second = talk.writes("one"), talk.writes("two")
    talk.fails(first)
    assert talk.row().waiting_since is None
    talk.fails(second)
    assert talk.row().waiting_since == since


def test_what_was_given_back_and_done_is_not_given_back_again(talk: Talk) -> None:
    talk.comes()
    talk.fails(talk.writes())
    talk.done()
    talk.fails(talk.writes("once more"))
    assert (talk.row().state, talk.row().waiting_since) == (DONE, None)


def test_done_on_a_page_without_the_new_text_changes_nothing(talk: Talk) -> None:
    seen = talk.comes()
    talk.comes("wait, one more")
    with pytest.raises(answering.Overtaken):
        talk.done(seen)
    assert talk.row().state == OPEN


def test_a_text_that_comes_while_done_is_pressed_is_never_buried(world: World) -> None:
    for _ in range(4):
        talk = Talk(world)
        seen, barrier = talk.comes(), Barrier(2)

        def press(talk: Talk = talk, seen: int = seen, barrier: Barrier = barrier) -> None:
            barrier.wait(timeout=10)
            with suppress(answering.Overtaken):
                talk.done(seen)

        def text(talk: Talk = talk, barrier: Barrier = barrier) -> None:
            barrier.wait(timeout=10)
            world.text(talk.number, "one more thing")

        with ThreadPoolExecutor(2) as pool:
            for each in [pool.submit(press), pool.submit(text)]:
                each.result(timeout=20)
        assert (talk.row().state, talk.row().waiting_since is not None) == (OPEN, True)


def test_a_snooze_answers_nothing_and_ends_by_a_text_or_by_itself(talk: Talk) -> None:
    talk.comes()
    since = talk.row().waiting_since
    talk.snooze()
    assert (talk.row().state, talk.row().waiting_since) == (SNOOZED, since)
    talk.comes("hello?")
    assert (talk.row().state, talk.row().waiting_since) == (OPEN, since)
    talk.writes()
    talk.snooze()
    talk.wakes()
    row = talk.row()
    # Nobody had asked anything, but somebody wanted to come back to it.
    assert (row.state, row.waiting_since is not None) == (OPEN, True)


def test_only_a_snooze_that_is_over_is_ended(talk: Talk) -> None:
    talk.comes()
    talk.snooze()
    with talk.world.session():
        answering.wake(talk.id)
    assert talk.row().state == SNOOZED
    with pytest.raises(answering.Refused):
        talk.snooze(timedelta(minutes=-1))


def test_the_sweep_opens_what_is_due_and_nothing_else(world: World) -> None:
    over, later = Talk(world), Talk(world)
    for each in (over, later):
        each.comes()
        each.snooze()
    with world.session():
        db.session.get_one(Conversation, over.id).snoozed_until = datetime.now(UTC) - timedelta(seconds=1)
        db.session.commit()
    with world.app.app_context():
        wake_snoozed()
    assert (over.row().state, later.row().state) == (OPEN, SNOOZED)


def test_opening_again_gives_back_what_done_ended_unless_it_was_answered_since(talk: Talk) -> None:
    talk.comes()
    since = talk.row().waiting_since
    talk.done()
    talk.reopen()
    assert (talk.row().state, talk.row().waiting_since) == (OPEN, since)
    talk.done()
    talk.writes()
    assert talk.row().state == DONE
    talk.reopen()
    assert (talk.row().state, talk.row().waiting_since) == (OPEN, None)


def test_words_decided_to_be_an_opt_out_need_no_reply_any_more(talk: Talk) -> None:
    talk.comes("take me off this list")
    assert talk.row().waiting_since is not None
    _opt_out(talk)
    row = talk.row()
    assert (row.state, row.waiting_since) == (DONE, None)
    with talk.world.session():
        change = db.session.scalars(select(StateChange).where(StateChange.conversation_id == talk.id)).one()
        assert (change.cause, change.user_id) == (Cause.DECIDED, talk.world.agent_id)


def test_a_question_beside_words_that_were_decided_still_waits(talk: Talk) -> None:
    talk.comes("take me off this list")
    first = talk.row().waiting_since
    talk.comes("and where is my refund?")
    _opt_out(talk)
    row = talk.row()
    assert row.state == OPEN
    assert row.waiting_since > first  # type: ignore[operator]
    page = talk.world.sign_in("agent").get("/messages/?inbox=&only=waiting").text
    assert "reply: opted out" in page
    assert 'name="one" value="done:' in page


def test_words_that_were_no_opt_out_still_wait(talk: Talk) -> None:
    read = talk.comes("take me off this list")
    with talk.world.session():
        user = db.session.get_one(User, talk.world.agent_id)
        assert possible.dismiss(user, talk.world.contact_id(talk.number), talk.world.team_id, read)
        db.session.commit()
    assert talk.row().waiting_since is not None


def test_a_stop_after_flagged_words_settles_both(talk: Talk) -> None:
    talk.comes("take me off this list")
    talk.comes("STOP")
    assert (talk.row().state, talk.row().waiting_since) == (DONE, None)


def test_a_question_before_a_stop_still_waits(talk: Talk) -> None:
    talk.comes("where do I park?")
    since = talk.row().waiting_since
    talk.comes("STOP")
    assert (talk.row().state, talk.row().waiting_since) == (OPEN, since)


def _opt_out(talk: Talk) -> None:
    with talk.world.session():
        user = db.session.get_one(User, talk.world.agent_id)
        contact_id = talk.world.contact_id(talk.number)
        set_by_user(user, contact_id, talk.world.team_id, Status.OPTED_OUT)
        db.session.commit()
        flags = select(PossibleOptOut.decision).where(PossibleOptOut.contact_id == contact_id)
        assert db.session.scalars(flags).one() == Decision.OPTED_OUT


def test_each_change_is_a_line_in_the_thread_and_an_undone_one_is_not(talk: Talk) -> None:
    talk.comes()
    agent = talk.world.sign_in("agent")
    path = f"/messages/conversations/{talk.id}"
    change = talk.done()
    assert "Agent Person marked this done, " in _plain(agent.get(path).text)
    assert change
    talk.undo(change)
    assert "marked this done" not in agent.get(path).text
    talk.snooze(timedelta(hours=30))
    assert "Agent Person snoozed this until" in _plain(agent.get(path).text)
    talk.wakes()
    assert "Open again: the snooze ended" in _plain(agent.get(path).text)
    talk.done()
    talk.comes("back")
    assert "Open again: a text" not in agent.get(path).text


def _plain(page: str) -> str:
    return re.sub(r"<[^>]*>", "", page)
