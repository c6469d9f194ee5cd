"""What the desk shows, and to whom."""

from __future__ import annotations

import re

import pytest

from cadence_app.extensions import db
from cadence_app.messaging.models import Conversation
from tests.world import World, new_number


@pytest.mark.parametrize("body", ["   ", "\n\n", "\t"])
def test_a_text_of_nothing_but_space_is_refused_and_not_kept(world: World, body: str) -> None:
    received = world.text(new_number(), "hi")
    answer = world.sign_in("agent").post(
        f"/messages/conversations/{received.conversation_id}/send", {"body": body}
    )
    assert answer.status_code == 422
    assert "Write something first" in answer.text
    assert len(world.messages(received.conversation_id)) == 1


def test_possible_opt_outs_are_marked_in_the_list_and_listed_by_themselves(world: World) -> None:
    flagged, plain = new_number(), new_number()
    for number in (flagged, plain):
        world.text(number, "hi")
    received = world.text(flagged, "take me off this list")
    agent = world.sign_in("agent")
    assert "Possible opt out, decide by" in agent.get("/messages/?inbox=").text
    only = agent.get("/messages/?inbox=&only=flagged").text
    assert re.findall(r'id="convo-(\d+)"', only) == [str(received.conversation_id)]


def test_dismissing_a_flag_closes_it_only_if_nothing_has_come_since(world: World) -> None:
    number = new_number()
    world.text(number, "hi")
    received = world.text(number, "please stop texting me")
    path = f"/messages/conversations/{received.conversation_id}"
    agent = world.sign_in("agent")
    read = _flagged(agent.get(path).text)
    world.text(number, "take me off this list")
    stale = agent.post(f"{path}/consent", {"status": "dismiss", "flagged": read})
    assert stale.status_code == 422
    assert "More has come in since" in stale.text
    assert "take me off this list" in stale.text
    agent.post(f"{path}/consent", {"status": "dismiss", "flagged": _flagged(stale.text)})
    assert "Possible opt out</p>" not in agent.get(path).text


def _flagged(page: str) -> str:
    found = re.search(r'name="flagged" value="(\d+)"', page)
    assert found
    return found[1]


def test_an_open_page_learns_of_a_colleagues_decision(world: World) -> None:
    number = new_number()
    world.text(number, "hi")
    received = world.text(number, "please stop texting me")
    path = f"/messages/conversations/{received.conversation_id}"
    agent, colleague = world.sign_in("agent"), world.sign_in("admin")
    page = agent.get(path).text
    version = re.search(r"version=([^\"&]+)", page)
    assert version
    assert agent.get(f"{path}/fresh?version={version[1]}").status_code == 204
    colleague.post(f"{path}/consent", {"status": "dismiss", "flagged": _flagged(page)})
    assert agent.get(f"{path}/fresh?version={version[1]}").status_code == 200


def test_words_sent_to_a_colleagues_personal_inbox_are_not_quoted_to_the_team(world: World) -> None:
    number = new_number()
    world.text(number, "This is between you and me", world.personal)
    path = f"/contacts/{world.contact_id(number)}"
    assert "between you and me" in world.sign_in("agent").get(path).text
    seen = world.sign_in("admin").get(path).text
    assert "between you and me" not in seen
    assert "to a personal inbox" in seen


def test_marking_unread_brings_it_back_to_the_unread_and_leaves_when_it_was_opened(world: World) -> None:
    received = world.text(new_number(), "hi")
    path = f"/messages/conversations/{received.conversation_id}"
    agent = world.sign_in("agent")
    agent.get(path)
    opened_at = world.messages(received.conversation_id)[0].opened_at
    assert opened_at is not None
    assert f'id="convo-{received.conversation_id}"' not in agent.get("/messages/?inbox=&only=unread").text
    answer = agent.post(f"{path}/unread?inbox=&only=unread")
    assert answer.location == "/messages/?inbox=&only=unread"
    assert f'id="convo-{received.conversation_id}"' in agent.get(answer.location).text
    assert "1<span" in agent.get(answer.location).text
    agent.post(f"{path}/unread")
    agent.get(path)
    assert world.messages(received.conversation_id)[0].opened_at == opened_at


def test_marking_unread_counts_no_text_twice_and_none_away(world: World) -> None:
    number = new_number()
    received = world.text(number, "hi")
    world.text(number, "hello?")
    world.sign_in("agent").post(f"/messages/conversations/{received.conversation_id}/unread")
    with world.session():
        assert db.session.get_one(Conversation, received.conversation_id).unread == 2


def test_a_user_who_turns_shortcuts_off_gets_none(world: World) -> None:
    agent = world.sign_in("agent")
    on = agent.get("/messages/").text
    assert "js/shortcuts.js" in on
    assert '<dialog class="keys"' in on
    profile = {"name": "Agent Person", "time_zone": ""}
    assert agent.post("/account/", profile).status_code == 302
    off = agent.get("/messages/").text
    assert "js/shortcuts.js" not in off
    assert "data-shortcuts" not in off
    assert agent.post("/account/", profile | {"shortcuts": "y"}).status_code == 302
    assert "js/shortcuts.js" in agent.get("/messages/").text
