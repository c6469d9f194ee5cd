"""Opt outs of a file count first, whatever row says them."""

from __future__ import annotations

import itertools

import pytest
from sqlalchemy import func, select

from cadence_app.accounts.models import User
from cadence_app.consent.models import Consent
from cadence_app.contacts.imports import running, service
from cadence_app.contacts.imports.models import Import, ImportOptOut
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from tests.contacts.importing import (
    check,
    counts,
    csv_of,
    everything,
    problems,
    row,
    run,
    start,
    statuses,
    upload,
    work,
)
from tests.records.people import IN, OUT, add_number, opt
from tests.world import World, new_number


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("same", ["number", "ContactId"])
def test_of_two_rows_that_disagree_the_opt_out_counts(
    world: World, order: tuple[int, int], same: str
) -> None:
    one, two = new_number(), new_number()
    rows = [("Pat", "Parent", "P1", one, "ADM", "no"), ("Chris", "Child", "P2", one, "ADM", "yes")]
    if same == "ContactId":
        rows[1] = ("Pat", "Parent", "P1", two, "ADM", "yes")
    done = run(world, csv_of(*(rows[n] for n in order)))
    assert counts(done) == (1, 0, 0, 1)
    with world.session():
        (contact_id,) = db.session.scalars(select(Contact.id).where(Contact.external_id != ""))
    assert world.status(contact_id) == OUT
    (change,) = world.history(contact_id, world.team_id)
    assert (change.source, change.words) == ("import", "")
    with world.session():
        assert db.session.scalars(select(Consent.stopped_at)).all() == [None]


def test_an_opt_out_further_down_than_a_batch_counts_before_the_opt_in(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(world.app.config, "IMPORT_BATCH", 2)
    number = new_number()
    others = [("", "", "", new_number(), "ADM", "no") for _ in range(5)]
    content = csv_of(
        ("A", "", "1", number, "ADM;AID", "no"), *others, ("B", "", "2", number, "ADM;AID", "yes")
    )
    import_id = upload(world, content)
    checked = check(world, import_id)
    start(world, import_id)
    done = work(world, import_id)
    assert counts(checked) == counts(done) == (6, 0, 0, 1)
    assert checked.statuses_changed == done.statuses_changed == 7
    assert (done.opt_ins_held, done.opt_ins_outvoted, done.refused_opt_outs) == (2, 2, 1)
    assert statuses(world, number) == (OUT, OUT)
    assert [each.status for each in world.history(world.contact_id(number))] == [OUT, OUT]
    assert problems(world, done) == [
        "Line 2: Not opted in in ADM, AID: another row of this file opts them out.",
        "Line 8: MobileNumber: The same mobile number is on line 2. It says opt out, and that counts."
        " (Opt out 1 of 1 in refused rows.)",
    ]


def test_a_row_that_is_refused_for_something_else_still_opts_out_whom_it_names(world: World) -> None:
    numbers = [new_number() for _ in range(4)]
    ids = [world.add_contact(number, external_id=f"R{n}") for n, number in enumerate(numbers)]
    for each in ids:
        opt(world, each, IN)
        opt(world, each, IN, world.other_team_id)
    done = run(
        world,
        csv_of(
            # A number that is none, a code that nobody has, a cell that is too long, and two people at once.
            ("", "", "R0", "12", "ADM", "yes"),
            ("", "", "", numbers[1], "ADM;NOPE", "yes"),
            ("x" * 300, "", "R2", "", "ADM", "yes"),
            ("", "", "R2", numbers[3], "AID", "yes"),
        ),
    )
    assert (done.rows_refused, done.refused_opt_outs) == (4, 4)
    assert [statuses(world, number) for number in numbers] == [
        (OUT, IN),
        (OUT, IN),
        (OUT, OUT),
        (IN, OUT),
    ]
    assert all("It says opt out, and that counts." in each for each in problems(world, done))
    # They may be opted in again without a word: it was not their own.
    run(world, csv_of(("", "", "R0", "", "ADM", "no")))
    assert world.status(ids[0]) == IN


def test_without_a_readable_team_it_is_listed_and_with_a_default_team_it_is_for_that(world: World) -> None:
    number, other = new_number(), new_number()
    contact_id = world.add_contact(number, external_id="1")
    opt(world, contact_id, IN)
    content = csv_of(
        ("", "", "1", "", "NOPE", "yes"), ("", "", "nobody", "", "ADM", "yes"), ("", "", "", other, "", "")
    )
    done = run(world, content)
    assert (world.status(contact_id), done.refused_opt_outs) == (IN, 2)
    assert "It says opt out, but not of what: not applied." in problems(world, done)[0]
    assert "it names nobody who is here and no number: not applied" in problems(world, done)[1]
    page = world.sign_in("admin").get(f"/contacts/import/{done.id}?kind=opt_outs").text
    assert "2 refused rows say opt out" in page
    assert "2 cannot be applied" in page
    assert "but not of what" in page
    run(world, content, [world.team_id])
    assert world.status(contact_id) == OUT


def test_a_number_that_nobody_has_is_kept_opted_out_although_its_row_is_refused(world: World) -> None:
    number = new_number()
    content = csv_of(("x" * 300, "", "7", number, "ADM", "yes"))
    import_id = upload(world, content)
    checked = check(world, import_id)
    with world.session():
        assert db.session.scalar(select(func.count()).select_from(Contact)) == 0
    start(world, import_id)
    done = work(world, import_id)
    assert (checked.statuses_changed, done.statuses_changed, done.rows_refused) == (1, 1, 1)
    assert statuses(world, number) == (OUT, None)
    before = everything(world)
    run(world, content)
    assert everything(world) == before


def test_hidden_rows_and_rows_with_too_many_cells_opt_out_too(world: World) -> None:
    number = new_number()
    content = f"Mobile,Team,OptedOut\n{number},ADM,yes,one,more\n".encode()
    contact_id = world.add_contact(number)
    opt(world, contact_id, IN)
    run(world, content)
    assert world.status(contact_id) == OUT


def test_nobody_is_opted_out_before_the_start_and_who_is_merged_meanwhile_is_found(world: World) -> None:
    number = new_number()
    contact_id = world.add_contact(number, external_id="1")
    opt(world, contact_id, IN)
    rows = ("", "", "1", "12", "ADM", "yes"), ("", "", "", new_number(), "ADM", "")
    import_id = upload(world, csv_of(*rows))
    before = everything(world)
    check(world, import_id)
    assert everything(world) == before
    with world.session():
        admin, imported = db.session.get_one(User, world.admin_id), db.session.get_one(Import, import_id)
        for typed in (None, 0, 2):
            assert not service.start(admin, imported, False, "", typed)
    assert world.status(contact_id) == IN
    start(world, import_id)
    work(world, import_id)
    assert world.status(contact_id) == OUT


def test_many_opt_outs_in_refused_rows_take_their_number_typed(world: World) -> None:
    numbers = [new_number() for _ in range(21)]
    few = csv_of(*(("", "", "", each, "ADM", "") for each in numbers), ("", "", "nobody", "", "ADM", "yes"))
    imported = check(world, upload(world, few))
    assert (imported.refused_opt_outs, imported.types_opt_outs) == (1, False)
    many = few + b",,nothing,,ADM,yes\n"
    import_id = upload(world, many)
    assert check(world, import_id).types_opt_outs
    browser = world.sign_in("admin")
    path = f"/contacts/import/{import_id}"
    assert "How many refused rows say opt out" in browser.get(path).text
    for typed in ({}, {"opt_outs": "1"}, {"opt_outs": "two"}):
        answer = browser.post(f"{path}/start", typed)
        assert answer.status_code == 422
        assert "Type 2 to confirm it." in answer.text or "Not a valid integer" in answer.text
    assert row(world, import_id).state == "ready"
    assert browser.post(f"{path}/start", {"opt_outs": "2"}).status_code == 302
    assert work(world, import_id).state == "done"
    assert Import(refused_opt_outs=501, rows_total=1_000_000).types_opt_outs
    assert not Import(refused_opt_outs=500, rows_total=1_000_000).types_opt_outs


def test_a_worker_that_dies_before_the_rows_has_not_lost_an_opt_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(world.app.config, "IMPORT_BATCH", 1)
    numbers = [new_number() for _ in range(3)]
    for number in numbers:
        opt(world, world.add_contact(number), IN)
    import_id = upload(world, csv_of(*(("", "", "", number, "ADM", "yes") for number in numbers)))
    check(world, import_id)
    start(world, import_id)
    told = itertools.count()
    real = running._told

    def dies(imported: Import) -> None:
        real(imported)
        if next(told) == 1:
            raise RuntimeError("cut off")

    monkeypatch.setattr(running, "_told", dies)
    assert work(world, import_id).state == "importing"
    assert [statuses(world, number)[0] for number in numbers] == [OUT, OUT, IN]
    done = work(world, import_id)
    assert (done.state, counts(done), done.statuses_changed) == ("done", (0, 3, 0, 0), 3)
    with world.session():
        assert db.session.scalars(select(ImportOptOut)).all() == []


def test_two_rows_by_two_numbers_of_one_person_are_one_word(world: World) -> None:
    number, further = new_number(), new_number()
    contact_id = world.add_contact(number)
    opt(world, contact_id, IN)
    add_number(world, contact_id, further)
    run(world, csv_of(("", "", "", number, "ADM;AID", "no"), ("", "", "", further, "AID", "yes")))
    assert statuses(world, number) == (IN, OUT)
    run(world, csv_of(("", "", "", number, "ADM", ""), ("", "", "", further, "ADM", "")))
    assert statuses(world, number) == (IN, OUT)
