"""An import meets the records of people: further numbers, merged and erased ones, and closed teams."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from cadence_app.accounts.models import Team
from cadence_app.consent import blocks
from cadence_app.consent.by_user import consent_of, needs_reason
from cadence_app.consent.merge_and_number_change import NOT_CARRIED
from cadence_app.consent.models import BlockScope
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from tests.contacts.importing import (
    check,
    counts,
    csv_of,
    everything,
    problems,
    row,
    run,
    start,
    upload,
    work,
)
from tests.records.people import IN, OUT, add_number, current_numbers, erase, merge, opt, text_at
from tests.world import World, new_number


def _with_further_number(world: World, external_id: str = "") -> tuple[int, str, str]:
    """A contact, the number they are texted at and a further one."""
    number, further = new_number(), new_number()
    contact_id = world.add_contact(number, external_id=external_id)
    opt(world, contact_id, IN)
    add_number(world, contact_id, further)
    return contact_id, number, further


def test_a_further_number_finds_the_person_and_stays_a_further_one(world: World) -> None:
    contact_id, number, further = _with_further_number(world)
    content = csv_of(("Mia", "", "77", further, "ADM;AID", ""))
    assert counts(run(world, content)) == (0, 1, 0, 0)
    with world.session():
        contact = db.session.get_one(Contact, contact_id)
        assert (contact.first_name, contact.external_id, contact.number) == ("Mia", "77", number)
    assert [world.status(contact_id, each) for each in (world.team_id, world.other_team_id)] == [IN, IN]
    before = everything(world)
    assert counts(run(world, content)) == (0, 0, 1, 0)
    assert everything(world) == before


def test_a_row_with_a_further_number_opts_out_and_never_in_again(world: World) -> None:
    contact_id, number, further = _with_further_number(world, "7")
    run(world, csv_of(("", "", "", further, "ADM", "yes")))
    assert world.status(contact_id) == OUT
    change = world.history(contact_id)[-1]
    assert (change.source, change.number) == ("import", further)
    done = run(world, csv_of(("", "", "7", further, "ADM", "no")))
    assert (world.status(contact_id), done.opt_ins_held) == (OUT, 1)
    assert problems(world, done) == [
        "Line 2: Not opted in in ADM: they are texted at another number of theirs."
    ]
    run(world, csv_of(("", "", "7", number, "ADM", "no")))
    assert world.status(contact_id) == IN


def test_a_further_number_of_somebody_else_is_refused(world: World) -> None:
    contact_id, _, further = _with_further_number(world, "7")
    own = new_number()
    world.add_contact(own, external_id="8")
    rows = ("", "", "8", further, "ADM", ""), ("New", "", "9", further, "ADM", "")
    for refused in rows:
        done = run(world, csv_of(refused))
        assert counts(done) == (0, 0, 0, 1)
        assert problems(world, done) == [
            "Line 2: This is a further number of another contact, with the ContactId 7. Where both are one"
            " person, merge them; else end the number on their record."
        ]
    assert further in current_numbers(world, contact_id)
    assert world.contact_id(own)


def test_a_number_that_its_owner_only_stops_being_texted_at_is_not_free(world: World) -> None:
    contact_id, number, further = _with_further_number(world, "7")
    text_at(world, contact_id, further, "They said so.")
    import_id = upload(
        world,
        csv_of(("New", "", "8", number, "ADM", ""), ("Maya", "", "7", further, "ADM", "")),
    )
    foreseen = check(world, import_id)
    assert counts(foreseen) == (0, 0, 1, 1)
    assert current_numbers(world, contact_id) == {number, further}


def test_a_changed_number_ends_the_old_one_and_its_carrier_block_stays_with_it(world: World) -> None:
    old, new = new_number(), new_number()
    contact_id = world.add_contact(old, external_id="7")
    opt(world, contact_id, IN)
    with world.session():
        inbox_id = db.session.scalars(select(Inbox.id).where(Inbox.number == world.toll_free)).one()
        blocks.block(contact_id, BlockScope.CARRIER_NUMBER, inbox_id, old)
        db.session.commit()
    run(world, csv_of(("", "", "7", new, "ADM", "")))
    assert current_numbers(world, contact_id) == {new}
    change = world.history(contact_id)[-1]
    assert (change.status, change.reason, change.source, change.number) == (
        *(OUT, NOT_CARRIED),
        *("number_change", old),
    )
    with world.session():
        assert blocks.blocked(contact_id, BlockScope.CARRIER_NUMBER, inbox_id, old)
        assert not blocks.blocked(contact_id, BlockScope.CARRIER_NUMBER, inbox_id, new)


def test_who_was_merged_is_found_as_the_one_kept(world: World) -> None:
    one, other = new_number(), new_number()
    kept, gone = world.add_contact(one, external_id="K"), world.add_contact(other, external_id="G")
    opt(world, kept, IN)
    merge(world, kept, gone)
    # The ContactId of the one who is gone is nobody's, and the number is a further one of the one kept.
    done = run(world, csv_of(("", "", "G", other, "ADM", ""), ("Mia", "", "", one, "ADM", "")))
    assert counts(done) == (0, 1, 0, 1)
    assert "with the ContactId K" in problems(world, done)[0]
    with world.session():
        was = db.session.get_one(Contact, gone)
        assert (was.number, was.external_id, was.first_name) == (f"merged-{gone}", "", "Maya")
    assert world.status(gone) is None
    run(world, csv_of(("Una", "", "", other, "ADM", "")))
    with world.session():
        assert db.session.get_one(Contact, kept).first_name == "Una"


def test_an_erased_person_is_a_stranger_who_starts_opted_out(world: World) -> None:
    number, free = new_number(), new_number()
    erased = world.add_contact(number, external_id="7")
    opt(world, erased, IN)
    erase(world, erased)
    rows = [("Ann", "Lee", "7", number, "ADM", "no"), ("Bo", "", "8", free, "ADM", "no")]
    done = run(world, csv_of(*rows), stop_reason="They signed a form.")
    assert counts(done) == (2, 0, 0, 0)
    contact_id = world.contact_id(number)
    assert contact_id != erased
    assert (world.status(contact_id), world.status(world.contact_id(free))) == (OUT, IN)
    assert world.history(contact_id)[-1].reason == (
        "This number was of a person who was erased: Asked for, GDPR article 17."
    )
    assert problems(world, done) == [
        "Line 2: Not opted in in ADM: somebody had this number before and opted out; START lifts it."
    ]
    assert run(world, csv_of(*rows)).opt_ins_held == 1
    assert world.status(contact_id) == OUT
    with world.session():
        assert db.session.get_one(Contact, erased).first_name == ""
    world.text(number, "START")
    assert world.status(contact_id) == IN


@pytest.mark.parametrize("cell", ["", "no"])
@pytest.mark.parametrize("before", [IN, OUT])
def test_who_gets_the_number_of_an_erased_person_is_opted_out(world: World, before: str, cell: str) -> None:
    number = new_number()
    erase(world, world.add_contact(number))
    contact_id = world.add_contact(external_id="7")
    opt(world, contact_id, IN)
    if before == OUT:
        opt(world, contact_id, OUT)
    old = world.history(contact_id)[0].number
    run(world, csv_of(("", "", "7", number, "ADM", cell)))
    assert world.contact_id(number) == contact_id
    assert world.status(contact_id) == OUT
    if before == IN:
        change = world.history(contact_id)[-1]
        assert (change.source, change.number) == ("number_change", old)
        assert "of a person who was erased" in change.reason
        with world.session():
            assert needs_reason(consent_of(contact_id, world.team_id))
    assert run(world, csv_of(("", "", "7", number, "ADM;AID", "no"))).opt_ins_held == 2
    assert [world.status(contact_id, each) for each in (world.team_id, world.other_team_id)] == [OUT, OUT]


def test_a_row_that_names_a_closed_team_is_refused_also_where_it_closed_after_the_check(
    world: World,
) -> None:
    number = new_number()
    content = csv_of(("A", "", "", number, "ADM;AID", ""), ("B", "", "", new_number(), "ADM", ""))
    import_id = upload(world, content)
    assert counts(check(world, import_id)) == (2, 0, 0, 0)
    with world.session():
        db.session.get_one(Team, world.other_team_id).closed_at = func.now()
        db.session.commit()
    start(world, import_id)
    done = work(world, import_id)
    assert counts(done) == (1, 0, 0, 1)
    assert problems(world, done) == ["Line 2: Closed, so nobody can be put there: AID."]
    checked = check(world, upload(world, content))
    assert counts(checked) == (0, 0, 1, 1)
    page = world.sign_in("admin").get(f"/contacts/import/{upload(world, content)}/columns").text
    assert "Admissions (ADM)" in page
    assert "Aid (AID)" not in page
    assert row(world, import_id).state == "done"
