"""Evidence is sealed with its day: what is altered of it is named, and old seals stay as they were."""

from __future__ import annotations

import hashlib
import threading
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from cadence_app.accounts.models import User
from cadence_app.consent import by_user, evidence, evidence_basis, first_status, seals
from cadence_app.consent.evidence import Given
from cadence_app.consent.evidence_models import Evidence, Method, Way
from cadence_app.consent.models import Status
from cadence_app.consent.sealed_streams import EVIDENCE, HISTORY
from cadence_app.consent.seals import Sums, no_sums
from cadence_app.extensions import db
from tests.consent.history import (
    TODAY,
    agree,
    check,
    flip,
    noon,
    put_the_clock_back,
    seal,
    sealed_days,
)
from tests.consent.test_independent_proof import check_files, make_files
from tests.consent.test_recording_time import SAID, seal_up_to
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
        assert len(evidence_basis.basis_of(contact_id, world.team_id).evidence) == 2
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
    other = {"team_id": theirs.team_id, "user_id": theirs.admin_id}
    contact_id = theirs.add_contact() if column == "contact_id" else world.add_contact()
    values = {name: value for name, value in other.items() if name == column}
    with pytest.raises(IntegrityError, match="foreign key"):
        agree(world, contact_id, 0, **values)


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
