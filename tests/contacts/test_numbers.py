"""The numbers of a contact: whoever writes one, what reaches the contact, and that consent stays behind."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from cadence_app.accounts.models import User
from cadence_app.consent import blocks
from cadence_app.consent.merge_and_number_change import NOT_CARRIED
from cadence_app.consent.models import BlockScope, Source
from cadence_app.contacts.models import Contact
from cadence_app.contacts.service import Taken
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.desk import find_conversation
from cadence_app.messaging.models import MessageKind
from cadence_app.messaging.sending import compose, deliver, refusal
from cadence_app.ui.formatting import phone
from tests.records.people import IN, OUT, add_number, current_numbers, opt, text_at
from tests.world import World, new_number


def test_the_database_keeps_the_numbers_whoever_writes_them(world: World) -> None:
    first, second, third = new_number(), new_number(), new_number()
    contact_id = world.add_contact(first)
    assert current_numbers(world, contact_id) == {first}
    with world.session():
        db.session.execute(update(Contact).where(Contact.id == contact_id).values(number=second))
        db.session.commit()
    assert current_numbers(world, contact_id) == {second}
    add_number(world, contact_id, third)
    text_at(world, contact_id, third)
    assert current_numbers(world, contact_id) == {second, third}


def test_numbers_handed_on_from_one_contact_to_another_in_one_transaction_end_with_each(world: World) -> None:
    numbers, spare = [new_number(), new_number()], new_number()
    one, other = (world.add_contact(number) for number in numbers)
    with world.session():
        for contact_id, number in ((one, spare), (other, numbers[0]), (one, numbers[1])):
            db.session.execute(update(Contact).where(Contact.id == contact_id).values(number=number))
        db.session.commit()
    assert current_numbers(world, one) == {numbers[1]}
    assert current_numbers(world, other) == {numbers[0]}


def test_a_changed_number_opts_out_wherever_they_were_opted_in_and_the_history_says_why(
    world: World,
) -> None:
    old = new_number()
    contact_id = world.add_contact(old)
    opt(world, contact_id, IN)
    opt(world, contact_id, OUT, world.other_team_id)
    text_at(world, contact_id, new_number())
    *_, last = world.history(contact_id, world.team_id)
    assert (last.status, last.source, last.number) == (OUT, Source.NUMBER_CHANGE, old)
    assert (last.reason, last.user_id) == (NOT_CARRIED, world.agent_id)
    assert len(world.history(contact_id, world.other_team_id)) == 1


def test_consent_for_the_new_number_needs_words_and_reaches_only_the_users_own_teams(world: World) -> None:
    old, new = new_number(), new_number()
    contact_id = world.add_contact(old)
    opt(world, contact_id, IN)
    opt(world, contact_id, IN, world.other_team_id)
    text_at(world, contact_id, new, given="She signed form 12 for this number.")
    rows = [(row.status, row.source, row.number) for row in world.history(contact_id, world.team_id)]
    assert rows == [
        (IN, Source.TOGGLE, old),
        (OUT, Source.NUMBER_CHANGE, old),
        (IN, Source.NUMBER_CHANGE, new),
    ]
    assert world.history(contact_id, world.team_id)[-1].reason == "She signed form 12 for this number."
    assert world.status(contact_id, world.other_team_id) == OUT


def test_texts_from_any_current_number_reach_the_contact_and_stop_from_it_opts_them_out(
    world: World,
) -> None:
    number, other = new_number(), new_number()
    world.text(number, "Hello")
    contact_id = world.contact_id(number)
    add_number(world, contact_id, other)
    received = world.text(other, "STOP")
    assert world.contact_id_of(received.conversation_id) == contact_id
    assert world.status(contact_id) == OUT
    confirmation = world.messages(received.conversation_id)[-1]
    assert (confirmation.other_number, confirmation.state) == (other, "delivered")
    first, stop = world.history(contact_id)
    assert (first.number, stop.number) == (number, other)


def test_the_history_names_the_phone_that_said_it(world: World) -> None:
    number, other = new_number(), new_number()
    contact_id = world.add_contact(number)
    add_number(world, contact_id, other)
    world.text(other, "Hello, is this the college?")
    world.text(other, "STOPALL", inbox=world.other_shared)
    rows = [(row.team_id, row.source, row.number) for row in world.history(contact_id)]
    assert rows == [
        (world.team_id, Source.COLD_INBOUND, other),
        (world.other_team_id, Source.KEYWORD, other),
    ]
    opt(world, contact_id, IN)
    assert world.history(contact_id)[-1].number == number
    record = world.sign_in("agent").get(f"/contacts/{contact_id}").text
    assert f"First text from {phone(other)}" in record


def test_start_from_a_further_number_opts_in_nothing(world: World) -> None:
    number, other = new_number(), new_number()
    contact_id = world.contact_id_of(world.text(number, "STOP").conversation_id)
    add_number(world, contact_id, other)
    received = world.text(other, "START")
    assert world.status(contact_id) == OUT
    assert "another number of theirs" in world.messages(received.conversation_id)[-1].detail
    world.text(number, "START")
    assert world.status(contact_id) == IN


def test_a_first_text_to_a_team_from_a_further_number_opts_in_nothing(world: World) -> None:
    number, other = new_number(), new_number()
    contact_id = world.contact_id_of(world.text(number, "Hello").conversation_id)
    add_number(world, contact_id, other)
    received = world.text(other, "Hello there", world.other_shared)
    (row,) = world.history(contact_id, world.other_team_id)
    assert (row.status, row.source, row.words) == (OUT, Source.COLD_INBOUND, "Hello there")
    assert "another number of theirs" in row.reason
    assert "another number of theirs" in world.messages(received.conversation_id)[-1].detail
    assert world.status(contact_id) == IN


def test_who_is_added_to_a_team_by_a_further_number_starts_opted_out(world: World) -> None:
    number, other = new_number(), new_number()
    contact_id = world.contact_id_of(world.text(number, "Hello").conversation_id)
    add_number(world, contact_id, other)
    admin = world.sign_in("admin")
    form = {"number": other, "team_id": world.other_team_id}
    answer = admin.post("/contacts/new", form)
    assert answer.location == f"/contacts/{contact_id}"
    assert "opted out: they are texted at another number" in admin.get(answer.location).text
    (row,) = world.history(contact_id, world.other_team_id)
    assert (row.status, row.source) == (OUT, Source.MANUAL_ADD)
    assert "another number of theirs" in row.reason


def test_a_number_that_has_ended_is_a_strangers_when_it_writes_again(world: World) -> None:
    old = new_number()
    contact_id = world.contact_id_of(world.text(old, "Hello").conversation_id)
    text_at(world, contact_id, new_number())
    received = world.text(old, "Who is this?")
    stranger = world.contact_id_of(received.conversation_id)
    assert stranger != contact_id
    assert (world.status(stranger), world.status(contact_id)) == (IN, OUT)


def test_a_toll_free_block_is_of_the_number_that_texted_stop(world: World) -> None:
    number, later = new_number(), new_number()
    received = world.text(number, "STOP", inbox=world.toll_free)
    contact_id = world.contact_id_of(received.conversation_id)
    text_at(world, contact_id, later)
    opt(world, contact_id, IN)
    with world.session():
        inbox = db.session.query(Inbox).filter_by(number=world.toll_free).one()
        assert refusal(inbox, contact_id, MessageKind.PERSON) is None
        (kept,) = blocks.blocks_of(contact_id)
        assert (kept.scope, kept.number) == (BlockScope.CARRIER_NUMBER, number)
    text_at(world, contact_id, number, given="They asked for it.")
    with world.session():
        inbox = db.session.query(Inbox).filter_by(number=world.toll_free).one()
        assert "toll-free network" in (refusal(inbox, contact_id, MessageKind.PERSON) or "")


def test_a_number_somebody_has_is_refused_and_named(world: World) -> None:
    theirs = new_number()
    holder = world.add_contact(theirs)
    contact_id = world.add_contact()
    for act in (add_number, text_at):
        with pytest.raises(Taken) as refused:
            act(world, contact_id, theirs)
        with world.session():
            assert db.session.merge(refused.value.contact, load=False).id == holder
    assert theirs not in current_numbers(world, contact_id)


def test_a_queued_text_goes_to_the_number_of_the_moment_or_not_at_all(world: World) -> None:
    received = world.text(new_number(), "Hello")
    contact_id = world.contact_id_of(received.conversation_id)
    with world.session():
        user = db.session.get_one(User, world.agent_id)
        conversation = find_conversation(user, received.conversation_id)
        assert conversation
        message_id = compose(user, conversation, "See you at nine.").id
        db.session.commit()
    text_at(world, contact_id, new_number())
    with world.session():
        deliver(message_id)
    assert world.messages(received.conversation_id)[-1].state == "suppressed"
