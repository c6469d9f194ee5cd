"""A number that goes to somebody else in the instant in which something is said of it."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import select

from cadence_app.accounts.models import User
from cadence_app.consent import by_user as consent
from cadence_app.consent.contact_rows import lock_contacts
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.carriers import unread
from cadence_app.messaging.carriers.models import UnreadPost
from tests.api.conftest import make_api
from tests.consent.numbers import unread_post
from tests.contacts import importing
from tests.records.people import IN, OUT, merge
from tests.world import World, new_number

STARTS_WAITING = 0.5


def known(world: World, number: str = "", **names: str) -> int:
    contact_id = world.add_contact(number or None, **names)
    with world.session():
        consent.set_by_user(db.session.get_one(User, world.admin_id), contact_id, world.team_id, IN)
        db.session.commit()
    return contact_id


def while_it_moves(world: World, number: str, holder: int, act: Callable[[], None]) -> int:
    """Starts an act by a number and gives that, before the act can go on, to somebody else; their id."""
    with world.session():
        lock_contacts([holder], for_new_numbers=True)
        other = threading.Thread(target=act)
        other.start()
        other.join(STARTS_WAITING)
        assert other.is_alive()
        db.session.get_one(Contact, holder).number = new_number()
        db.session.flush()
        new = Contact(tenant_id=world.tenant_id, number=number, first_name="", last_name="", external_id="")
        db.session.add(new)
        db.session.flush()
        consent.set_by_user(db.session.get_one(User, world.admin_id), new.id, world.team_id, IN)
        db.session.commit()
        new_id = new.id
    other.join(30)
    assert not other.is_alive()
    return new_id


def _in_bulk(world: World, number: str) -> None:
    records = [{"number": number, "team": "ADM", "status": OUT}]
    answer = make_api(world).post("/consents/bulk", json={"records": records}).get_json()
    assert answer["results"][0]["result"] == "changed", answer


def _by_a_file(world: World, number: str) -> None:
    importing.run(world, importing.csv_of(("", "", "", number, "ADM", "yes")))


def _by_a_text(world: World, number: str) -> None:
    world.text(number, "STOP")


def _by_an_admins_decision(world: World, number: str) -> None:
    post_id = unread_post(world, "please stop texting me")
    with world.session():
        admin, post = db.session.get_one(User, world.admin_id), db.session.get_one(UnreadPost, post_id)
        inbox = db.session.scalars(select(Inbox).where(Inbox.number == world.shared)).one()
        unread.opt_out(admin, post, number, inbox, "")


@pytest.mark.parametrize("way", [_in_bulk, _by_a_file, _by_a_text, _by_an_admins_decision])
def test_an_opt_out_by_a_number_is_of_who_has_it_once_they_are_held(
    world: World, way: Callable[[World, str], None]
) -> None:
    number = new_number()
    before = known(world, number)
    holder = while_it_moves(world, number, before, lambda: way(world, number))
    assert world.status(holder) == OUT
    assert all(row.number == number for row in world.history(holder))
    assert world.status(before) == IN


def test_who_is_merged_while_a_call_waits_is_opted_out_as_the_one_who_was_kept(world: World) -> None:
    number = new_number()
    gone, kept = known(world, number), known(world)
    records = [
        {"number": number, "team": "ADM", "status": OUT},
        {"contact_id": gone, "team": "AID", "status": OUT},
    ]
    api, answers = make_api(world), []

    def call() -> None:
        answers.append(api.post("/consents/bulk", json={"records": records}).get_json())

    with world.session():
        lock_contacts([gone], for_new_numbers=True)
        other = threading.Thread(target=call)
        other.start()
        other.join(STARTS_WAITING)
        assert other.is_alive()
        merging = threading.Thread(target=merge, args=(world, kept, gone))
        db.session.rollback()
    other.join(30)
    merging.start()
    merging.join(30)
    assert world.status(kept) == OUT
    assert [each["result"] for each in answers[0]["results"]] == ["changed", "changed"]
