"""Files that say since when each status is: of each person and team the newest row counts, and never over a
newer stored status."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from cadence_app.consent.models import Status
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from tests import sizes
from tests.contacts.importing import (
    HISTORY,
    counts,
    csv_of,
    everything,
    run,
    statuses,
)
from tests.records.people import IN, OUT, opt
from tests.world import World, new_number


def _at(days: int) -> str:
    """A StatusDate so many days ago."""
    return (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize(
    ("rows", "status"),
    [
        ([("Opted Out", 9), ("Opted In", 5)], IN),
        ([("Opted In", 9), ("Opted Out", 5)], OUT),
        ([("Opted In", 9), ("Opted Out", 7), ("Opted In", 5), ("Opted Out", 8)], IN),
        ([("Opted Out", 5), ("Opted In", 5)], OUT),
        ([("Opted Out", None), ("Opted In", 5)], OUT),
        ([("Opted In", None), ("Opted Out", 5)], OUT),
        ([("Opted In", None)], IN),
    ],
)
@pytest.mark.parametrize("turned", sizes.few_of([False, True], [1]))
def test_the_newest_row_of_a_person_and_team_counts_and_ties_are_out(
    world: World, rows: list[tuple[str, int | None]], status: str, turned: bool
) -> None:
    number = new_number()
    lines = [("A", "", "1", "ADM", number, said, "" if days is None else _at(days)) for said, days in rows]
    done = run(world, csv_of(*(lines[::-1] if turned else lines), header=HISTORY))
    assert counts(done) == (1, 0, len(rows) - 1, 0)
    assert statuses(world, number)[0] == status
    (change,) = world.history(world.contact_id(number))
    assert change.source == "import"
    if status == OUT and rows[0][1] is not None and rows[1][1] is not None:
        assert re.fullmatch(r"In the file since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\.", change.reason)
    before = everything(world)
    run(world, csv_of(*lines, header=HISTORY))
    assert everything(world) == before


@pytest.mark.parametrize(("stored", "said"), [(IN, "Opted Out"), (OUT, "Opted In")])
def test_a_history_is_never_applied_over_a_newer_stored_status(
    world: World, stored: Status, said: str
) -> None:
    number = new_number()
    contact_id = world.add_contact(number)
    opt(world, contact_id, stored)
    done = run(world, csv_of(("A", "", "", "ADM", number, said, _at(3)), header=HISTORY))
    assert world.status(contact_id) == stored
    assert (done.opt_outs_older, done.opt_ins_held) == ((1, 0) if stored == IN else (0, 1))
    if stored == IN:
        assert "1 opt out is older than what is here" in (
            world.sign_in("admin").get(f"/contacts/import/{done.id}").text
        )


def test_each_team_of_a_history_has_its_own_newest_row(world: World) -> None:
    one, two = new_number(), new_number()
    done = run(
        world,
        csv_of(
            ("Old", "", "1", "AID", one, "Opted In", _at(9)),
            ("New", "", "1", "ADM", one, "Opted Out", _at(5)),
            ("Bo", "", "2", "ADM", two, "Opted In", _at(9)),
            header=HISTORY,
        ),
    )
    assert (counts(done), done.rows_older) == ((2, 0, 1, 0), 1)
    assert statuses(world, one) == (OUT, IN)
    assert statuses(world, two) == (IN, None)
    with world.session():
        assert db.session.get_one(Contact, world.contact_id(one)).first_name == "New"


def test_an_opt_in_of_a_history_at_an_earlier_number_is_none_for_the_number_texted(world: World) -> None:
    old, new = new_number(), new_number()
    run(
        world,
        csv_of(
            ("A", "", "1", "AID", old, "Opted In", _at(9)),
            ("A", "", "1", "ADM", new, "Opted In", _at(5)),
            header=HISTORY,
        ),
    )
    assert statuses(world, new) == (IN, OUT)


def test_a_number_that_changed_hands_in_a_history_opts_out_its_holder_only_where_that_is_newer(
    world: World,
) -> None:
    number = new_number()
    run(
        world,
        csv_of(
            ("A", "", "1", "ADM", number, "Opted Out", _at(9)),
            ("B", "", "2", "ADM", number, "Opted In", _at(5)),
            ("B", "", "2", "AID", number, "Opted Out", _at(5)),
            header=HISTORY,
        ),
    )
    assert statuses(world, number) == (IN, OUT)
