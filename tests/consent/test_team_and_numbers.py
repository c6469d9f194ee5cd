"""What an answer of TEAM leaves with the numbers that stopped, and with words that wait for a person."""

from __future__ import annotations

import pytest

from cadence_app.accounts.models import User
from cadence_app.consent import possible
from cadence_app.extensions import db
from cadence_app.records import phones
from tests.consent.numbers import AGREED, WORDS, add_by_hand, flagged, opt_in, stops
from tests.messaging.team_only import ask
from tests.records.people import IN, OUT, add_number, text_at
from tests.world import World, new_number


def test_who_answers_team_has_stopped_nothing_of_what_is_open_again(world: World) -> None:
    ask(world)
    contact_id, number = flagged(world)
    further = new_number()
    world.text(number, "hi", world.other_shared)
    add_number(world, contact_id, further)
    world.text(further, WORDS)
    world.text(number, "STOP", world.other_shared)
    assert world.status(contact_id) == OUT
    world.text(number, "TEAM", world.other_shared)
    assert world.status(contact_id) == IN
    with world.session():
        assert possible.open_flag(contact_id, world.team_id)
    # Only the team that was meant.
    assert stops(world) == 1


@pytest.mark.parametrize("stopped_by", ["an earlier holder", "the same person"])
def test_who_answers_team_leaves_what_the_number_had_stopped_before_with_it(
    world: World, stopped_by: str
) -> None:
    number = new_number()
    before = world.contact_id_of(world.text(number, "hi", world.other_shared).conversation_id)
    world.text(number, "STOP", world.other_shared)
    if stopped_by == "an earlier holder":
        text_at(world, before, new_number())
        holder = add_by_hand(world, number, world.other_team_id)
    else:
        holder = before
    opt_in(world, holder, AGREED, world.other_team_id)
    ask(world)
    world.text(number, "hi")
    world.text(number, "STOP")
    assert world.status(holder, world.other_team_id) == OUT
    world.text(number, "TEAM")
    assert (world.status(holder), world.status(holder, world.other_team_id)) == (OUT, IN)
    text_at(world, holder, new_number())
    again = add_by_hand(world, number, world.other_team_id)
    assert world.status(again, world.other_team_id) == OUT


def test_words_that_are_open_again_leave_what_their_phone_had_stopped_before_with_it(world: World) -> None:
    further, texted = new_number(), new_number()
    before = world.contact_id_of(world.text(further, "hi").conversation_id)
    world.text(further, "STOP")
    text_at(world, before, new_number())
    ask(world)
    contact_id = world.contact_id_of(world.text(texted, "hi").conversation_id)
    world.text(texted, "hi", world.other_shared)
    add_number(world, contact_id, further)
    world.text(further, WORDS)
    # Of the phone that wrote the words, not of the one that takes its word back.
    world.text(texted, "STOP", world.other_shared)
    world.text(texted, "TEAM", world.other_shared)
    with world.session():
        assert possible.open_flag(contact_id, world.team_id)
        (record,) = [each for each in phones.numbers_of(contact_id) if each.number == further]
        assert phones.end_number(db.session.get_one(User, world.agent_id), contact_id, record.id)
    assert world.status(add_by_hand(world, further)) == OUT
