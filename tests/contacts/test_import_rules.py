"""What an import does to people and their consent."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from cadence_app.accounts.models import User
from cadence_app.consent import blocks, possible
from cadence_app.consent import by_user as consent
from cadence_app.consent.merge_and_number_change import NOT_CARRIED
from cadence_app.consent.models import Status
from cadence_app.contacts.models import Contact, ContactTag, CustomField, Tag
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
    upload,
    work,
)
from tests.world import World, new_number

OUT, IN = Status.OPTED_OUT, Status.OPTED_IN


def _contact(world: World, contact_id: int) -> Contact:
    with world.session():
        contact = db.session.get_one(Contact, contact_id)
        db.session.expunge_all()
        return contact


def test_new_people_join_their_teams_opted_in_unless_the_file_says_otherwise(world: World) -> None:
    numbers = [new_number() for _ in range(4)]
    done = run(
        world,
        csv_of(
            ("Maya", "Chen", "001", numbers[0], "ADM", "no"),
            ("Omar", "Diaz", "002", numbers[1], "ADM;AID", "YES"),
            ("Ann", "Lee", "003", numbers[2], "aid, ADM", ""),
            ("Bo", "Ng", "004", numbers[3], "XYZ", ""),
        ),
    )
    assert counts(done) == (3, 0, 0, 1)
    assert done.statuses_changed == 5
    (refused,) = problems(world, done)
    assert refused == "Line 5: DepartmentCode: There is no team with the code XYZ."
    ids = [world.contact_id(number) for number in numbers[:3]]
    assert [world.status(each) for each in ids] == [IN, OUT, IN]
    assert [world.status(each, world.other_team_id) for each in ids] == [None, OUT, IN]
    (change,) = world.history(ids[0])
    assert (change.source, change.user_name, change.first_name, change.team_code, change.external_id) == (
        "import",
        "Admin Person",
        "Maya",
        "ADM",
        "001",
    )


def test_the_values_of_opted_out(world: World) -> None:
    cells = [(c, OUT) for c in ("yes", "TRUE", "Y", "1")] + [(c, IN) for c in ("No", "false", "n", "0")]
    people = [(new_number(), cell, status) for cell, status in cells]
    run(world, csv_of(*(("A", "B", "", number, "ADM", cell) for number, cell, _ in people)))
    for number, cell, status in people:
        assert world.status(world.contact_id(number)) == status, cell


@pytest.mark.parametrize("column", [True, False], ids=["blank cell", "no column"])
def test_a_blank_cell_or_no_column_keeps_the_status(world: World, column: bool) -> None:
    people = [(new_number(), IN, "no"), (new_number(), OUT, "yes")]
    run(world, csv_of(*(("A", "B", "", number, "ADM", cell) for number, _, cell in people)))
    header = ("MobileNumber", "DepartmentCode", "OptedOut")[: 3 if column else 2]
    done = run(world, csv_of(*((number, "ADM", "")[: len(header)] for number, _, _ in people), header=header))
    assert counts(done) == (0, 0, 2, 0)
    assert [world.status(world.contact_id(number)) for number, _, _ in people] == [IN, OUT]


def test_people_are_known_by_contact_id_first_and_then_by_number(world: World) -> None:
    first, second = new_number(), new_number()
    known = world.add_contact(first, external_id="7")
    unknown = world.add_contact(second, first_name="", last_name="")
    done = run(
        world,
        csv_of(
            ("Mia", "", "7", "", "ADM", ""),
            ("Una", "Known", "8", second, "ADM", ""),
        ),
    )
    assert counts(done) == (0, 2, 0, 0)
    mia, una = _contact(world, known), _contact(world, unknown)
    assert (mia.first_name, mia.last_name, mia.number) == ("Mia", "Chen", first)
    assert (una.first_name, una.external_id) == ("Una", "8")


def test_an_import_never_opts_in_who_stopped_by_their_own_text(world: World) -> None:
    number = new_number()
    world.text(number, "hi")
    world.text(number, "STOP")
    contact_id = world.contact_id(number)
    content = csv_of(("Ned", "Old", "", number, "ADM", "no"))
    done = run(world, content)
    assert world.status(contact_id) == OUT
    assert (done.opt_ins_held, done.statuses_changed, done.rows_updated) == (1, 0, 1)
    (said,) = problems(world, done)
    assert "Not opted in in ADM: they stopped by their own text." in said
    done = run(world, content, stop_reason="They signed the form of 2026.")
    assert world.status(contact_id) == IN
    change = world.history(contact_id)[-1]
    assert (change.source, change.reason) == ("import", "They signed the form of 2026.")
    assert (done.opt_ins_held, done.statuses_changed) == (0, 1)


def test_who_was_opted_out_by_hand_is_opted_in_without_a_reason(world: World) -> None:
    number = new_number()
    world.text(number, "hi")
    contact_id = world.contact_id(number)
    with world.session():
        consent.set_by_user(db.session.get_one(User, world.agent_id), contact_id, world.team_id, OUT)
        db.session.commit()
    run(world, csv_of(("", "", "", number, "ADM", "0")))
    assert world.status(contact_id) == IN
    assert world.history(contact_id)[-1].reason == ""


def test_a_stop_after_the_start_wins_even_over_a_written_reason(world: World) -> None:
    number, other = new_number(), new_number()
    for each in (number, other):
        world.text(each, "hi")
        world.text(each, "STOP")
    import_id = upload(world, csv_of(*(("", "", "", each, "ADM", "no") for each in (number, other))))
    check(world, import_id)
    start(world, import_id, "They signed a form.")
    world.text(number, "please STOP texting me")
    world.text(number, "STOP")
    done = work(world, import_id)
    assert (world.status(world.contact_id(number)), world.status(world.contact_id(other))) == (OUT, IN)
    assert done.opt_ins_held == 1


def test_a_status_set_by_hand_after_the_start_is_kept(world: World) -> None:
    number = new_number()
    world.text(number, "hi")
    contact_id = world.contact_id(number)
    import_id = upload(
        world,
        csv_of(("", "", "", number, "ADM", "no"), ("N", "", "", new_number(), "ADM", "no")),
    )
    check(world, import_id)
    start(world, import_id)
    with world.session():
        consent.set_by_user(db.session.get_one(User, world.agent_id), contact_id, world.team_id, OUT)
        db.session.commit()
    done = work(world, import_id)
    assert world.status(contact_id) == OUT
    assert "opted out after this import was started" in problems(world, done)[0]


@pytest.mark.parametrize("cell", ["", "no"])
def test_who_stopped_every_team_joins_another_opted_out_and_stays_blocked(world: World, cell: str) -> None:
    number = new_number()
    world.text(number, "hi")
    world.text(number, "STOPALL")
    contact_id = world.contact_id(number)
    done = run(world, csv_of(("", "", "", number, "AID", cell)))
    assert world.status(contact_id, world.other_team_id) == OUT
    assert world.history(contact_id, world.other_team_id)[-1].reason == blocks.STOPPED_EVERYWHERE
    assert done.opt_ins_held == (1 if cell else 0)
    with world.session():
        stored = consent.consent_of(contact_id, world.other_team_id)
        assert consent.needs_reason(stored)
    run(world, csv_of(("", "", "", number, "AID", "no")), stop_reason="They called.")
    assert world.status(contact_id, world.other_team_id) == IN
    with world.session():
        assert [block.scope for block in blocks.blocks_of(contact_id)] == ["organisation"]


def test_another_number_does_not_inherit_consent(world: World) -> None:
    old, new = new_number(), new_number()
    run(world, csv_of(("A", "B", "77", old, "ADM;AID", "no")))
    done = run(world, csv_of(("A", "B", "77", new, "ADM", "")))
    contact_id = world.contact_id(new)
    assert (done.rows_updated, done.statuses_changed) == (1, 2)
    for team_id in (world.team_id, world.other_team_id):
        assert world.status(contact_id, team_id) == OUT
        change = world.history(contact_id, team_id)[-1]
        assert (change.source, change.reason, change.number) == ("number_change", NOT_CARRIED, old)
        assert change.user_name == "Admin Person"


def test_a_row_that_itself_opts_out_and_brings_another_number_is_the_imports(world: World) -> None:
    old, new = new_number(), new_number()
    run(world, csv_of(("A", "B", "77", old, "ADM;AID", "no")))
    run(world, csv_of(("A", "B", "77", new, "ADM", "yes")))
    contact_id = world.contact_id(new)
    said = world.history(contact_id, world.team_id)[-1]
    followed = world.history(contact_id, world.other_team_id)[-1]
    # Opt outs of a file are heard before its numbers change.
    assert (said.status, said.source, said.reason, said.number) == (OUT, "import", "", old)
    assert (followed.status, followed.source, followed.number) == (OUT, "number_change", old)


def test_a_row_may_opt_another_number_in_in_the_teams_it_names(world: World) -> None:
    old, new = new_number(), new_number()
    run(world, csv_of(("A", "B", "77", old, "ADM;AID", "no")))
    run(world, csv_of(("A", "B", "77", new, "ADM", "no")))
    contact_id = world.contact_id(new)
    assert (world.status(contact_id), world.status(contact_id, world.other_team_id)) == (IN, OUT)


def test_an_opt_out_goes_with_the_person_to_another_number(world: World) -> None:
    old, new = new_number(), new_number()
    run(world, csv_of(("A", "B", "77", old, "ADM", "no")))
    world.text(old, "STOP")
    run(world, csv_of(("A", "B", "77", new, "ADM", "no")))
    assert world.status(world.contact_id(new)) == OUT


def test_a_number_that_another_contact_has_is_refused_and_one_given_up_is_taken(world: World) -> None:
    one, two, three = new_number(), new_number(), new_number()
    run(world, csv_of(("One", "", "1", one, "ADM", ""), ("Two", "", "2", two, "ADM", "")))
    swapped = csv_of(("One", "", "1", two, "ADM", ""), ("Two", "", "2", one, "ADM", ""))
    done = run(world, swapped)
    assert counts(done) == (0, 0, 0, 2)
    assert "with the ContactId 2" in problems(world, done)[0]
    # Two takes the number of One, who gives it up further down, and a third person takes Two's.
    moving = csv_of(
        ("New", "", "3", two, "ADM", ""), ("Two", "", "2", one, "ADM", ""), ("One", "", "1", three, "ADM", "")
    )
    import_id = upload(world, moving)
    foreseen = check(world, import_id)
    assert counts(foreseen) == (1, 2, 0, 0)
    start(world, import_id)
    assert counts(work(world, import_id)) == (1, 2, 0, 0)
    names = [_contact(world, world.contact_id(number)).first_name for number in (one, two, three)]
    assert names == ["Two", "New", "One"]
    assert counts(run(world, moving)) == (0, 0, 3, 0)


def test_the_same_person_twice_counts_once_and_says_which_line(world: World) -> None:
    one, two = new_number(), new_number()
    world.add_contact(two, external_id="9")
    done = run(
        world,
        csv_of(
            ("A", "", "1", one, "ADM", ""),
            ("B", "", "1", new_number(), "ADM", ""),
            ("C", "", "", one, "ADM", ""),
            ("D", "", "", two, "ADM", ""),
            ("E", "", "9", "", "ADM", ""),
        ),
    )
    assert problems(world, done) == [
        "Line 3: ContactId: The same ContactId is on line 2.",
        "Line 4: MobileNumber: The same mobile number is on line 2.",
        "Line 5: The same person is on line 6.",
    ]


def test_tags_and_custom_fields_are_added_and_a_column_can_be_a_new_field(world: World) -> None:
    number = new_number()
    with world.session():
        db.session.add(CustomField(tenant_id=world.tenant_id, name="GPA", kind="number"))
        db.session.add(CustomField(tenant_id=world.tenant_id, name="Visited", kind="date"))
        db.session.add(Tag(tenant_id=world.tenant_id, name="Honors"))
        db.session.commit()
    header = ("Mobile", "Tags", "GPA", "Visited", "Major")
    content = csv_of(
        (number, "honors; First gen", "3.5", "3/31/2026", "Biology"),
        (new_number(), "", "high", "2026-13-01", ""),
        header=header,
    )
    import_id = upload(world, content)
    chosen = [each["kind"] for each in row(world, import_id).columns]
    assert chosen[:2] == ["number", "tags"]
    assert chosen[2].startswith("field:")
    done = run(world, content, [world.team_id], choices=[*chosen[:4], "new"])
    assert "GPA: “high” is not a number. Visited: “2026-13-01” is not a day" in problems(world, done)[0]
    with world.session():
        fields = {field.name: str(field.id) for field in db.session.scalars(select(CustomField))}
        contact = db.session.scalars(select(Contact).where(Contact.number == number)).one()
        assert contact.custom == {
            fields["GPA"]: "3.5",
            fields["Visited"]: "2026-03-31",
            fields["Major"]: "Biology",
        }
        tags = db.session.scalars(
            select(Tag.name).join(ContactTag, ContactTag.tag_id == Tag.id).order_by(Tag.name)
        )
        assert tags.all() == ["First gen", "Honors"]
    before = everything(world)
    assert counts(run(world, content, [world.team_id])) == (0, 0, 1, 1)
    assert everything(world) == before


def test_an_opt_out_settles_what_read_like_one(world: World) -> None:
    number = new_number()
    world.text(number, "please take me off this list")
    contact_id = world.contact_id(number)
    run(world, csv_of(("", "", "", number, "ADM", "yes")))
    with world.session():
        assert possible.open_flag(contact_id, world.team_id) is None
    assert world.status(contact_id) == OUT


def test_a_check_writes_nothing_but_its_counts(world: World) -> None:
    number = new_number()
    run(world, csv_of(("A", "B", "1", number, "ADM", "")))
    before = everything(world)
    import_id = upload(
        world,
        csv_of(("A", "C", "1", new_number(), "ADM", "yes"), ("N", "", "", new_number(), "AID", "no")),
    )
    checked = check(world, import_id)
    assert (counts(checked), checked.statuses_changed) == ((1, 1, 0, 0), 2)
    assert everything(world) == before
