"""Imports that meet STOPs, other imports and themselves."""

from __future__ import annotations

import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from cadence_app.consent.models import Consent, Source, Status
from cadence_app.contacts.imports.models import Import
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from tests import sizes
from tests.contacts.importing import (
    check,
    counts,
    csv_of,
    everything,
    run,
    start,
    upload,
    work,
)
from tests.world import World, make_world, new_number

NUMBERS = [new_number() for _ in range(4)]

ROWS = st.tuples(
    st.sampled_from(["", "Ann", "Bo"]),
    st.sampled_from(["", "Lee"]),
    st.sampled_from(["", "1", "2", "3"]),
    st.sampled_from(["", *NUMBERS]),
    st.sampled_from(["ADM", "AID", "ADM;AID", ""]),
    st.sampled_from(["", "yes", "no", "perhaps"]),
)

BEFORE = st.lists(
    st.tuples(st.sampled_from(NUMBERS), st.sampled_from(["hi", "STOP", "START", "STOPALL"])), max_size=5
)


@pytest.mark.sized
@settings(
    max_examples=sizes.size(2, 25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    before=BEFORE, first=st.lists(ROWS, min_size=1, max_size=4), second=st.lists(ROWS, min_size=1, max_size=5)
)
def test_importing_twice_changes_nothing_and_nobody_who_stopped_is_opted_in(
    world: World, before: list[tuple[str, str]], first: list[tuple[str, ...]], second: list[tuple[str, ...]]
) -> None:
    own = make_world(world.app, "teams")
    for number, words in before:
        own.text(number, words)
    for rows in (first, second):
        # A row that is blank is none, and a file needs one.
        content = csv_of(*rows, ("Zed", "", "99", "", "", ""))
        stopped = _stopped(own)
        done = run(own, content)
        assert sum(counts(done)) == done.rows_total
        assert stopped <= _stopped(own)
        after = everything(own)
        again = run(own, content)
        assert counts(again)[:2] == (0, 0)
        assert again.statuses_changed == 0
        assert everything(own) == after


def _stopped(world: World) -> set[tuple[int, int]]:
    """The contacts and teams that are opted out by the contact's own words."""
    with world.session():
        query = select(Consent.contact_id, Consent.team_id).where(
            Consent.status == Status.OPTED_OUT, Consent.stopped_at.is_not(None)
        )
        return {(found.contact_id, found.team_id) for found in db.session.execute(query)}


def test_stops_that_come_while_an_import_opts_in_are_kept_and_nobody_waits_in_a_circle(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(world.app.config, "IMPORT_BATCH", 5)
    numbers = [new_number() for _ in range(30)]
    for number in numbers:
        world.text(number, "hi")
    moved = {number: new_number() for number in numbers[::3]}
    with world.session():
        for index, number in enumerate(numbers):
            db.session.execute(
                update(Contact).where(Contact.number == number).values(external_id=f"R{index}")
            )
        db.session.commit()
    rows = [
        ("A", "", f"R{index}", moved.get(number, number), "ADM;AID", "no")
        for index, number in enumerate(numbers)
    ]
    import_id = upload(world, csv_of(*rows, *(("N", "", "", new_number(), "ADM", "") for _ in range(10))))
    check(world, import_id)
    start(world, import_id)
    failures: list[BaseException] = []
    stopping = [number for number in numbers if number not in moved]

    def stop(part: list[str]) -> None:
        try:
            for number in part:
                world.text(number, "STOP")
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=stop, args=(part,)) for part in (stopping[::2], stopping[:0:-2])]
    for thread in threads:
        thread.start()
    done = work(world, import_id)
    for thread in threads:
        thread.join()
    assert failures == []
    assert (done.state, sum(counts(done))) == ("done", 40)
    for number in {*stopping[::2], *stopping[:0:-2]}:
        assert world.status(world.contact_id(number)) == Status.OPTED_OUT
        assert world.history(world.contact_id(number), world.team_id)[-1].source == Source.KEYWORD


def test_two_imports_at_once_are_both_applied_whole(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(world.app.config, "IMPORT_BATCH", 7)
    numbers = [new_number() for _ in range(40)]
    ids = []
    for order in (numbers, numbers[::-1]):
        import_id = upload(world, csv_of(*(("A", "", "", number, "ADM", "") for number in order)))
        check(world, import_id)
        start(world, import_id)
        ids.append(import_id)
    threads = [threading.Thread(target=work, args=(world, import_id)) for import_id in ids * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Whichever had to let the other go first is taken up by the sweep.
    done = [work(world, import_id) for import_id in ids]
    assert sorted(counts(each) for each in done) == [(0, 0, 40, 0), (40, 0, 0, 0)]


def test_somebody_who_texts_between_check_and_import_is_updated(world: World) -> None:
    number = new_number()
    import_id = upload(world, csv_of(("Ann", "Lee", "5", number, "ADM", "no")))
    assert counts(check(world, import_id)) == (1, 0, 0, 0)
    world.text(number, "STOP")
    start(world, import_id)
    done = work(world, import_id)
    assert counts(done) == (0, 1, 0, 0)
    assert (world.status(world.contact_id(number)), done.opt_ins_held) == (Status.OPTED_OUT, 1)


def test_another_tenants_people_are_neither_found_nor_touched(world: World, legacy_world: World) -> None:
    number = new_number()
    theirs = legacy_world.add_contact(number, external_id="1", first_name="Theirs")
    assert counts(run(world, csv_of(("Ours", "", "1", number, "ADM", "")))) == (1, 0, 0, 0)
    with legacy_world.session():
        assert db.session.get_one(Contact, theirs).first_name == "Theirs"
        assert db.session.scalars(select(Import)).all() == []
