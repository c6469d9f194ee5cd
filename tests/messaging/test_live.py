"""How an open page follows what comes: conversation and lists by one question, and what asking costs."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from cadence_app.accounts.models import Role, SecondFactorPolicy, Tenant, User
from cadence_app.accounts.sign_in_models import SignInSession
from cadence_app.consent.models import Status
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging import desk, page_freshness
from cadence_app.messaging.models import Conversation, Message
from cadence_app.tenancy import set_tenant
from tests.messaging.live import OpenPage, address, listed, waiting_in
from tests.records.people import opt
from tests.statements import statements
from tests.world import World, new_number


def test_one_answer_brings_all_that_a_text_changes(world: World) -> None:
    number = new_number()
    received = world.text(number, "hi")
    page = OpenPage(world.sign_in("agent"), address(received.conversation_id))
    assert page.ask().status_code == 204
    other = world.text(new_number(), "meanwhile")
    world.text(number, "STOP")
    answer = page.ask().text
    assert '<span data-new-texts="1">1 new text</span>: STOP' in answer
    assert re.search(r'id="head-status"[^>]*>.*?Opted out', answer, re.DOTALL)
    assert 'id="composer-why"' in answer
    assert '<div id="card-consent"' in answer
    assert listed(answer) == [received.conversation_id, other.conversation_id]
    assert waiting_in(answer) == "1"
    assert page.ask().status_code == 204


def test_a_text_elsewhere_brings_the_lists_and_leaves_the_open_conversation_alone(world: World) -> None:
    received = world.text(new_number(), "hi")
    page = OpenPage(world.sign_in("agent"), address(received.conversation_id))
    other = world.text(new_number(), "elsewhere")
    answer = page.ask().text
    assert listed(answer) == [other.conversation_id, received.conversation_id]
    for part in ("thread-items", "composer", "card-consent", "poller"):
        assert f'id="{part}"' not in answer
    assert page.ask().status_code == 204


def test_an_answer_is_as_of_one_moment(world: World) -> None:
    number = new_number()
    conversation_id = world.text(number, "hi").conversation_id
    unread = select(Conversation.unread).where(Conversation.id == conversation_id)
    texts = select(func.count()).where(Message.conversation_id == conversation_id)
    with world.session():
        page_freshness.as_of_one_moment()
        before = db.session.scalar(unread)
        world.text(number, "in between")
        assert (before, db.session.scalar(texts)) == (1, 1)
        db.session.rollback()
        assert (db.session.scalar(unread), db.session.scalar(texts)) == (2, 2)


def test_the_lists_follow_a_new_text_and_keep_to_their_filter(world: World) -> None:
    first = world.text(new_number(), "the first")
    agent = world.sign_in("agent")
    everything = OpenPage(agent, "/messages/?inbox=")
    unread = OpenPage(agent, "/messages/?inbox=&only=unread")
    assert everything.ask().status_code == 204
    agent.get(address(first.conversation_id))
    second = world.text(new_number(), "the second")
    answer = everything.ask()
    assert listed(answer.text) == [second.conversation_id, first.conversation_id]
    assert 'id="inbox-items" hx-swap-oob="true"' in answer.text
    assert "the second" in answer.text
    assert listed(unread.ask().text) == [second.conversation_id]
    assert everything.ask().status_code == 204


def test_the_open_conversation_stays_marked_in_the_fresh_list(world: World) -> None:
    opened = world.text(new_number(), "hi")
    page = OpenPage(world.sign_in("agent"), f"{address(opened.conversation_id)}?inbox=")
    world.text(new_number(), "hi")
    assert re.search(rf'id="convo-{opened.conversation_id}"[^>]*aria-current="page"', page.ask().text)


@pytest.mark.parametrize(
    "what", ["opened", "assigned", "opted out", "flagged", "inbox closed", "written in another team"]
)
def test_the_lists_are_told_of_what_they_show_and_of_nothing_else(world: World, what: str) -> None:
    number = new_number()
    received = world.text(number, "hi")
    elsewhere = world.text(new_number(), "hi", world.other_shared)
    agent, admin = world.sign_in("agent"), world.sign_in("admin")
    page = OpenPage(agent, "/messages/?inbox=")
    assert page.ask().status_code == 204
    if what == "opened":
        admin.get(address(received.conversation_id))
    elif what == "assigned":
        admin.post(
            f"{address(received.conversation_id)}/assignment", {"assignee": world.agent_id, "seen": ""}
        )
    elif what == "opted out":
        opt(world, world.contact_id_of(received.conversation_id), Status.OPTED_OUT)
    elif what == "flagged":
        world.text(number, "please stop texting me")
    elif what == "inbox closed":
        with world.session():
            closing = update(Inbox).where(Inbox.number == world.shared)
            db.session.execute(closing.values(closed_at=datetime.now(UTC)))
            db.session.commit()
    else:
        admin.post(f"{address(elsewhere.conversation_id)}/send", {"body": "Hello"})
    assert page.ask().status_code == (204 if what == "written in another team" else 200)


def test_a_text_that_was_committed_late_is_not_missed(world: World) -> None:
    """A conversation may be changed before another one and be committed after it."""
    number = new_number()
    late = world.text(new_number(), "hi")
    world.text(number, "hi")
    agent = world.sign_in("agent")
    with world.session():
        connection = db.engine.connect()
        set_tenant(connection, world.tenant_id)
    with connection:
        connection.execute(
            update(Conversation).where(Conversation.id == late.conversation_id).values(unread=5)
        )
        world.text(number, "meanwhile")
        page = OpenPage(agent, "/messages/?inbox=")
        assert page.ask().status_code == 204
        connection.commit()
    assert page.ask().status_code == 200


def test_the_fresh_thread_says_how_many_texts_are_new(world: World) -> None:
    number = new_number()
    received = world.text(number, "hi")
    page = OpenPage(world.sign_in("agent"), address(received.conversation_id))
    question = page.question
    assert page.ask().status_code == 204
    world.text(number, "are you there?")
    assert '<span data-new-texts="1">1 new text</span>: are you there?' in page.ask().text
    world.text(number, "hello?")
    answer = page.browser.get(question).text
    assert '<span data-new-texts="2">2 new texts</span>: hello?' in answer
    assert page.ask().status_code == 200
    assert page.ask().status_code == 204


def test_a_delivery_brings_an_open_thread_up_to_date(world: World) -> None:
    received = world.text(new_number(), "hi")
    agent = world.sign_in("agent")
    agent.post(f"{address(received.conversation_id)}/send", {"body": "Hello"})
    page = OpenPage(agent, address(received.conversation_id))
    with world.session():
        newest = select(Message.id).order_by(Message.id.desc()).limit(1).scalar_subquery()
        db.session.execute(update(Message).where(Message.id == newest).values(state="delivered"))
        db.session.commit()
    assert "Delivered" in page.ask().text


@pytest.mark.parametrize("path", ["conversation", "lists", "any other"])
def test_asking_in_vain_takes_one_query_beyond_finding_the_session(world: World, path: str) -> None:
    received = world.text(new_number(), "hi")
    there = {"conversation": f"{address(received.conversation_id)}?inbox=", "lists": "/messages/?inbox="}
    page = OpenPage(world.sign_in("agent"), there.get(path, "/contacts/"))
    question = page.count_question if path == "any other" else page.question
    page.browser.get(question)
    with statements(world) as seen:
        answer = page.browser.get(question)
    assert (answer.status_code, answer.data) == (204, b"")
    begins, finds, sets, asks = seen
    assert "'role'" in begins
    assert "find_sign_in_session" in finds
    assert "cadence.tenant_id" in sets
    assert "sign_in_sessions" in asks


@pytest.mark.parametrize("path", ["conversation", "lists", "count"])
def test_a_page_of_a_session_that_ended_is_led_to_the_sign_in(world: World, path: str) -> None:
    received = world.text(new_number(), "hi")
    page = OpenPage(
        world.sign_in("agent"),
        address(received.conversation_id) if path == "conversation" else "/messages/?inbox=",
    )
    question = page.count_question if path == "count" else page.question
    assert page.browser.get(question).status_code == 204
    for change in (
        update(SignInSession).values(last_seen_at=func.now() - timedelta(days=3)),
        update(SignInSession).values(last_seen_at=func.now(), ended_at=func.now()),
    ):
        with world.session():
            db.session.execute(change.where(SignInSession.user_id == world.agent_id))
            db.session.commit()
        answer = page.browser.get(question)
        assert (answer.status_code, answer.location.partition("?")[0]) == (302, "/login")


@pytest.mark.parametrize("what", ["deactivated", "suspended", "auditor", "second factor", "other team"])
def test_nothing_new_holds_only_for_whom_the_page_is_still_for(world: World, what: str) -> None:
    received = world.text(new_number(), "hi")
    page = OpenPage(world.sign_in("agent"), address(received.conversation_id))
    assert page.ask().status_code == 204
    assert page.ask_unseen().status_code == 204
    with world.session():
        user = db.session.get_one(User, world.agent_id)
        if what == "deactivated":
            user.active = False
        elif what == "auditor":
            user.role = Role.AUDITOR
        elif what == "other team":
            user.teams = [team for team in user.teams if team.id != world.team_id]
        elif what == "suspended":
            db.session.get_one(Tenant, world.tenant_id).suspended_at = datetime.now(UTC)
        else:
            db.session.get_one(Tenant, world.tenant_id).second_factor = SecondFactorPolicy.EVERYBODY
        db.session.commit()
    # By the version of the conversation alone it would hold: that does not say who may have a page.
    bare = page.browser.get(re.sub(r"&lists=\w+", "", page.question))
    asked, counted = page.ask(), page.ask_unseen()
    assert bare.status_code == asked.status_code
    if what == "other team":
        assert (asked.status_code, counted.status_code) == (404, 204)
    elif what == "auditor":
        assert (asked.status_code, counted.status_code) == (403, 403)
    else:
        place = "/account/two-factor" if what == "second factor" else "/login"
        for answer in (asked, counted):
            assert (answer.status_code, answer.location.partition("?")[0]) == (302, place)


def test_what_a_version_is_of_is_what_the_user_may_see(world: World) -> None:
    """The function that reads a version knows whose inboxes are whose by a rule of its own."""
    numbers = world.shared, world.other_shared, world.personal, world.other_personal
    ids = [world.text(new_number(), "hi", inbox).conversation_id for inbox in numbers]
    with world.session():
        for user_id in (world.agent_id, world.admin_id):
            user = db.session.get_one(User, user_id)
            seen = [each for each in ids if desk.find_conversation(user, each)]
            assert [each for each in ids if page_freshness.conversation_version(user, each)] == seen
            assert 0 < len(seen) < len(ids)


def test_asking_opens_no_text_that_nobody_sees(world: World) -> None:
    opened, other = world.text(new_number(), "hi"), world.text(new_number(), "hi")
    page = OpenPage(world.sign_in("agent"), f"{address(opened.conversation_id)}?inbox=")
    world.text(new_number(), "hi")
    assert page.ask().status_code == 200
    with world.session():
        assert db.session.get_one(Conversation, other.conversation_id).unread == 1
    assert world.messages(other.conversation_id)[0].opened_at is None


def test_a_page_that_nobody_sees_opens_no_text_of_its_own_conversation(world: World) -> None:
    number = new_number()
    received = world.text(number, "hi")
    page = OpenPage(world.sign_in("agent"), address(received.conversation_id))
    world.text(number, "hello?")
    assert waiting_in(page.ask_unseen().text) == "1"
    assert page.ask_unseen().status_code == 204
    assert world.messages(received.conversation_id)[1].opened_at is None
    assert waiting_in(page.ask().text) == ""
    assert world.messages(received.conversation_id)[1].opened_at is not None


def test_what_a_colleague_marks_unread_stays_so_beside_an_open_page(world: World) -> None:
    received = world.text(new_number(), "hi")
    page = OpenPage(world.sign_in("agent"), address(received.conversation_id))
    world.sign_in("admin").post(f"{address(received.conversation_id)}/unread")
    assert page.ask().status_code == 200
    with world.session():
        assert db.session.get_one(Conversation, received.conversation_id).unread == 1


@pytest.mark.parametrize("how", ["behind another tab", "ahead of a click"])
def test_a_page_that_is_loaded_for_nobody_yet_opens_its_texts_once_it_is_seen(world: World, how: str) -> None:
    received = world.text(new_number(), "hi")
    agent = world.sign_in("agent")
    if how == "behind another tab":
        agent.client.set_cookie("tells_sight", "1")
        page = OpenPage(agent, address(received.conversation_id))
    else:
        agent.client.environ_base["HTTP_SEC_PURPOSE"] = "prefetch;prerender"
        page = OpenPage(agent, address(received.conversation_id))
        del agent.client.environ_base["HTTP_SEC_PURPOSE"]
    assert re.search(r'<div id="poller"[^>]* data-now', page.page)
    assert world.messages(received.conversation_id)[0].opened_at is None
    answer = page.ask()
    assert waiting_in(answer.text) == ""
    assert "data-now" not in answer.text
    assert world.messages(received.conversation_id)[0].opened_at is not None
    assert page.ask().status_code == 204
    # Whose texts are all opened need not be seen again.
    assert "data-now" not in agent.get(address(received.conversation_id)).text
