"""Changes by a part of a name, a number or an id: found by the index exactly where it is."""

from __future__ import annotations

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from cadence_app.consent.ledger import Change, record_change
from cadence_app.consent.models import OptOutChange, Source, Status
from cadence_app.extensions import db
from cadence_app.reports.filters import Filters
from cadence_app.reports.kinds import OPT_OUT_HISTORY
from tests import sizes
from tests.world import World, make_world

_NAMES = (("Ann", "O'Hara", "S-001"), ("", "Öztürk_%", "=7"), ("anna", "ohara", "X12"), ("A", "B", ""))


@pytest.mark.sized
@settings(
    max_examples=sizes.size(8, 100),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(part=st.text("anoöh'r_%s0-1 =xABO", min_size=1, max_size=6))
def test_a_part_is_found_by_the_index_exactly_where_it_is(history: World, part: str) -> None:
    part = part.strip() or "a"
    with history.session():
        kept = OPT_OUT_HISTORY.conditions(Filters(contact=part))
        found = set(db.session.scalars(select(OptOutChange.id).where(*kept)))
        rows = db.session.scalars(select(OptOutChange)).all()
        digits = "".join(each for each in part if each.isdecimal())
        wanted = {
            row.id
            for row in rows
            if part.lower() in f"{row.first_name} {row.last_name}".lower()
            or part.lower() in row.external_id.lower()
            or (len(digits) > 2 and digits in row.number)
        }
    assert found == wanted


@pytest.fixture(scope="module")
def history(app: Flask) -> World:
    """Changes of a few names, beside the same ones of another tenant."""
    places = [make_world(app, "teams") for _ in range(2)]
    for place in places:
        for first, last, external_id in _NAMES:
            contact_id = place.add_contact(first_name=first, last_name=last, external_id=external_id)
            with place.session():
                record_change(Change(contact_id, place.team_id, Status.OPTED_IN, Source.TOGGLE))
                db.session.commit()
    return places[0]


def test_a_part_of_a_number_is_found_however_it_is_written(history: World) -> None:
    with history.session():
        row = db.session.scalars(select(OptOutChange).limit(1)).one()
        written = f"({row.number[2:5]}) {row.number[5:8]}-{row.number[8:]}"
        kept = OPT_OUT_HISTORY.conditions(Filters(contact=written))
        assert db.session.scalars(select(OptOutChange.id).where(*kept)).all() == [row.id]
