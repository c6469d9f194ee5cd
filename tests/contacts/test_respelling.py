"""Mexico's two spellings of one phone: the older one becomes the present one, whoever has either."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, text, update

from cadence_app.accounts.models import User
from cadence_app.consent import blocks, possible
from cadence_app.consent.models import BlockScope, Source
from cadence_app.contacts.models import ContactNumber, NumberToMend
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.records import erasing, merging
from tests.contacts.mending import UNSENDABLE, listed, mexican, number_of, read_again, why_not
from tests.records.people import IN, OUT, add_number, current_numbers, opt, text_at
from tests.world import World, new_number


def test_an_older_spelling_becomes_the_present_one_and_consent_stays(world: World) -> None:
    old, new = mexican()
    contact_id = world.add_contact(old)
    opt(world, contact_id, IN)
    with world.session():
        inbox_id = db.session.scalars(select(Inbox.id).where(Inbox.number == world.other_shared)).one()
        blocks.block(contact_id, BlockScope.CARRIER_NUMBER, inbox_id, old)
        db.session.commit()
    read_again(world)
    assert number_of(world, contact_id) == new
    assert current_numbers(world, contact_id) == {new}
    assert listed(world) == {}
    assert why_not(world, contact_id) is None
    assert [row.number for row in world.history(contact_id)] == [old]
    with world.session():
        assert [block.number for block in blocks.blocks_of(contact_id)] == [new]
    world.text(new, "STOP")
    assert world.status(contact_id, world.team_id) == OUT


def test_an_inbox_in_the_older_spelling_is_found_by_a_text_to_it(world: World) -> None:
    old, new = mexican()
    with world.session():
        db.session.execute(update(Inbox).where(Inbox.number == world.other_shared).values(number=old))
        db.session.commit()
    read_again(world)
    number = new_number()
    world.text(number, "STOP", new)
    assert world.status(world.contact_id(number), world.other_team_id) == OUT


@pytest.mark.parametrize("old_is_texted", [True, False])
def test_both_spellings_with_one_contact_become_one_number(world: World, old_is_texted: bool) -> None:
    old, new = mexican()
    contact_id = world.add_contact(old if old_is_texted else new)
    with world.session():
        # As from before the two were known to be one: adding it now would find it taken.
        other = new if old_is_texted else old
        db.session.add(ContactNumber(tenant_id=world.tenant_id, contact_id=contact_id, number=other))
        db.session.commit()
    read_again(world)
    assert number_of(world, contact_id) == new
    assert current_numbers(world, contact_id) == {new}


def test_a_further_number_is_respelled_too(world: World) -> None:
    old, new = mexican()
    contact_id, texted = world.add_contact(), new_number()
    text_at(world, contact_id, texted)
    add_number(world, contact_id, old)
    read_again(world)
    assert (number_of(world, contact_id), current_numbers(world, contact_id)) == (texted, {texted, new})


@pytest.mark.parametrize("old_one", [IN, OUT])
def test_two_contacts_of_one_phone_get_the_stricter_status_at_once(world: World, old_one: str) -> None:
    old, new = mexican()
    first, second = world.add_contact(old), world.add_contact(new, first_name="Ana")
    opt(world, first, IN)
    opt(world, second, IN)
    opt(world, first if old_one == OUT else second, OUT)
    opt(world, first, IN, world.other_team_id)
    read_again(world)
    assert world.status(first, world.team_id) == world.status(second, world.team_id) == OUT
    assert world.status(first, world.other_team_id) == IN
    assert world.status(second, world.other_team_id) is None
    row = world.history(second if old_one == OUT else first, world.team_id)[-1]
    assert (row.status, row.source, row.user_name) == (OUT, Source.MERGE, "Cadence, by itself")
    assert (old if old_one == OUT else new) in row.reason
    assert listed(world) == {first: old}
    assert why_not(world, first, world.other_shared) == UNSENDABLE


def test_what_the_older_spelling_said_holds_for_the_present_one(world: World) -> None:
    old, new = mexican()
    world.text(old, "STOPALL", world.personal)
    world.text(old, "please take me off this", world.other_shared)
    first, second = world.contact_id(old), world.add_contact(new)
    opt(world, second, IN, world.other_team_id)
    read_again(world)
    assert world.status(second, world.team_id) == OUT
    assert world.status(second, world.other_team_id) == OUT
    with world.session():
        scopes = {block.scope for block in blocks.blocks_of(second)}
        assert {BlockScope.PERSONAL, BlockScope.ORGANISATION} <= scopes
        stopped = db.session.scalar(
            text("SELECT stopped_at FROM consents WHERE contact_id = :id AND team_id = :team"),
            {"id": second, "team": world.team_id},
        )
        assert stopped is not None
    assert first != second


def test_words_that_nobody_has_decided_about_hold_both(world: World) -> None:
    old, new = mexican()
    world.text(old, "please take me off this")
    second = world.add_contact(new)
    opt(world, second, IN)
    read_again(world)
    with world.session():
        assert possible.open_flag(second, world.team_id)
    assert why_not(world, second, by_hand=False)


@pytest.mark.parametrize("texted", ["old", "new"])
def test_the_list_offers_the_merge_which_leaves_one_number(world: World, texted: str) -> None:
    old, new = mexican()
    first, second = world.add_contact(old), world.add_contact(new)
    for contact_id in (first, second):
        opt(world, contact_id, IN)
    read_again(world)
    page = world.sign_in("admin").get("/contacts/to-mend").text
    assert f"/contacts/{second}/merge/{first}?kept={second}" in page
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        merging.merge(admin, second, first, first if texted == "old" else second)
    assert number_of(world, second) == new
    assert current_numbers(world, second) == {new}
    assert listed(world) == {}
    assert why_not(world, second) is None


def test_a_merge_takes_the_bar_of_a_number_along(world: World) -> None:
    first, second = world.add_contact("+15550145"), world.add_contact()
    for contact_id in (first, second):
        opt(world, contact_id, IN)
    read_again(world)
    with world.session():
        merging.merge(db.session.get_one(User, world.admin_id), second, first, first)
    assert listed(world) == {second: "+15550145"}
    assert why_not(world, second) == UNSENDABLE


def test_an_erased_person_leaves_the_list(world: World) -> None:
    contact_id = world.add_contact("+15550145")
    opt(world, contact_id, IN)
    read_again(world)
    with world.session():
        erasing.erase(db.session.get_one(User, world.admin_id), contact_id, "Asked for it.")
        assert db.session.scalar(select(func.count()).select_from(NumberToMend)) == 0


def test_an_erased_older_spelling_bars_the_present_one_until_that_phone_texts_start(world: World) -> None:
    old, new = mexican()
    contact_id = world.add_contact(old)
    opt(world, contact_id, IN)
    with world.session():
        erasing.erase(db.session.get_one(User, world.admin_id), contact_id, "Asked for it.")
    world.text(new, "Who is this?")
    again = world.contact_id(new)
    assert world.status(again, world.team_id) == OUT
    world.text(new, "START")
    assert world.status(again, world.team_id) == IN
    with world.session():
        assert not blocks.stopped_everywhere([again])


def test_a_respelled_number_of_an_erased_person_opts_out(world: World) -> None:
    old, new = mexican()
    erased = world.add_contact(new)
    opt(world, erased, IN)
    with world.session():
        erasing.erase(db.session.get_one(User, world.admin_id), erased, "Asked for it.")
    contact_id = world.add_contact(old)
    opt(world, contact_id, IN)
    read_again(world)
    assert (number_of(world, contact_id), world.status(contact_id, world.team_id)) == (new, OUT)
