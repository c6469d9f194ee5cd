"""Whatever happened to history and evidence: what was sealed is proven, and one alteration is named."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select, text

from cadence_app.accounts.models import User
from cadence_app.consent import retiring
from cadence_app.consent.ledger import leave_teams
from cadence_app.consent.sealed_streams import STREAMS, Stream
from cadence_app.consent.verifying import Kind
from cadence_app.extensions import db
from tests import sizes
from tests.consent.history import agree, behind_its_back, check, flip, noon, seal
from tests.world import World, make_world

_DAYS = 5
# What there is of each of a few people: the days ago of changes, which are told apart, and of evidence.
_PEOPLE = st.lists(
    st.tuples(
        st.lists(st.integers(1, _DAYS), max_size=2, unique=True).map(lambda days: sorted(days, reverse=True)),
        st.lists(st.integers(1, _DAYS), max_size=3),
        # What becomes of them before their days are sealed, and after.
        st.sampled_from(["", "", "erase"]),
        st.sampled_from(["", "", "erase", "purge", "erase and purge"]),
    ),
    min_size=1,
    max_size=4,
)
# By the one column, or the other; what an erased or purged row has not is not altered.
_TAMPERING = {
    "words": "UPDATE {rows} SET words = words || 'x' WHERE id = :id",
    "number": "UPDATE {rows} SET number = number || '0' WHERE id = :id",
    "moment": "UPDATE {rows} SET {moment} = {moment} + interval '1 microsecond' WHERE id = :id",
    "another day": "UPDATE {rows} SET {moment} = {moment} + interval '90 days' WHERE id = :id",
    "deleted": "DELETE FROM {rows} WHERE id = :id",
    "digest of its record": "UPDATE {retired} SET digest = sha256(digest) WHERE {key} = :id",
    "record deleted": "DELETE FROM {retired} WHERE {key} = :id",
    "moment of its record": "UPDATE {retired} SET retired_at = 'infinity' WHERE {key} = :id",
}


@pytest.mark.sized
@settings(max_examples=sizes.size(6, 60), deadline=None, suppress_health_check=list(HealthCheck))
@given(
    people=_PEOPLE,
    which=st.integers(0, 1000),
    how=st.sampled_from(sorted(_TAMPERING)),
    evidence=st.booleans(),
)
def test_verify_names_exactly_the_one_row_that_was_altered(
    world: World,
    owner: Engine,
    people: list[tuple[list[int], list[int], str, str]],
    which: int,
    how: str,
    evidence: bool,
) -> None:
    place = make_world(world.app, "teams")
    # So that sealing begins on the same day whatever becomes of the others.
    flip(place, place.add_contact(), _DAYS)
    later: list[tuple[int, str]] = []
    for changes, proofs, at_once, afterwards in people:
        contact_id = place.add_contact()
        if changes:
            flip(place, contact_id, *changes)
        if proofs:
            agree(place, contact_id, *proofs)
        _retire(place, contact_id, at_once)
        later.append((contact_id, afterwards))
    seal(place)
    for contact_id, afterwards in later:
        _retire(place, contact_id, afterwards)
    _seal_yesterday_again(place, owner)
    outcome = check(place)
    assert outcome.intact, outcome.problem
    stream = STREAMS[evidence]
    rows = _sealed_rows(place, stream)
    assume(rows)
    row_id = rows[which % len(rows)]
    names = {"rows": stream.rows.__tablename__, "retired": stream.retired.__tablename__}
    names |= {"moment": stream.moment.key, "key": stream.key}
    with behind_its_back(owner) as connection:
        altered = connection.execute(text(_TAMPERING[how].format(**names)), {"id": row_id}).rowcount
    event(f"{how}, {stream.one}: {bool(altered)}")
    problem = check(place).problem
    if not altered:
        assert problem is None
        return
    assert problem
    assert (problem.stream, problem.row_id) == (stream, row_id)
    # One that was purged is missing once its record says so no more.
    assert problem.kind in {Kind.ALTERED, Kind.MISSING}


def _retire(world: World, contact_id: int, ways: str) -> None:
    """Erases or purges all that there is of somebody."""
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        changes, proofs = (
            list(db.session.scalars(select(stream.rows.id).where(stream.rows.contact_id == contact_id)))
            for stream in STREAMS
        )
        if "erase" in ways:
            retiring.erase_changes(changes, admin, "Asked for.")
            retiring.erase_evidence(proofs, admin, "Asked for.")
        if "purge" in ways:
            leave_teams([contact_id])
            retiring.purge_changes(changes, None, "Retention", "Old.")
            db.session.execute(select(func.purge_evidence(proofs, None, "Retention", "Old.")))
        db.session.commit()


def _seal_yesterday_again(world: World, owner: Engine) -> None:
    """As if all that was retired had been so then, for a test can't wait for midnight."""
    yesterday = {"tenant": world.tenant_id, "at": noon(1), "day": noon(1).date()}
    with behind_its_back(owner) as connection:
        for stream in STREAMS:
            back = f"UPDATE {stream.retired.__tablename__} SET retired_at = :at WHERE tenant_id = :tenant"
            connection.execute(text(back), yesterday)
        connection.execute(text("DELETE FROM seals WHERE tenant_id = :tenant AND day = :day"), yesterday)
    seal(world)


def _sealed_rows(world: World, stream: Stream) -> list[int]:
    """Every row of its kind that a seal is over, also one that was purged since."""
    with world.session():
        row_id = getattr(stream.kept, stream.key)
        return list(db.session.scalars(select(row_id).order_by(row_id)))
