"""A text that was set for later answers what had been asked by then, and nothing that came after."""

from __future__ import annotations

from tests.messaging.answering import Talk
from tests.messaging.test_later import come, set_text
from tests.world import World


def test_what_they_wrote_after_it_was_set_waits_on(world: World) -> None:
    talk = Talk(world)
    talk.comes("When is my exam?")
    text = set_text(world, talk.id)
    talk.comes("And where do I park?")
    asked = world.messages(talk.id)[-1].provider_at
    come(world, text)
    row = talk.row()
    assert (row.state, row.waiting_since) == ("open", asked)


def test_what_they_wrote_before_it_was_set_is_answered(world: World) -> None:
    talk = Talk(world)
    talk.comes("When is my exam?")
    come(world, set_text(world, talk.id))
    assert talk.row().waiting_since is None


def test_what_was_answered_by_hand_meanwhile_does_not_wait_again(world: World) -> None:
    talk = Talk(world)
    text = set_text(world, world.text(talk.number, "hi").conversation_id)
    talk.comes("And where do I park?")
    talk.writes("Lot B")
    come(world, text)
    assert talk.row().waiting_since is None


def test_a_text_that_came_while_one_was_written_and_was_not_seen_waits_on(world: World) -> None:
    talk = Talk(world)
    talk.comes("When is my exam?")
    seen = world.messages(talk.id)[-1].id
    talk.comes("And where do I park?")
    asked = world.messages(talk.id)[-1].provider_at
    agent = world.sign_in("agent")
    agent.post(f"/messages/conversations/{talk.id}/send", {"body": "At nine", "seen": str(seen)})
    row = talk.row()
    assert (row.state, row.waiting_since) == ("open", asked)
    page = agent.get(f"/messages/conversations/{talk.id}").text
    last = world.messages(talk.id)[-1].id
    assert f'form="composer-form" name="seen" value="{last}"' in page
    agent.post(f"/messages/conversations/{talk.id}/send", {"body": "Lot B", "seen": str(last)})
    assert talk.row().waiting_since is None
