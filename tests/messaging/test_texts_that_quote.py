"""What a text that quotes ours does to consent: by what a phone sends."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from cadence_app.accounts.models import PossibleOptOutPolicy, User
from cadence_app.consent.keywords import Meaning
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.conversations import conversation_with
from cadence_app.messaging.sending import compose, deliver
from tests.messaging.words import by_carrier, flagged, set_policy
from tests.world import World, new_number

OURS = "Hillcrest: tours start at nine on Friday. Text STOP to unsubscribe"


def send(world: World, contact_id: int, body: str) -> None:
    with world.session():
        inbox = db.session.scalars(select(Inbox).where(Inbox.number == world.shared)).one()
        message = compose(
            db.session.get_one(User, world.agent_id), conversation_with(inbox, contact_id), body
        )
        db.session.commit()
        deliver(message.id)


@pytest.mark.parametrize("policy", list(PossibleOptOutPolicy))
def test_a_like_of_our_own_text_opts_nobody_out_and_flags_nobody(
    world: World, policy: PossibleOptOutPolicy
) -> None:
    set_policy(world, possible_opt_out_policy=policy)
    number = new_number()
    world.text(number, "hi")
    contact_id = world.contact_id(number)
    send(world, contact_id, OURS)
    for body in (f"Liked “{OURS}”", f"👎 to “{OURS[:30]}…”", f"Fwd: {OURS}", "Loved “Reply STOP to opt out”"):
        world.text(number, body)
    assert world.status(contact_id) == "opted_in"
    assert not flagged(world, contact_id)


def test_what_was_sent_in_another_conversation_or_never_went_is_not_what_a_phone_quotes(world: World) -> None:
    quoted = "Liked “please take me off this list”"
    number, other = new_number(), new_number()
    for each in (number, other):
        world.text(each, "hi")
    contact_id, other_id = world.contact_id(number), world.contact_id(other)
    send(world, other_id, "please take me off this list")
    world.text(number, quoted)
    world.text(other, quoted)
    assert flagged(world, contact_id)
    assert not flagged(world, other_id)
    stopped = new_number()
    world.text(stopped, "STOP")
    send(world, world.contact_id(stopped), "please take me off this list")
    world.text(stopped, "START")
    world.text(stopped, quoted)
    assert flagged(world, world.contact_id(stopped))


def test_own_words_beside_a_reaction_count_and_the_card_names_them(world: World) -> None:
    number = new_number()
    world.text(number, "hi")
    contact_id = world.contact_id(number)
    send(world, contact_id, OURS)
    received = world.text(number, f"Liked “{OURS}”. Please stop texting me")
    assert flagged(world, contact_id)
    page = world.sign_in("agent").get(f"/messages/conversations/{received.conversation_id}").text
    assert "Flagged by the words “stop texting" in page
    world.text(number, f"Disliked “{OURS}” STOP")
    assert world.status(contact_id) == "opted_out"
    assert not flagged(world, contact_id)


def test_what_the_carrier_took_for_an_opt_out_counts_whatever_the_text_quotes(world: World) -> None:
    number = new_number()
    world.text(number, "hi")
    by_carrier(world, number, "Liked “Reply STOP to opt out”", Meaning.OUT)
    assert world.status(world.contact_id(number)) == "opted_out"


def test_a_reaction_never_opts_in(world: World) -> None:
    number = new_number()
    world.text(number, "STOP")
    contact_id = world.contact_id(number)
    world.text(number, "Loved “Reply START to opt back in” yes")
    assert world.status(contact_id) == "opted_out"
