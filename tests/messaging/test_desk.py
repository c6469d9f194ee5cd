"""What the desk shows, and to whom."""

from __future__ import annotations

import re

import pytest

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
