"""How an open page follows what comes: the conversation and the lists, and what asking costs."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from html import unescape

import pytest
from sqlalchemy import select, update

from cadence_app.consent.models import Status
from cadence_app.extensions import db
from cadence_app.messaging.models import Conversation, Message
from cadence_app.tenancy import set_tenant
from tests.conftest import ROOT
from tests.records.people import opt
from tests.statements import statements
from tests.world import Browser, World, new_number


def address(conversation_id: int) -> str:
    return f"/messages/conversations/{conversation_id}"


def asked_by(page: str, poller: str) -> str:
    """Where a poller of the page asks."""
    found = re.search(rf'id="{poller}"[^>]*hx-get="([^"]+)"', page)
    assert found
    return unescape(found[1])


def listed(page: str) -> list[int]:
    return [int(each) for each in re.findall(r'id="convo-(\d+)"', page)]


def test_the_lists_follow_a_new_text_and_keep_to_their_filter(world: World) -> None:
    first = world.text(new_number(), "the first")
    agent = world.sign_in("agent")
    everything = asked_by(agent.get("/messages/?inbox=").text, "lists-poller")
    unread = asked_by(agent.get("/messages/?inbox=&only=unread").text, "lists-poller")
    assert agent.get(everything).status_code == 204
    agent.get(address(first.conversation_id))
    second = world.text(new_number(), "the second")
    answer = agent.get(everything)
    assert listed(answer.text) == [second.conversation_id, first.conversation_id]
    assert 'id="inbox-items" hx-swap-oob="true"' in answer.text
    assert "the second" in answer.text
    assert listed(agent.get(unread).text) == [second.conversation_id]
    assert agent.get(asked_by(answer.text, "lists-poller")).status_code == 204


def test_the_open_conversation_stays_marked_in_the_fresh_list(world: World) -> None:
    opened = world.text(new_number(), "hi")
    agent = world.sign_in("agent")
    lists = asked_by(agent.get(f"{address(opened.conversation_id)}?inbox=").text, "lists-poller")
    world.text(new_number(), "hi")
    answer = agent.get(lists).text
    assert re.search(rf'id="convo-{opened.conversation_id}"[^>]*aria-current="page"', answer)


@pytest.mark.parametrize("what", ["opened", "assigned", "opted out", "flagged", "written in another team"])
def test_the_lists_are_told_of_what_they_show_and_of_nothing_else(world: World, what: str) -> None:
    number = new_number()
    received = world.text(number, "hi")
    elsewhere = world.text(new_number(), "hi", world.other_shared)
    agent, admin = world.sign_in("agent"), world.sign_in("admin")
    lists = asked_by(agent.get("/messages/?inbox=").text, "lists-poller")
    assert agent.get(lists).status_code == 204
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
    else:
        admin.post(f"{address(elsewhere.conversation_id)}/send", {"body": "Hello"})
    assert agent.get(lists).status_code == (204 if what == "written in another team" else 200)


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
        lists = asked_by(agent.get("/messages/?inbox=").text, "lists-poller")
        assert agent.get(lists).status_code == 204
        connection.commit()
    assert agent.get(lists).status_code == 200


def test_the_fresh_thread_says_how_many_texts_are_new(world: World) -> None:
    number = new_number()
    received = world.text(number, "hi")
    agent = world.sign_in("agent")
    conversation = asked_by(agent.get(address(received.conversation_id)).text, "poller")
    assert agent.get(conversation).status_code == 204
    world.text(number, "are you there?")
    assert '<span data-new-texts="1">1 new text</span>: are you there?' in agent.get(conversation).text
    world.text(number, "hello?")
    answer = agent.get(conversation).text
    assert '<span data-new-texts="2">2 new texts</span>: hello?' in answer
    assert agent.get(asked_by(answer, "poller")).status_code == 204


def test_a_delivery_brings_an_open_thread_up_to_date(world: World) -> None:
    received = world.text(new_number(), "hi")
    agent = world.sign_in("agent")
    agent.post(f"{address(received.conversation_id)}/send", {"body": "Hello"})
    conversation = asked_by(agent.get(address(received.conversation_id)).text, "poller")
    with world.session():
        newest = select(Message.id).order_by(Message.id.desc()).limit(1).scalar_subquery()
        db.session.execute(update(Message).where(Message.id == newest).values(state="delivered"))
        db.session.commit()
    assert "Delivered" in agent.get(conversation).text


def test_asking_in_vain_takes_one_query_beyond_knowing_who_asks(world: World) -> None:
    received = world.text(new_number(), "hi")
    agent = world.sign_in("agent")
    page = agent.get(f"{address(received.conversation_id)}?inbox=").text
    for poller in ("poller", "lists-poller"):
        with statements(world) as seen:
            answer = agent.get(asked_by(page, poller))
        assert (answer.status_code, answer.data) == (204, b"")
        asked = [each for each in seen if "conversations" in each]
        assert len(asked) == 1
        assert len(seen) <= 6, seen


def test_asking_opens_no_text_that_nobody_sees(world: World) -> None:
    opened, other = world.text(new_number(), "hi"), world.text(new_number(), "hi")
    agent = world.sign_in("agent")
    lists = asked_by(agent.get(f"{address(opened.conversation_id)}?inbox=").text, "lists-poller")
    world.text(new_number(), "hi")
    assert agent.get(lists).status_code == 200
    with world.session():
        assert db.session.get_one(Conversation, other.conversation_id).unread == 1
    assert world.messages(other.conversation_id)[0].opened_at is None


# A page that asks for news, while Redis takes calls and never answers.
_ASK = """
import re, sys, time, html, wsgi
from cadence_app.accounts import sessions
from cadence_app.accounts.models import User
from cadence_app.accounts.sign_in_models import Method
from cadence_app.extensions import db
from cadence_app.tenancy import use_tenant
with wsgi.app.app_context():
    use_tenant(int(sys.argv[1]))
    user = db.session.get_one(User, int(sys.argv[2]))
    key = sessions.begin(user, Method.PASSWORD, sessions.Device("127.0.0.1", "test"))
    db.session.commit()
client = wsgi.app.test_client()
with client.session_transaction() as cookie:
    cookie["sign_in"] = key
page = client.get(sys.argv[3]).text
for poller in ("poller", "lists-poller"):
    path = html.unescape(re.search(rf'id="{poller}"[^>]*hx-get="([^"]+)"', page)[1])
    begun = time.monotonic()
    print(client.get(path).status_code, time.monotonic() - begun < 2)
"""


def test_asking_needs_no_redis(world: World) -> None:
    received = world.text(new_number(), "hi")
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        environment = os.environ | {"REDIS_URL": f"redis://127.0.0.1:{deaf.getsockname()[1]}"}
        who = (str(world.tenant_id), str(world.agent_id), address(received.conversation_id))
        asked = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", _ASK, *who],
            cwd=ROOT,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert asked.stdout.splitlines() == ["204 True", "204 True"]


@pytest.mark.parametrize("query", ["", "?version=x&open=abc&page=-1", "?open=999999999", "?q=%00&only=x"])
def test_a_question_that_makes_no_sense_gets_the_lists(world: World, query: str) -> None:
    received = world.text(new_number(), "hi")
    answer = world.sign_in("agent").get(f"/messages/fresh{query}")
    assert answer.status_code == 200
    assert listed(answer.text) == [received.conversation_id]


def test_nobody_follows_an_inbox_that_is_not_theirs(world: World, legacy_world: World) -> None:
    received = world.text(new_number(), "hi", world.other_shared)
    agent = world.sign_in("agent")
    assert agent.get(f"{address(received.conversation_id)}/fresh?version=").status_code == 404
    with world.session():
        inbox_id = db.session.get_one(Conversation, received.conversation_id).inbox_id
    assert agent.get(f"/messages/fresh?inbox={inbox_id}").status_code == 404
    assert listed(_fresh(legacy_world.sign_in("admin"))) == []


def _fresh(browser: Browser) -> str:
    return browser.get("/messages/fresh").text
