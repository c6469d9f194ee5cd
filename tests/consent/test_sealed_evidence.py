"""Evidence is sealed with its day: what is altered of it is named, and old seals stay as they were."""

from __future__ import annotations

import hashlib
import threading
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from cadence_app.accounts.models import User
from cadence_app.consent import by_user, evidence, first_status, seals
from cadence_app.consent.evidence import Given
from cadence_app.consent.evidence_models import Evidence, Method, Way
from cadence_app.consent.models import Status
from cadence_app.consent.sealed_streams import EVIDENCE, HISTORY, STREAMS
from cadence_app.consent.seals import Sums, no_sums
from cadence_app.consent.verifying import Kind
from cadence_app.extensions import db
from tests.consent.history import (
    TODAY,
    agree,
    behind_its_back,
    check,
    flip,
    noon,
    put_the_clock_back,
    seal,
    sealed_days,
)
from tests.consent.test_independent_proof import check_files, make_files
from tests.consent.test_moments import SAID, seal_up_to
from tests.world import World, make_world

NOTHING = hashlib.sha256().hexdigest()
ONE, TWO, THREE = (bytes([each]) * 32 for each in (1, 2, 3))


# Columns that a row made by hand copies from another.
COPIED = ", ".join(each.name for each in Evidence.__table__.columns if each.name not in {"id", "recorded_at"})


def evidence_of(world: World, contact_id: int) -> list[Evidence]:
    with world.session():
        rows = evidence.evidence_of(contact_id)
        db.session.expunge_all()
        return rows


@pytest.mark.parametrize(
    ("history", "of_evidence", "previous", "written"),
    [
        (Sums(0, hashlib.sha256().digest()), no_sums(EVIDENCE), None, f"1 1:0,64:{NOTHING},-,"),
        (Sums(12, ONE), no_sums(EVIDENCE), TWO, f"1 2:12,64:{ONE.hex()},64:{TWO.hex()},"),
        (
            *(Sums(1, ONE, 3, TWO), no_sums(EVIDENCE), THREE),
            f"2 1:1,64:{ONE.hex()},1:3,64:{TWO.hex()},64:{THREE.hex()},",
        ),
        (
            *(Sums(0, hashlib.sha256().digest()), Sums(2, ONE), None),
            f"3 1:0,64:{NOTHING},1:0,-,1:2,64:{ONE.hex()},1:0,-,-,",
        ),
        (
            *(Sums(1, ONE, 3, TWO), Sums(0, None, 4, THREE), THREE),
            f"3 1:1,64:{ONE.hex()},1:3,64:{TWO.hex()},1:0,-,1:4,64:{THREE.hex()},64:{THREE.hex()},",
        ),
    ],
    ids=["1, empty", "1", "2", "3, without history", "3, with everything"],
)
def test_a_seal_is_over_what_the_recipe_says_to_the_byte(
    history: Sums, of_evidence: Sums, previous: bytes | None, written: str
) -> None:
    version, rest = written.split(" ", 1)
    bytes_of_it = f"cadence-seal-{version} 1:7,10:2026-11-24,{rest}".encode()
    sums = {HISTORY: history, EVIDENCE: of_evidence}
    digest = seals.seal_digest(7, date(2026, 11, 24), sums, previous)
    assert digest == hashlib.sha256(bytes_of_it).digest()


def test_only_a_day_with_evidence_has_a_seal_of_the_new_version(world: World) -> None:
    contact_id = world.add_contact()
    flip(world, contact_id, 5, 3)
    agree(world, contact_id, 4, 3, 3)
    assert seal(world) == 5
    days = sealed_days(world)
    assert [(each.version, each.rows, each.evidence) for each in days] == [
        *((1, 1, 0), (3, 0, 1), (3, 1, 2), (1, 0, 0), (1, 0, 0))
    ]
    assert [each.evidence_digest is None for each in days] == [True, False, False, True, True]
    outcome = check(world)
    assert (outcome.intact, outcome.rows, outcome.evidence) == (True, 2, 3)


def test_sealing_begins_with_the_oldest_evidence(world: World) -> None:
    agree(world, world.add_contact(), 7)
    assert seal(world) == 7
    assert (check(world).intact, check(world).evidence) == (True, 1)


def test_days_that_are_open_count_their_evidence(world: World) -> None:
    contact_id = world.add_contact()
    flip(world, contact_id, 3)
    agree(world, contact_id, 3)
    seal(world)
    agree(world, contact_id, 0, 0)
    with world.session():
        assert seals.open_days() == [(TODAY, 0, 2)]


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


def test_the_database_computes_the_same_digest_of_evidence_as_the_seals(world: World) -> None:
    contact_id = world.add_contact()
    agree(world, contact_id, 1)
    empty = {"agreed_on": None, "agreed_at": None, "sha256": None, "user_id": None, "words": "", "ip": ""}
    agree(world, contact_id, 1, **empty)
    with world.session():
        both = text(f"SELECT evidence_digest(e), {EVIDENCE.row_digest} FROM consent_evidence e")
        rows = db.session.execute(both).all()
    assert len(rows) == 2
    assert all(row[0] == row[1] for row in rows)


def test_the_outsiders_program_checks_evidence_and_old_files_without_it(world: World, tmp_path: Path) -> None:
    contact_id = world.add_contact(first_name='Zoë, "Z"\n:1,')
    flip(world, contact_id, 5, 3)
    seal(world)
    make_files(world, tmp_path)
    assert check_files(tmp_path, with_evidence=False).returncode == 0
    assert check_files(tmp_path).returncode == 0


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


def test_evidence_still_on_its_way_keeps_its_day_open(world: World) -> None:
    contact_id = world.add_contact()
    agree(world, contact_id, 3)
    with world.session():
        late = f"INSERT INTO consent_evidence (recorded_at, {COPIED}) SELECT :at, {COPIED}"
        db.session.execute(text(f"{late} FROM consent_evidence"), {"at": noon(1)})
        sealed: list[int] = []
        sealer = threading.Thread(target=lambda: sealed.append(seal(world)))
        sealer.start()
        sealer.join(30)
        assert sealed == [0]
        db.session.commit()
    assert seal(world) == 3
    assert [each.evidence for each in sealed_days(world)] == [1, 0, 1]
    assert check(world).intact


def test_with_the_clock_behind_the_newest_seal_evidence_comes_after_it_and_says_so(
    world: World, owner: Engine
) -> None:
    contact_id = world.add_contact()
    flip(world, world.add_contact(), 3)
    seal(world)
    ahead = TODAY + timedelta(days=3)
    seal_up_to(world, owner, ahead)
    with world.session():
        agent = db.session.get_one(User, world.agent_id)
        first_status.add_by_user(agent, contact_id, world.team_id, given=Given(Method.PAPER, words="Yes"))
        evidence.record([(contact_id, world.team_id)], Given(Method.SPOKEN), Way.IMPORT, agent, "spring.csv")
        db.session.commit()
    rows = evidence_of(world, contact_id)
    at = noon(0) + timedelta(days=3, hours=12)
    for row, origin in zip(rows, ("", "spring.csv "), strict=True):
        assert row.recorded_at == at
        assert row.origin.startswith(f"{origin}Recorded at {at:%Y-%m-%d %H:%M:%S} UTC because")
        assert SAID.fullmatch(row.origin)
    with world.session():
        assert len(evidence.basis_of(contact_id, world.team_id).evidence) == 2
    seal_up_to(world, owner, at.date())
    outcome = check(world)
    assert (outcome.intact, outcome.evidence) == (True, 2), outcome.problem


def test_evidence_of_a_sealed_day_is_refused_also_with_an_old_snapshot(world: World, owner: Engine) -> None:
    contact_id = world.add_contact()
    agree(world, contact_id, 3)
    seal(world)
    with pytest.raises(DBAPIError, match=f"sealed up to {TODAY - timedelta(days=1)}"):
        agree(world, contact_id, 1)
    put_the_clock_back(world, owner)
    with pytest.raises(DBAPIError, match="is refused: the history is sealed up to"):
        agree(world, contact_id, 0)


def test_two_sealers_of_evidence_at_once_make_one_chain(world: World) -> None:
    agree(world, world.add_contact(), 200, 3)
    sealed: list[int] = []
    threads = [threading.Thread(target=lambda: sealed.append(seal(world))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sealed.append(seal(world))
    assert sum(sealed) == 200
    assert (check(world).intact, check(world).evidence) == (True, 2)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE consent_evidence SET words = ''",
        "DELETE FROM consent_evidence",
        "TRUNCATE consent_evidence",
        "UPDATE sealed_evidence SET day = day",
        "DELETE FROM sealed_evidence",
        "INSERT INTO retired_evidence (tenant_id, evidence_id, day, digest, how, user_name, reason)"
        " VALUES (1, 1, now(), '', 'purged', '', '')",
        "UPDATE retired_evidence SET reason = ''",
    ],
)
def test_the_applications_role_only_adds_evidence(world: World, statement: str) -> None:
    with world.session(), pytest.raises(DBAPIError, match="permission denied"):
        db.session.execute(text(statement))


@pytest.mark.parametrize("table", ["sealed_evidence", "retired_evidence"])
@pytest.mark.parametrize("what", ["UPDATE {} SET day = day", "DELETE FROM {}", "TRUNCATE {}"])
def test_what_proves_evidence_refuses_to_be_changed_even_by_its_owner(
    owner: Engine, table: str, what: str
) -> None:
    with owner.connect() as connection, pytest.raises(DBAPIError, match="append-only"):
        connection.execute(text(what.format(table)))


@pytest.mark.parametrize("column", ["contact_id", "team_id", "user_id"])
def test_evidence_can_not_point_to_another_tenant(world: World, column: str) -> None:
    theirs = make_world(world.app, "teams")
    other = {"contact_id": theirs.add_contact(), "team_id": theirs.team_id, "user_id": theirs.admin_id}
    with pytest.raises(IntegrityError, match="foreign key"):
        if column == "contact_id":
            agree(world, other[column], 0)
        else:
            agree(world, world.add_contact(), 0, **{column: other[column]})


def test_nobody_sees_another_tenants_evidence(world: World, legacy_world: World) -> None:
    theirs = legacy_world.add_contact()
    agree(legacy_world, theirs, 3)
    assert evidence_of(world, theirs) == []
    assert len(evidence_of(legacy_world, theirs)) == 1
    assert (seal(world), seal(legacy_world)) == (0, 3)


def test_an_opt_in_with_evidence_is_sealed_with_it_on_one_day(world: World) -> None:
    contact_id = world.add_contact()
    with world.session():
        agent = db.session.get_one(User, world.agent_id)
        for status in (Status.OPTED_OUT, Status.OPTED_IN):
            given = Given(Method.PAPER, words="Signed") if status == Status.OPTED_IN else None
            by_user.set_by_user(agent, contact_id, world.team_id, status, "", given)
        db.session.commit()
    (row,) = evidence_of(world, contact_id)
    assert row.recorded_at >= world.history(contact_id)[-1].changed_at
