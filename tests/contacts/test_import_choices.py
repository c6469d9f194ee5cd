"""What a person chooses for refused rows, and what is done of it."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from cadence_app.contacts.models import Contact, Tag
from cadence_app.extensions import db
from tests.contacts.importing import (
    check,
    counts,
    csv_of,
    everything,
    problems,
    run,
    start,
    upload,
    work,
)
from tests.records.people import IN, OUT, current_numbers, opt
from tests.world import World, new_number


def _family(number: str) -> bytes:
    header = ("FirstName", "ContactId", "MobileNumber", "Tags", "DepartmentCode")
    return csv_of(
        ("Pat", "P1", number, "", "ADM"),
        ("Kim", "P2", number, "Twin", "ADM;AID"),
        ("Lou", "P3", number, "", "ADM"),
        ("Pat", "P1", new_number(), "", "ADM"),
        ("X", "P9", "12", "", "ADM"),
        header=header,
    )


def test_refusals_are_grouped_by_kind_with_a_count_and_a_choice_for_all_or_one(world: World) -> None:
    number = new_number()
    content = _family(number)
    further = content.decode().splitlines()[4].split(",")[2]
    import_id = upload(world, content)
    checked = check(world, import_id)
    assert checked.refusals == {"same_number": 2, "same_id": 1, "bad_number": 1}
    browser = world.sign_in("admin")
    page = browser.get(f"/contacts/import/{import_id}").text
    assert "A mobile number that is in the file twice" in page
    assert "Add as a further number" in page
    path = f"/contacts/import/{import_id}/refused"
    for kind, choice, line in (
        ("same_number", "update", ""),
        ("same_number", "", "4"),
        ("same_id", "further", ""),
    ):
        assert browser.post(path, {"kind": kind, "choice": choice, "line": line}).status_code == 302
    page = browser.get(f"/contacts/import/{import_id}?kind=same_number").text
    assert "Update that person: 1 of 2" in page
    assert page.count('<option value="update" selected>') == 1
    start(world, import_id)
    done = work(world, import_id)
    assert (counts(done), done.refusals) == ((1, 2, 0, 2), {"same_number": 1, "bad_number": 1})
    contact_id = world.contact_id(number)
    assert current_numbers(world, contact_id) == {number, further}
    with world.session():
        contact = db.session.get_one(Contact, contact_id)
        assert (contact.first_name, contact.external_id, contact.number) == ("Kim", "P1", number)
        assert db.session.scalars(select(Tag.name)).all() == ["Twin"]
    # Kim's row names a team that Pat was not in.
    assert [(c.team_id, c.status) for c in world.history(contact_id)] == [(world.team_id, IN)]
    assert len(problems(world, done)) == 2


def test_a_choice_can_be_made_in_the_result_and_is_done_at_once(world: World) -> None:
    number = new_number()
    done = run(world, _family(number))
    contact_id = world.contact_id(number)
    before = world.history(contact_id)
    browser = world.sign_in("admin")
    page = browser.get(f"/contacts/import/{done.id}").text
    assert "A ContactId that is in the file twice" in page
    path = f"/contacts/import/{done.id}/refused"
    browser.post(path, {"kind": "same_number", "choice": "update", "line": "4"})
    again = work(world, done.id)
    assert (again.state, counts(again)) == ("done", (1, 1, 0, 3))
    with world.session():
        assert db.session.get_one(Contact, contact_id).first_name == "Lou"
    assert len(world.history(contact_id)) == len(before)
    assert len(problems(world, again)) == 3


@pytest.mark.parametrize(
    "form",
    [
        {"kind": "bad_number", "choice": "further"},
        {"kind": "same_number", "choice": "further"},
        {"kind": "nothing", "choice": "update"},
        {"kind": "same_number", "choice": "opt_in"},
        {"kind": "same_number", "choice": "update", "line": "99999999999999999999"},
        {"kind": "same_number", "choice": "update", "line": "-1"},
        {},
    ],
)
def test_what_a_kind_does_not_allow_is_not_kept(world: World, form: dict[str, str]) -> None:
    import_id = upload(world, _family(new_number()))
    check(world, import_id)
    before = everything(world)
    browser = world.sign_in("admin")
    assert browser.post(f"/contacts/import/{import_id}/refused", form).status_code == 302
    assert "This cannot be chosen for these rows." in browser.get("/contacts/").text
    start(world, import_id)
    assert counts(work(world, import_id)) == (1, 0, 0, 4)
    assert before != everything(world)


def test_a_choice_opts_nobody_in_or_out_and_gives_nobody_a_number_that_somebody_has(world: World) -> None:
    one, two = new_number(), new_number()
    first, second = world.add_contact(one, external_id="1"), world.add_contact(two, external_id="2")
    opt(world, first, OUT)
    import_id = upload(
        world,
        csv_of(("Uno", "", "1", two, "ADM;AID", "no"), ("", "", "1", two, "ADM", "no")),
    )
    check(world, import_id)
    browser = world.sign_in("admin")
    for kind, choice in (("number_taken", "update"), ("same_id", "further")):
        browser.post(f"/contacts/import/{import_id}/refused", {"kind": kind, "choice": choice})
    start(world, import_id)
    done = work(world, import_id)
    assert counts(done) == (0, 1, 0, 1)
    assert [world.status(each) for each in (first, second)] == [OUT, None]
    assert world.status(first, world.other_team_id) is None
    assert (current_numbers(world, first), current_numbers(world, second)) == ({one}, {two})
    with world.session():
        assert db.session.get_one(Contact, first).first_name == "Uno"
