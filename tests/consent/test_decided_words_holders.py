"""Who has the number by the time somebody decides that words from it were an opt out."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from cadence_app.accounts.models import User
from cadence_app.consent import by_user as consent
from cadence_app.consent import number_stops
from cadence_app.consent.contact_rows import lock_contacts
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.models import MessageKind
from cadence_app.messaging.sending import refusal
from tests.api.conftest import make_api
from tests.consent.numbers import AGREED, ASKED, add_by_hand, decide, flagged, opt_in
from tests.records.people import IN, OUT, opt, text_at
from tests.world import World, new_number


def why_not(world: World, contact_id: int) -> str | None:
    """Why a campaign may not text somebody."""
    with world.session():
        inbox = db.session.scalars(select(Inbox).where(Inbox.number == world.shared)).one()
        return refusal(inbox, contact_id, MessageKind.PERSON, by_hand=False)


def test_who_has_the_number_by_the_time_of_the_decision_is_barred_and_held_for_a_person(world: World) -> None:
    contact_id, number = flagged(world)
    text_at(world, contact_id, new_number())
    holder = add_by_hand(world, number)
    assert (world.status(holder), why_not(world, holder)) == (IN, None)
    decide(world, contact_id)
    assert why_not(world, holder)
    assert ASKED in world.sign_in("agent").get("/messages/possible-opt-outs/").text
    decide(world, holder)
    with pytest.raises(consent.ReasonRequired):
        opt_in(world, holder)
    opt_in(world, holder, AGREED)
    assert world.status(holder) == IN


def test_who_has_it_and_texted_start_since_the_words_is_not_held(world: World) -> None:
    contact_id, number = flagged(world)
    text_at(world, contact_id, new_number())
    holder = add_by_hand(world, number)
    opt(world, holder, OUT)
    world.text(number, "START")
    decide(world, contact_id)
    assert (world.status(holder), why_not(world, holder)) == (IN, None)


def test_a_system_that_decides_holds_who_has_the_number_by_now_in_the_order_of_all(world: World) -> None:
    holder = world.contact_id_of(world.text(new_number(), "hi").conversation_id)
    contact_id, number = flagged(world)
    text_at(world, contact_id, new_number())
    text_at(world, holder, number)
    held, asked = threading.Event(), threading.Event()

    def hold_both() -> None:
        with world.session():
            lock_contacts([holder])
            held.set()
            # A moment, in which it comes to wait for the holder.
            asked.wait(0.3)
            lock_contacts([contact_id])
            db.session.commit()

    with ThreadPoolExecutor(1) as other:
        done = other.submit(hold_both)
        assert held.wait(5)
        assert make_api(world).set(contact_id, OUT).status_code == 200
        asked.set()
        done.result()
    assert why_not(world, holder)


@pytest.mark.parametrize("decided_first", [False, True])
def test_who_gets_the_number_in_the_instant_of_the_decision_is_barred(
    world: World, decided_first: bool
) -> None:
    contact_id, number = flagged(world)
    text_at(world, contact_id, new_number())

    def gets_it() -> int:
        contact = Contact(
            tenant_id=world.tenant_id, number=number, first_name="", last_name="", external_id=""
        )
        db.session.add(contact)
        db.session.flush()
        return contact.id

    def decides() -> None:
        consent.set_by_user(db.session.get_one(User, world.agent_id), contact_id, world.team_id, OUT)

    first, second = (decides, gets_it) if decided_first else (gets_it, decides)

    def meanwhile() -> None:
        with world.session():
            second()
            db.session.commit()

    other = threading.Thread(target=meanwhile)
    with world.session():
        first()
        # What the first has written nobody sees yet.
        other.start()
        other.join(0.3)
        db.session.commit()
    other.join()
    holder_id = world.contact_id(number)
    with world.session():
        assert (number_stops.reason(holder_id, world.team_id) or "").startswith(ASKED)
    world.text(number, "hello")
    assert world.status(holder_id) == OUT
