"""What comes in after an upgrade, before the stored numbers are read again: both spellings are one phone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from cadence_app.campaigns.models import Reason, Recipient
from cadence_app.campaigns.segments import Segment, Who
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from tests.api.conftest import make_api
from tests.campaigns.sending import add_campaign
from tests.consent.numbers import add_by_hand
from tests.contacts import importing
from tests.contacts.mending import UNSENDABLE, make_due, mexican, number_of, read_again, why_not
from tests.records.people import IN, OUT, opt, text_at
from tests.world import World, new_number


@pytest.fixture
def due(world: World) -> World:
    make_due(world)
    return world


def people(world: World) -> int:
    with world.session():
        return db.session.scalars(select(func.count()).select_from(Contact)).one()


def _text(world: World, new: str) -> None:
    world.text(new, "STOP")


def _bulk(world: World, new: str) -> None:
    records = [{"number": new, "team": "ADM", "status": OUT}]
    assert make_api(world).post("/consents/bulk", json={"records": records}).get_json()["changed"] == 1


def _file(world: World, new: str) -> None:
    importing.run(world, importing.csv_of(("", "", "", new, "ADM", "yes")))


def _added_by_api(world: World, new: str) -> None:
    answer = make_api(world).post("/contacts", json={"number": new, "team": "ADM"}).get_json()
    assert answer["existed"]
    make_api(world).set(answer["contact"]["id"], OUT)


@pytest.mark.parametrize("way", [_text, _bulk, _file, _added_by_api])
def test_an_opt_out_by_the_present_spelling_finds_who_is_stored_by_the_older_one(
    due: World, way: Callable[[World, str], None]
) -> None:
    old, new = mexican()
    contact_id = due.add_contact(old)
    opt(due, contact_id, IN)
    before = people(due)
    way(due, new)
    assert (due.status(contact_id), people(due)) == (OUT, before)


def test_start_before_the_numbers_are_read_again_opts_the_same_person_in(due: World) -> None:
    old, new = mexican()
    contact_id = due.add_contact(old)
    opt(due, contact_id, IN)
    due.text(new, "STOP")
    due.text(new, "START")
    assert due.status(contact_id) == IN
    read_again(due)
    assert (due.status(contact_id), number_of(due, contact_id)) == (IN, new)


def test_a_stop_before_the_numbers_are_read_again_stays_with_the_number(due: World) -> None:
    old, new = mexican()
    contact_id = due.add_contact(old)
    opt(due, contact_id, IN)
    due.text(new, "STOP")
    read_again(due)
    assert due.status(contact_id) == OUT
    text_at(due, contact_id, new_number())
    assert due.status(add_by_hand(due, new)) == OUT


def test_nothing_is_sent_to_an_older_spelling_before_it_is_read_again(due: World) -> None:
    """Another contact may have it in the present one, and have stopped."""
    old, new = mexican()
    contact_id, other = due.add_contact(old), due.add_contact(new)
    opt(due, contact_id, IN)
    opt(due, other, IN)
    due.text(new, "STOP")
    assert (due.status(contact_id), due.status(other)) == (IN, OUT)
    assert why_not(due, contact_id) == UNSENDABLE
    campaign_id = add_campaign(due, segment=Segment(Who.PICKED, contact_ids=(contact_id,)))
    with due.session():
        reason = select(Recipient.reason).where(
            Recipient.campaign_id == campaign_id, Recipient.contact_id == contact_id
        )
        assert db.session.scalars(reason).one() == Reason.NUMBER_UNSENDABLE
    read_again(due)
    assert (due.status(contact_id), due.status(other)) == (OUT, OUT)
