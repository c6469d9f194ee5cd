"""Words that read like an opt out and that somebody decided were one: a stop of the phone that wrote them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cadence_app.accounts.models import PossibleOptOutPolicy, Tenant, User
from cadence_app.consent import by_user as consent
from cadence_app.consent import possible
from cadence_app.extensions import db
from tests.api.conftest import make_api
from tests.consent.numbers import AGREED, WORDS, add_by_hand, decide, flagged, opt_in, start_out, stops
from tests.contacts import importing
from tests.records.people import IN, OUT, add_number, erase, merge, opt, text_at
from tests.world import World, new_number


def _on_the_card(world: World, contact_id: int, number: str) -> None:
    decide(world, contact_id)


def _in_the_queue(world: World, contact_id: int, number: str) -> None:
    with world.session():
        flag = possible.open_flag(contact_id, world.team_id)
        assert flag
        flag_id = flag.id
    browser = world.sign_in("agent")
    path = "/messages/possible-opt-outs/"
    assert browser.post(f"{path}{flag_id}", {"status": OUT}, token_from=path).status_code == 302


def _by_another_system(world: World, contact_id: int, number: str) -> None:
    assert make_api(world).set(contact_id, OUT).status_code == 200


def _by_a_file(world: World, contact_id: int, number: str) -> None:
    importing.run(world, importing.csv_of(("", "", "", number, "ADM", "yes")))


def _by_a_keyword_of_another_phone(world: World, contact_id: int, number: str) -> None:
    further = new_number()
    add_number(world, contact_id, further)
    world.text(further, "STOP")


WAYS = [_on_the_card, _in_the_queue, _by_another_system, _by_a_file, _by_a_keyword_of_another_phone]


@pytest.mark.parametrize("way", WAYS)
def test_words_that_were_an_opt_out_stay_with_the_number_whoever_decided_it(
    world: World, way: Callable[[World, int, str], None]
) -> None:
    contact_id, number = flagged(world)
    way(world, contact_id, number)
    assert world.status(contact_id) == OUT
    text_at(world, contact_id, new_number())
    again = start_out(world, number)
    with pytest.raises(consent.ReasonRequired):
        opt_in(world, again)
    world.text(number, "START")
    assert world.status(again) == IN
    text_at(world, again, new_number())
    assert world.status(add_by_hand(world, number)) == IN


@pytest.mark.parametrize("way", WAYS)
def test_they_are_the_persons_own_and_an_opt_in_must_answer_them(
    world: World, way: Callable[[World, int, str], None]
) -> None:
    contact_id, number = flagged(world)
    way(world, contact_id, number)
    with pytest.raises(consent.ReasonRequired):
        opt_in(world, contact_id)
    assert make_api(world).set(contact_id, IN).status_code == 409
    importing.run(world, importing.csv_of(("", "", "", number, "ADM", "no")))
    assert world.status(contact_id) == OUT
    opt_in(world, contact_id, AGREED)
    assert world.status(contact_id) == IN


def test_where_the_organisation_lets_such_words_opt_out_they_stay_with_the_number_too(world: World) -> None:
    with world.session():
        db.session.get_one(Tenant, world.tenant_id).possible_opt_out_policy = PossibleOptOutPolicy.OPT_OUT
        db.session.commit()
    number = new_number()
    contact_id = world.contact_id_of(world.text(number, "hi").conversation_id)
    world.text(number, WORDS)
    assert world.status(contact_id) == OUT
    text_at(world, contact_id, new_number())
    assert world.status(add_by_hand(world, number)) == OUT


def test_words_of_who_is_opted_out_already_stay_with_the_number(world: World) -> None:
    number = new_number()
    contact_id = world.contact_id_of(world.text(number, "hi").conversation_id)
    opt(world, contact_id, OUT)
    world.text(number, WORDS)
    text_at(world, contact_id, new_number())
    start_out(world, number)


def test_a_dismissal_leaves_no_stop(world: World) -> None:
    contact_id, _ = flagged(world)
    with world.session():
        user, flag = db.session.get_one(User, world.agent_id), possible.open_flag(contact_id, world.team_id)
        assert flag
        assert possible.dismiss(user, contact_id, world.team_id, flag.message_id)
        db.session.commit()
    opt(world, contact_id, OUT)
    opt_in(world, contact_id)
    assert (world.status(contact_id), stops(world)) == (IN, 0)


def test_the_stop_is_of_the_phone_that_wrote_them_and_of_no_other(world: World) -> None:
    further, texted = new_number(), new_number()
    contact_id = world.contact_id_of(world.text(texted, "hi").conversation_id)
    add_number(world, contact_id, further)
    world.text(further, WORDS)
    decide(world, contact_id)
    text_at(world, contact_id, new_number())
    assert world.status(add_by_hand(world, texted)) == IN
    assert stops(world) == 1


def test_a_number_that_changed_before_the_decision_has_the_stop_and_the_new_one_has_none(
    world: World,
) -> None:
    contact_id, number = flagged(world)
    text_at(world, contact_id, later := new_number(), AGREED)
    decide(world, contact_id)
    start_out(world, number)
    text_at(world, contact_id, new_number())
    assert world.status(add_by_hand(world, later)) == IN


def test_a_merge_keeps_which_phones_wrote_what_is_open(world: World) -> None:
    (kept, first), (gone, second) = flagged(world), flagged(world)
    merge(world, kept, gone)
    decide(world, kept)
    erase(world, kept)
    assert stops(world) == 4  # of each number: of the team, and of the organisation by the erasure
    for number in (first, second):
        assert world.status(add_by_hand(world, number)) == OUT


def test_an_erasure_leaves_what_is_open_with_the_number_that_the_person_had(world: World) -> None:
    contact_id, number = flagged(world)
    text_at(world, contact_id, new_number())
    erase(world, contact_id)
    start_out(world, number)
