"""A stop to a personal inbox bars every personal inbox from the number, whoever has it."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from cadence_app.consent import number_stops
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.models import MessageKind
from cadence_app.messaging.sending import refusal
from tests.consent.numbers import AGREED, add_by_hand, opt_in, stopped_and_left
from tests.contacts import importing
from tests.records.people import IN, add_number, text_at
from tests.world import World, new_number


def test_a_stop_to_a_personal_inbox_bars_personal_inboxes_for_the_next_holder_too(world: World) -> None:
    number = stopped_and_left(world, inbox=world.personal)
    contact_id = add_by_hand(world, number, world.other_team_id)
    assert world.status(contact_id, world.other_team_id) == IN

    def why_not(inbox: str) -> str | None:
        with world.session():
            found = db.session.scalars(select(Inbox).where(Inbox.number == inbox)).one()
            return refusal(found, contact_id, MessageKind.PERSON)

    assert "personal inbox" in (why_not(world.other_personal) or "")
    assert why_not(world.other_shared) is None
    browser = world.sign_in("admin")
    assert "An earlier holder of this number" in browser.get(f"/contacts/{contact_id}").text
    assert browser.post(f"/contacts/{contact_id}/personal-inboxes", {"reason": " "}).status_code == 422
    allowed = browser.post(f"/contacts/{contact_id}/personal-inboxes", {"reason": AGREED})
    assert (allowed.status_code, why_not(world.other_personal)) == (302, None)
    assert browser.post(f"/contacts/{contact_id}/personal-inboxes", {"reason": AGREED}).status_code == 404


def test_a_reason_lets_personal_inboxes_text_the_number_it_was_written_for_and_no_other(
    world: World,
) -> None:
    first, second = (stopped_and_left(world, inbox=world.personal) for _ in range(2))
    contact_id = add_by_hand(world, first)
    add_number(world, contact_id, second)

    def barred() -> set[str]:
        with world.session():
            return {number for scope, number, _ in number_stops.barred(contact_id) if scope == "personal"}

    assert barred() == {first, second}
    opt_in(world, contact_id, AGREED)
    assert barred() == {second}
    text_at(world, contact_id, second)
    browser, path = world.sign_in("admin"), f"/contacts/{contact_id}/personal-inboxes"
    refused = browser.post(path, {"reason": " ", "number": second}, token_from=f"/contacts/{contact_id}")
    assert "Write how this person agreed" in refused.text
    assert browser.post(path, {"reason": AGREED, "number": first}).status_code == 404
    assert barred() == {second}
    assert browser.post(path, {"reason": AGREED, "number": second}).status_code == 302
    assert barred() == set()


@pytest.mark.parametrize("way", ["by hand", "a file"])
def test_a_reason_for_one_of_two_barred_numbers_leaves_the_other_barred(world: World, way: str) -> None:
    first, second = (stopped_and_left(world, inbox=world.personal) for _ in range(2))
    contact_id = add_by_hand(world, new_number())
    add_number(world, contact_id, first)
    add_number(world, contact_id, second)
    text_at(world, contact_id, first)
    if way == "by hand":
        opt_in(world, contact_id, AGREED)
    else:
        import_id = importing.upload(world, importing.csv_of(("", "", "", first, "ADM", "no")))
        importing.check(world, import_id)
        answer = {"agreed": "2", "agreed_reason": AGREED}
        world.sign_in("admin").post(f"/contacts/import/{import_id}/start", answer)
        importing.work(world, import_id)
    assert world.status(contact_id) == IN
    with world.session():
        left = {(scope, number) for scope, number, _ in number_stops.barred(contact_id)}
    assert left == {("team", second), ("personal", second)}


def test_start_to_a_personal_inbox_lets_personal_inboxes_text_the_next_holder(world: World) -> None:
    number = stopped_and_left(world, inbox=world.personal)
    contact_id = add_by_hand(world, number, world.other_team_id)

    def why_not(inbox: str) -> str | None:
        with world.session():
            found = db.session.scalars(select(Inbox).where(Inbox.number == inbox)).one()
            return refusal(found, contact_id, MessageKind.PERSON)

    assert "personal inbox" in (why_not(world.other_personal) or "")
    world.text(number, "START", world.other_personal)
    assert why_not(world.other_personal) is None
