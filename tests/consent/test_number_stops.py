"""A stop stays with the number whose phone said it, whichever way the number goes and comes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select

from cadence_app import number_key
from cadence_app.accounts.models import User
from cadence_app.consent import by_user as consent
from cadence_app.consent import first_status, number_stops, possible
from cadence_app.consent.by_api import Result, Wanted, set_by_api
from cadence_app.consent.models import NumberStop, PossibleOptOut
from cadence_app.contacts.models import Contact, ContactNumber
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.inbound import receive_text
from cadence_app.messaging.models import MessageKind
from cadence_app.messaging.sending import refusal
from cadence_app.records import phones
from tests.consent.numbers import AGREED, add_by_hand, opt_in, stopped_and_left
from tests.contacts import importing
from tests.records.people import IN, OUT, add_number, erase, merge, opt, text_at
from tests.world import World, new_number


def by_api(world: World, contact_id: int, reason: str = "") -> Result:
    with world.session():
        (outcome,) = set_by_api([Wanted(contact_id, world.team_id, IN, reason)], "API token CRM")
        db.session.commit()
        return outcome.result


def _by_import(world: World, number: str, opted_out: str) -> int:
    importing.run(
        world, importing.csv_of(("Nora", "New", "", number, "ADM", opted_out)), stop_reason="They all agreed."
    )
    return world.contact_id(number)


def _by_api(world: World, number: str) -> int:
    contact_id = world.add_contact(number)
    assert by_api(world, contact_id) == Result.NUMBER_STOPPED
    return contact_id


def _as_a_further_number(world: World, number: str) -> int:
    contact_id = world.add_contact()
    add_number(world, contact_id, number)
    with world.session():
        first_status.add_by_user(db.session.get_one(User, world.admin_id), contact_id, world.team_id)
        db.session.commit()
    return contact_id


WAYS: dict[str, Callable[[World, str], int]] = {
    "by hand": add_by_hand,
    "a plain text from it": lambda world, number: world.contact_id_of(
        world.text(number, "who is this?").conversation_id
    ),
    "a file that opts in": lambda world, number: _by_import(world, number, "no"),
    "a file that says nothing": lambda world, number: _by_import(world, number, ""),
    "another system": _by_api,
    "a further number": _as_a_further_number,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("word", ["STOP", "STOPALL"])
def test_whoever_gets_a_stopped_number_starts_opted_out_and_is_told_why(
    world: World, way: str, word: str
) -> None:
    number = stopped_and_left(world, word)
    contact_id = WAYS[way](world, number)
    assert world.status(contact_id) == OUT
    (row,) = world.history(contact_id, world.team_id)
    assert row.reason.startswith("An earlier holder of this number texted STOP on ")
    with pytest.raises(consent.ReasonRequired):
        opt_in(world, contact_id)
    opt_in(world, contact_id, AGREED)
    assert world.status(contact_id) == IN


def test_a_file_does_not_carry_an_opt_in_over_to_a_number_that_was_stopped(world: World) -> None:
    number = stopped_and_left(world)
    contact_id = add_by_hand(world, new_number())
    with world.session():
        db.session.get_one(Contact, contact_id).external_id = "S-1"
        db.session.commit()
    rows = importing.csv_of(("", "", "S-1", number, "ADM", "no"))
    done = importing.run(world, rows, stop_reason="They all agreed.")
    assert (world.status(contact_id), done.opt_ins_held) == (OUT, 1)


def test_start_from_the_phone_lifts_it_for_whoever_has_the_number(world: World) -> None:
    number = stopped_and_left(world)
    contact_id = add_by_hand(world, number)
    world.text(number, "START")
    assert world.status(contact_id) == IN
    text_at(world, contact_id, new_number())
    assert world.status(add_by_hand(world, number)) == IN
    with world.session():
        assert db.session.scalar(select(func.count()).select_from(NumberStop)) == 0


def test_start_to_one_team_leaves_the_stops_of_others(world: World) -> None:
    number = new_number()
    world.text(number, "hi")
    world.text(number, "STOP")
    world.text(number, "STOP", world.other_shared)
    world.text(number, "START", world.other_shared)
    text_at(world, world.contact_id(number), new_number())
    contact_id = add_by_hand(world, number)
    add_by_hand(world, number, world.other_team_id)
    assert (world.status(contact_id), world.status(contact_id, world.other_team_id)) == (OUT, IN)


def test_a_written_reason_is_for_this_person_and_the_next_holder_is_asked_anew(world: World) -> None:
    number = stopped_and_left(world)
    contact_id = add_by_hand(world, number)
    opt_in(world, contact_id, AGREED)
    text_at(world, contact_id, new_number())
    assert world.status(add_by_hand(world, number)) == OUT


def test_the_person_who_stopped_stays_out_at_a_new_number(world: World) -> None:
    number, other = new_number(), new_number()
    contact_id = world.contact_id_of(world.text(number, "hi").conversation_id)
    world.text(number, "STOP")
    text_at(world, contact_id, other)
    assert world.status(contact_id) == OUT
    with pytest.raises(consent.ReasonRequired):
        opt_in(world, contact_id)
    third = new_number()
    with world.session():
        db.session.get_one(Contact, contact_id).external_id = "S-2"
        db.session.commit()
    importing.run(world, importing.csv_of(("", "", "S-2", third, "ADM", "no")))
    assert world.status(contact_id) == OUT


def test_a_further_number_that_said_stop_is_told_again_when_it_was_ended(world: World) -> None:
    further = new_number()
    contact_id = add_by_hand(world, new_number())
    add_number(world, contact_id, further)
    world.text(further, "STOP")
    with world.session():
        of_it = select(ContactNumber.id).where(ContactNumber.number == further, ContactNumber.until.is_(None))
        user = db.session.get_one(User, world.agent_id)
        assert phones.end_number(user, contact_id, db.session.scalars(of_it).one())
    assert world.status(add_by_hand(world, further)) == OUT


def test_a_bar_goes_with_the_number_that_brought_it(world: World) -> None:
    number = stopped_and_left(world)
    contact_id = add_by_hand(world, number, world.other_team_id)
    with world.session():
        assert number_stops.reason(contact_id, world.team_id)
    text_at(world, contact_id, new_number())
    with world.session():
        assert number_stops.reason(contact_id, world.team_id) is None


def test_a_merge_takes_the_persons_own_words_for_no_earlier_holders(world: World) -> None:
    number = new_number()
    gone = world.contact_id_of(world.text(number, "hi").conversation_id)
    world.text(number, "STOP")
    opt_in(world, gone, AGREED)
    kept = add_by_hand(world, new_number())
    merge(world, kept, gone)
    assert world.status(kept) == IN
    with world.session():
        assert number_stops.reason(kept, world.team_id) is None


@pytest.mark.parametrize("word", ["STOP", "STOPALL"])
def test_a_merge_keeps_what_an_earlier_holder_barred_the_other_record_from(world: World, word: str) -> None:
    number = stopped_and_left(world, word)
    gone = add_by_hand(world, number)
    kept = add_by_hand(world, new_number(), world.other_team_id)
    merge(world, kept, gone, gone)
    assert world.status(kept) == OUT
    with pytest.raises(consent.ReasonRequired):
        opt_in(world, kept)


def test_a_reason_is_for_the_number_texted_and_not_for_a_further_one(world: World) -> None:
    number = stopped_and_left(world)
    contact_id = add_by_hand(world, new_number())
    add_number(world, contact_id, number)
    opt(world, contact_id, OUT)
    opt_in(world, contact_id, AGREED)
    text_at(world, contact_id, number)
    with pytest.raises(consent.ReasonRequired):
        opt_in(world, contact_id)


def test_who_was_merged_or_erased_leaves_the_stop_with_the_number(world: World) -> None:
    number = new_number()
    gone = world.contact_id_of(world.text(number, "hi").conversation_id)
    world.text(number, "STOP")
    kept = add_by_hand(world, new_number())
    merge(world, kept, gone)
    assert world.status(kept) == OUT
    erase(world, kept)
    again = add_by_hand(world, number)
    assert world.status(again) == OUT
    assert "erased" in world.history(again)[0].reason


def test_an_earlier_stop_is_not_forgotten_by_a_start_that_was_sent_before_it(world: World) -> None:
    number = stopped_and_left(world)
    contact_id = add_by_hand(world, number)
    with world.session():
        stop = db.session.scalars(select(NumberStop)).one()
        number_stops.lift(
            contact_id, number, stop.said_at.replace(year=stop.said_at.year - 1), world.team_id, personal=True
        )
        db.session.commit()
        assert db.session.scalars(select(NumberStop)).all()


def test_start_that_comes_late_opts_nobody_in_at_a_number_that_stopped_since(world: World) -> None:
    number = stopped_and_left(world)
    late = text_sent_before(world, number, "START", world.shared)
    assert world.status(late) == OUT
    (first,) = world.history(late)
    assert first.source == "cold_inbound"
    assert "texted STOP" in first.reason


def test_start_that_comes_late_opts_nobody_in_who_has_stopped_every_team_since(world: World) -> None:
    number = new_number()
    world.text(number, "STOPALL")
    contact_id = text_sent_before(world, number, "START", world.other_shared)
    assert world.status(contact_id, world.other_team_id) == OUT
    world.text(number, "START", world.other_shared)
    assert world.status(contact_id, world.other_team_id) == IN


def text_sent_before(world: World, number: str, body: str, inbox: str) -> int:
    """A text that its carrier brings three hours late; the contact's id."""
    with world.app.app_context():
        sent_at = datetime.now(UTC) - timedelta(hours=3)
        received = receive_text(inbox, number, body, f"late {number}", sent_at)
    return world.contact_id_of(received.conversation_id)


def test_another_tenant_knows_nothing_of_it(world: World, legacy_world: World) -> None:
    number = stopped_and_left(world, "STOPALL")
    assert legacy_world.status(add_by_hand(legacy_world, number)) == IN


def test_another_key_is_refused(world: World) -> None:
    known = world.app.config["NUMBER_KEY"]
    checked = world.app.extensions.pop(number_key.KEY_SETTING, None)
    try:
        world.app.config["NUMBER_KEY"] = "another"
        with pytest.raises(number_key.WrongKey), world.session():
            db.session.scalar(select(func.count()).select_from(Contact))
    finally:
        world.app.config["NUMBER_KEY"] = known
        world.app.extensions[number_key.KEY_SETTING] = checked


def test_the_flag_of_a_present_holder_waits_for_a_person(world: World) -> None:
    """As the migration makes them: without a text."""
    contact_id = add_by_hand(world, new_number())
    with world.session():
        db.session.add(_flag(world, contact_id))
        db.session.commit()
        assert refusal(
            db.session.scalars(select(Inbox).where(Inbox.number == world.shared)).one(),
            contact_id,
            MessageKind.PERSON,
            by_hand=False,
        )
    browser = world.sign_in("admin")
    assert "An earlier holder of this number" in browser.get("/messages/possible-opt-outs/").text
    with world.session():
        assert possible.dismiss(db.session.get_one(User, world.admin_id), contact_id, world.team_id, None)


def _flag(world: World, contact_id: int) -> PossibleOptOut:
    return PossibleOptOut(
        tenant_id=world.tenant_id,
        contact_id=contact_id,
        team_id=world.team_id,
        words="An earlier holder of this number texted STOP on May 3, 2026.",
        received_at=datetime.now(UTC),
        due_on=date(2030, 1, 1),
    )
