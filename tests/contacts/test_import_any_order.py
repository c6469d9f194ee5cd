"""Whatever a file says in whatever order: who said opt out in a row that can be read ends opted out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from cadence_app.consent.ledger import Change, record_changes
from cadence_app.consent.models import Consent, Source, Status
from cadence_app.contacts.models import Contact, ContactNumber
from cadence_app.extensions import db
from tests import sizes
from tests.contacts.importing import (
    csv_of,
    run,
)
from tests.records.people import IN
from tests.world import World, make_world, new_number

NUMBERS = [new_number() for _ in range(3)]

IDS = ["", "1", "2", "3"]

ROWS = st.lists(
    st.tuples(
        st.sampled_from(["", "Ann", "x" * 300]),
        st.sampled_from(IDS),
        st.sampled_from(["", "12", *NUMBERS]),
        st.sampled_from(["ADM", "AID", "ADM;AID", "ADM;NOPE", "NOPE", ""]),
        st.sampled_from(["", "yes", "no", "no", "perhaps"]),
        st.sampled_from(["", "2026-01-05", "2026-03-05"]),
    ),
    min_size=2,
    max_size=6,
)

BEFORE = st.lists(
    st.tuples(st.sampled_from(NUMBERS), st.sampled_from(IDS)),
    max_size=3,
    unique_by=(lambda known: known[0], lambda known: known[1] or known[0]),
)


@pytest.mark.sized
@settings(
    max_examples=sizes.size(3, 60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(before=BEFORE, rows=ROWS, dated=st.booleans(), batch=st.sampled_from([1, 2, 2000]), data=st.data())
def test_nobody_of_whom_a_readable_row_says_opt_out_ends_opted_in_whatever_the_order(
    world: World,
    before: list[tuple[str, str]],
    rows: list[tuple[str, ...]],
    dated: bool,
    batch: int,
    data: st.DataObject,
) -> None:
    world.app.config["IMPORT_BATCH"] = batch
    try:
        results = []
        for order in (rows, data.draw(st.permutations(rows))):
            own = make_world(world.app, "teams")
            known = {}
            for number, external_id in before:
                known[number] = own.add_contact(number, external_id=external_id)
                # What is stored is older than what the file says.
                _opted_in_since(own, known[number], datetime(2025, 1, 1, tzinfo=UTC))
            named = _said_out(order, dated)
            run(own, _file(order, dated))
            with own.session():
                opted_in = _opted_in(own)
            assert not named & opted_in
            results.append(
                {
                    (number, team): (own.status(each, team_id))
                    for number, each in known.items()
                    for team, team_id in (("ADM", own.team_id), ("AID", own.other_team_id))
                    if (number, team) in named
                }
            )
        assert results[0] == results[1]
    finally:
        world.app.config["IMPORT_BATCH"] = 2000


def _opted_in_since(world: World, contact_id: int, at: datetime) -> None:
    with world.session():
        record_changes(
            [Change(contact_id, world.team_id, Status.OPTED_IN, Source.TOGGLE, world.agent_id, at=at)]
        )
        db.session.commit()


def _file(rows: Sequence[tuple[str, ...]], dated: bool) -> bytes:
    header = ("FirstName", "ContactId", "MobileNumber", "Team", "OptedOut", "StatusDate")
    width = 6 if dated else 5
    # A row that is blank is none, and a file needs one.
    return csv_of(*(each[:width] for each in (*rows, ("Zed", "99", "", "", "", ""))), header=header[:width])


def _said_out(rows: Sequence[tuple[str, ...]], dated: bool) -> set[tuple[str, str]]:
    """Each number or ContactId, and team, of which a row says opt out that none may say opt in after."""
    outs: set[tuple[str, str]] = set()
    for _, external_id, number, teams, said, day in rows:
        for who in {external_id, number if number in NUMBERS else ""} - {""}:
            for team in {"ADM", "AID"} & set(teams.split(";")):
                newer = (
                    dated
                    and day
                    and any(other[4] == "no" and other[5] > day and team in other[3] for other in rows)
                )
                if said == "yes" and not newer:
                    outs.add((who, team))
    return outs


def _opted_in(world: World) -> set[tuple[str, str]]:
    """Each number and ContactId of somebody, and team, who is opted in."""
    query = (
        select(Contact.external_id, ContactNumber.number, Consent.team_id)
        .join(ContactNumber, ContactNumber.contact_id == Contact.id)
        .join(Consent, Consent.contact_id == Contact.id)
        .where(Consent.status == IN, ContactNumber.until.is_(None))
    )
    codes = {world.team_id: "ADM", world.other_team_id: "AID"}
    return {
        (who, codes[found.team_id])
        for found in db.session.execute(query)
        for who in (found.external_id, found.number)
        if who
    }
