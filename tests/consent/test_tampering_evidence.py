"""What was changed of evidence behind Cadence's back is found and named."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from cadence_app.consent.evidence_models import Evidence
from cadence_app.consent.sealed_streams import HISTORY, STREAMS
from cadence_app.consent.verifying import Kind
from tests.consent.history import (
    TODAY,
    agree,
    behind_its_back,
    check,
    flip,
    noon,
    seal,
    sealed_days,
)
from tests.consent.test_independent_proof import check_files, make_files
from tests.consent.test_sealed_evidence import COPIED
from tests.world import World

ALTERATIONS: dict[str, Any] = {
    "contact_id": "contact_id + 1000000",
    "team_id": "team_id + 1000000",
    "recorded_at": "recorded_at + interval '1 microsecond'",
    "method": "'paper'",
    "way": "'import'",
    "agreed_on": "agreed_on - 1",
    "agreed_at": "NULL",
    "words": "words || ' '",
    "page_url": "''",
    "sha256": "sha256(sha256)",
    "ip": "'203.0.113.8'",
    "number": "number || '1'",
    "collected_by": "lower(collected_by)",
    "user_id": "NULL",
    "user_name": "'Somebody else'",
    "origin": "''",
}


def test_every_column_of_evidence_is_sealed() -> None:
    assert set(ALTERATIONS) | {"id", "tenant_id"} == set(Evidence.__table__.columns.keys())


@pytest.mark.parametrize("column", ALTERATIONS)
def test_evidence_that_was_altered_in_the_database_is_named(world: World, owner: Engine, column: str) -> None:
    _, altered, _ = agree(world, world.add_contact(), 5, 3, 2)
    seal(world)
    with behind_its_back(owner) as connection:
        connection.execute(
            text(f"UPDATE consent_evidence SET {column} = {ALTERATIONS[column]} WHERE id = :id"),
            {"id": altered},
        )
    outcome = check(world)
    assert outcome.problem
    assert (outcome.problem.kind, outcome.problem.change_id) == (Kind.ALTERED, None)
    assert outcome.problem.evidence_id == altered
    assert outcome.problem.text == (
        f"{TODAY - timedelta(days=3)}: evidence {altered} was altered after it was sealed"
    )
    assert outcome.evidence == 1


@pytest.mark.parametrize(
    "to_days_ago", [4, 1, 0, 9], ids=["earlier", "later", "unsealed", "before the first"]
)
def test_evidence_moved_to_another_day_is_named(world: World, owner: Engine, to_days_ago: int) -> None:
    _, moved = agree(world, world.add_contact(), 5, 3)
    seal(world)
    with behind_its_back(owner) as connection:
        move = text("UPDATE consent_evidence SET recorded_at = :at WHERE id = :id")
        connection.execute(move, {"at": noon(to_days_ago), "id": moved})
    problem = check(world).problem
    assert problem
    assert (problem.kind, problem.evidence_id) == (Kind.ALTERED, moved)
    assert problem.day == TODAY - timedelta(days=max(to_days_ago, 3))


def test_evidence_that_was_deleted_is_named(world: World, owner: Engine) -> None:
    _, gone = agree(world, world.add_contact(), 5, 3)
    seal(world)
    with behind_its_back(owner) as connection:
        connection.execute(text("DELETE FROM consent_evidence WHERE id = :id"), {"id": gone})
    problem = check(world).problem
    assert problem
    assert problem.text == f"{TODAY - timedelta(days=3)}: evidence {gone} is missing"


@pytest.mark.parametrize("days_ago", [4, 3, 20], ids=["an empty day", "a day with some", "before the first"])
def test_evidence_made_up_after_the_fact_is_named(world: World, owner: Engine, days_ago: int) -> None:
    _, copied = agree(world, world.add_contact(), 5, 3)
    seal(world)
    with behind_its_back(owner) as connection:
        copy = text(
            f"INSERT INTO consent_evidence (recorded_at, {COPIED})"
            f" SELECT :at, {COPIED} FROM consent_evidence WHERE id = :id RETURNING id"
        )
        added = connection.scalar(copy, {"id": copied, "at": noon(days_ago)})
    problem = check(world).problem
    assert problem
    assert (problem.day, problem.kind, problem.evidence_id) == (
        *(TODAY - timedelta(days=days_ago), Kind.ADDED),
        added,
    )


def test_where_a_change_and_evidence_of_one_day_differ_the_earlier_day_is_named(
    world: World, owner: Engine
) -> None:
    contact_id = world.add_contact()
    _, change = flip(world, contact_id, 5, 3)
    proof, _ = agree(world, contact_id, 4, 3)
    seal(world)
    with behind_its_back(owner) as connection:
        connection.execute(text("UPDATE opt_out_changes SET words = 'x' WHERE id = :id"), {"id": change})
        connection.execute(text("UPDATE consent_evidence SET words = 'x' WHERE id = :id"), {"id": proof})
    problem = check(world).problem
    assert problem
    assert (problem.day, problem.evidence_id) == (TODAY - timedelta(days=4), proof)


SEAL_ALTERATIONS = {
    "how much there is": ("UPDATE seals SET evidence = evidence + 1 WHERE {day}", Kind.SEAL),
    "that there was none": (
        "UPDATE seals SET evidence = 0, evidence_digest = NULL, version = 1 WHERE {day}",
        Kind.SEAL,
    ),
    "its digest": ("UPDATE seals SET evidence_digest = sha256(digest) WHERE {day}", Kind.SEAL),
    "what was retired of it": ("UPDATE seals SET retired_evidence = 1 WHERE {day}", Kind.SEAL),
    "the version alone": ("UPDATE seals SET version = 2 WHERE {day}", Kind.SEAL),
    "the whole seal": ("DELETE FROM seals WHERE {day}", Kind.NO_SEAL),
    "the last seals": ("DELETE FROM seals WHERE {after}", Kind.NO_SEAL),
    "a kept digest": ("UPDATE sealed_evidence SET digest = sha256(digest) WHERE {day}", Kind.ALTERED),
    "evidence with its kept digest": (
        "UPDATE consent_evidence SET words = 'x' WHERE {rows}; UPDATE sealed_evidence SET digest ="
        " (SELECT evidence_digest(e) FROM consent_evidence e WHERE id = evidence_id) WHERE {day}",
        Kind.DIGESTS,
    ),
}


@pytest.mark.parametrize("what", SEAL_ALTERATIONS)
def test_a_seal_of_evidence_that_was_altered_is_found_and_its_day_named(
    world: World, owner: Engine, what: str, tmp_path: Path
) -> None:
    agree(world, world.add_contact(), 5, 3, 2)
    seal(world)
    statement, kind = SEAL_ALTERATIONS[what]
    day = TODAY - timedelta(days=3)
    mine = f"tenant_id = {world.tenant_id} AND day"
    wheres = {
        "day": f"{mine} = '{day}'",
        "after": f"{mine} >= '{day}'",
        "rows": f"tenant_id = {world.tenant_id} AND history_day(recorded_at) = '{day}'",
    }
    with behind_its_back(owner) as connection:
        for part in statement.format(**wheres).split(";"):
            connection.exec_driver_sql(part)
    problem = check(world).problem
    assert problem
    assert (problem.day, problem.kind) == (day, kind)
    if kind == Kind.DIGESTS:
        assert problem.text.endswith("the digests kept for its evidence are not those that were sealed")
        make_files(world, tmp_path)
        assert check_files(tmp_path).returncode == 1


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.one)
def test_a_row_from_before_the_first_seal_is_found_although_its_digest_was_kept(
    world: World, owner: Engine, stream: Any
) -> None:
    flip(world, world.add_contact(), 3)
    seal(world)
    (made,) = (flip if stream is HISTORY else agree)(world, world.add_contact(), 0)
    table, moment = stream.rows.__tablename__, stream.moment.key
    with behind_its_back(owner) as connection:
        at = {"at": noon(30), "id": made}
        connection.execute(text(f"UPDATE {table} SET {moment} = :at WHERE id = :id"), at)
        keep = f"INSERT INTO {stream.kept.__tablename__} ({stream.key}, tenant_id, day, digest)"
        row = f"SELECT id, tenant_id, history_day({moment}), {stream.row_digest} FROM {table} WHERE id = :id"
        connection.execute(text(f"{keep} {row}"), {"id": made})
    problem = check(world).problem
    assert problem
    assert (problem.kind, problem.day) == (Kind.NO_SEAL, noon(30).date())


def test_the_outsiders_program_names_evidence_that_differs(
    world: World, owner: Engine, tmp_path: Path
) -> None:
    contact_id = world.add_contact()
    flip(world, contact_id, 5, 3)
    _, altered = agree(world, contact_id, 4, 3)
    agree(world, contact_id, 2, agreed_on=None, agreed_at=None, sha256=None, user_id=None, words="\n\"',")
    seal(world)
    make_files(world, tmp_path)
    done = check_files(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    last = sealed_days(world)[-1]
    assert done.stdout == f"intact; newest seal: {last.day} {last.digest.hex()}\n"
    without = check_files(tmp_path, with_evidence=False)
    assert without.returncode == 1
    assert "if it has evidence, give its three files too" in without.stderr
    with behind_its_back(owner) as connection:
        connection.execute(text("UPDATE consent_evidence SET ip = '' WHERE id = :id"), {"id": altered})
    make_files(world, tmp_path)
    done = check_files(tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith(f"{noon(3).date()}: evidence {altered} is not as it was sealed")
