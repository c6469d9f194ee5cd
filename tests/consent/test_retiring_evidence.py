"""Evidence that was erased or purged: nothing of a person is left in it, the seals still prove the rest, and
nothing else gets past them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import DBAPIError

from cadence_app.accounts.models import User
from cadence_app.consent import evidence, retiring
from cadence_app.consent.evidence import Given
from cadence_app.consent.evidence_models import Evidence, Method, RetiredEvidence, Way
from cadence_app.consent.verifying import Kind
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.retention import holds
from cadence_app.retention.protecting import OnHold
from tests.consent.history import TODAY, agree, behind_its_back, check, flip, noon, seal, sealed_days
from tests.consent.test_independent_proof import check_files, make_files
from tests.consent.test_recording_time import SAID, seal_up_to
from tests.consent.test_sealed_evidence import evidence_of
from tests.records.people import erase, known, merge
from tests.world import World

WHY = "Asked for, GDPR article 17."


STAYS = (
    *("id", "tenant_id", "contact_id", "team_id", "recorded_at", "method", "way", "agreed_on", "agreed_at"),
    *("user_id", "user_name"),
)


GOES = {"words", "page_url", "sha256", "ip", "number", "collected_by", "origin"}


def erase_rows(world: World, *ids: int) -> int:
    with world.session():
        erased = retiring.erase_evidence(ids, db.session.get_one(User, world.admin_id), WHY)
        db.session.commit()
        return erased


def purge_rows(world: World, *ids: int) -> int:
    """What remove_contacts() does with them."""
    with world.session():
        call = func.purge_evidence(list(ids), None, "Retention", "Older than seven years.")
        purged = int(db.session.execute(select(call)).scalar_one())
        db.session.commit()
        return purged


def seal_yesterday_with_the_records(owner: Engine, world: World) -> None:
    """As if they had been made yesterday, so that a test need not wait for midnight."""
    with behind_its_back(owner) as connection:
        values = {"at": noon(1), "tenant": world.tenant_id, "day": noon(1).date()}
        for table in ("retired_evidence", "retired_changes"):
            back = text(f"UPDATE {table} SET retired_at = :at WHERE tenant_id = :tenant")
            connection.execute(back, values)
        connection.execute(text("DELETE FROM seals WHERE tenant_id = :tenant AND day = :day"), values)
    assert seal(world) == 1


def test_all_columns_are_said_to_stay_or_to_go() -> None:
    assert GOES | set(STAYS) == set(Evidence.__table__.columns.keys())


def test_erasing_a_person_leaves_nothing_of_them_in_their_evidence_and_it_stays_proven(
    world: World,
) -> None:
    contact_id, merged_id = known(world), known(world)
    agree(world, contact_id, 5, 3)
    agree(world, merged_id, 4)
    seal(world)
    with world.session():
        agent = db.session.get_one(User, world.agent_id)
        given = Given(Method.PAPER, words="Open", ip="203.0.113.9", collected_by="Ana", sha256=bytes(32))
        evidence.record([(contact_id, world.team_id)], given, Way.RECORD, agent, "open.csv")
        db.session.commit()
    merge(world, contact_id, merged_id)
    with world.session():
        ids = {contact_id, merged_id}
        before = {row.id: row for row in evidence.evidence_of(contact_id)}
        assert {row.contact_id for row in before.values()} == ids
        db.session.expunge_all()
    erase(world, contact_id, WHY)
    with world.session():
        rows = db.session.scalars(select(Evidence)).all()
        assert len(rows) == 4
        for row in rows:
            assert (row.page_url, row.sha256, row.ip, row.collected_by, row.origin) == ("", None, "", "", "")
            assert (row.words, row.number) == (f"Erased: {WHY}", f"erased-{row.contact_id}")
            assert [getattr(row, name) for name in STAYS] == [getattr(before[row.id], name) for name in STAYS]
    outcome = check(world)
    assert outcome.intact, outcome.problem
    assert erase_rows(world, *before) == 0


def test_evidence_erased_before_its_day_is_sealed_is_sealed_as_it_was_written(
    world: World, owner: Engine
) -> None:
    (row,) = agree(world, world.add_contact(), 2)
    written = text(f"SELECT evidence_digest(e) FROM consent_evidence e WHERE id = {row}")
    with world.session():
        digest = db.session.scalar(written)
    erase_rows(world, row)
    seal(world)
    with world.session():
        kept = text(f"SELECT digest FROM sealed_evidence WHERE evidence_id = {row}")
        assert db.session.scalar(kept) == digest
    seal_yesterday_with_the_records(owner, world)
    assert check(world).intact


def test_the_day_evidence_was_erased_on_is_sealed_with_its_record(
    world: World, owner: Engine, tmp_path: Path
) -> None:
    contact_id = world.add_contact()
    flip(world, contact_id, 5, 3)
    first, second, third, _ = agree(world, contact_id, 5, 4, 3, 3)
    seal(world)
    erase_rows(world, first, second)
    assert purge_rows(world, first) == 0, "they have a status in the team"
    with world.session():
        db.session.execute(text("SELECT leave_teams(ARRAY[:id])"), {"id": contact_id})
        db.session.commit()
    assert purge_rows(world, second, third) == 2
    seal_yesterday_with_the_records(owner, world)
    day = sealed_days(world)[-1]
    assert (day.version, day.evidence, day.retired_evidence) == (3, 0, 4)
    outcome = check(world)
    assert outcome.intact, outcome.problem
    assert (outcome.evidence, outcome.retired_evidence, outcome.retired) == (4, 4, 0)
    make_files(world, tmp_path)
    done = check_files(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_no_evidence_of_an_open_day_is_purged(world: World) -> None:
    row, last = agree(world, world.add_contact(), 3, 0)
    assert purge_rows(world, row) == 0
    seal(world)
    assert purge_rows(world, row, last) == 1


_MADE_UP = (
    "INSERT INTO retired_evidence (tenant_id, evidence_id, day, digest, how, retired_at, user_name, reason,"
    " replaced) SELECT tenant_id, id, history_day(recorded_at), evidence_digest(e), 'erased', {when},"
    " 'x', 'x', evidence_digest(erased_evidence(e, 'x')) FROM consent_evidence e WHERE id = {other};"
    " UPDATE consent_evidence SET words = 'Erased: x', page_url = '', sha256 = NULL, ip = '',"
    " number = 'erased-' || contact_id, collected_by = '', origin = '' WHERE id = {other}"
)


FORGERIES = {
    "its words put back": ("UPDATE consent_evidence SET words = 'Yes' WHERE id = {row}", Kind.ALTERED),
    "its method": ("UPDATE consent_evidence SET method = 'paper' WHERE id = {row}", Kind.ALTERED),
    "erased evidence deleted": ("DELETE FROM consent_evidence WHERE id = {row}", Kind.MISSING),
    "its record deleted": ("DELETE FROM retired_evidence WHERE evidence_id = {row}", Kind.ALTERED),
    "its record's reason": (
        "UPDATE retired_evidence SET reason = 'x' WHERE evidence_id = {row}",
        Kind.ALTERED,
    ),
    "its record's author": (
        "UPDATE retired_evidence SET user_name = 'x' WHERE evidence_id = {row}",
        Kind.RETIRED,
    ),
    "a record moved to a later day": (
        "UPDATE retired_evidence SET retired_at = now() WHERE evidence_id = {row}",
        Kind.RETIRED,
    ),
    "a record that dodges every seal": (
        "UPDATE retired_evidence SET retired_at = now() + interval '9 years' WHERE evidence_id = {row}",
        Kind.ALTERED,
    ),
    "a record from before the first seal": (
        "UPDATE retired_evidence SET retired_at = '-infinity' WHERE evidence_id = {row}",
        Kind.RETIRED,
    ),
    "other evidence erased with a record made up for a sealed day": (
        _MADE_UP.replace("{when}", "'{yesterday}'"),
        Kind.RETIRED,
    ),
    "other evidence deleted with a record made up for a sealed day": (
        "INSERT INTO retired_evidence (tenant_id, evidence_id, day, digest, how, retired_at, user_name,"
        " reason) SELECT tenant_id, evidence_id, day, digest, 'purged', '{yesterday}', 'x', 'x'"
        " FROM sealed_evidence WHERE evidence_id = {other};"
        " DELETE FROM consent_evidence WHERE id = {other}",
        Kind.RETIRED,
    ),
    **{
        f"an erased row that still has {column}": (
            f"UPDATE consent_evidence SET {column} = {value} WHERE id = {{row}};"
            " UPDATE retired_evidence SET replaced = evidence_digest(e) FROM consent_evidence e"
            " WHERE e.id = evidence_id AND evidence_id = {row}",
            Kind.ALTERED,
        )
        for column, value in {
            "page_url": "'https://lakeside.example/maya'",
            "sha256": "sha256('')",
            "ip": "'203.0.113.7'",
            "number": "'+12125550199'",
            "collected_by": "'Her brother'",
            "origin": "'spring.csv'",
            "words": "'Erased: but she said yes'",
        }.items()
    },
}


@pytest.mark.parametrize("what", FORGERIES)
def test_what_was_altered_under_the_name_of_an_erasure_of_evidence_is_found(
    world: World, owner: Engine, what: str, tmp_path: Path
) -> None:
    row, other = agree(world, world.add_contact(), 5, 3)
    seal(world)
    erase_rows(world, row)
    seal_yesterday_with_the_records(owner, world)
    statement, kind = FORGERIES[what]
    names = {"row": row, "other": other, "yesterday": noon(1).isoformat()}
    with behind_its_back(owner) as connection:
        for part in statement.format(**names).split(";"):
            connection.exec_driver_sql(part)
    problem = check(world).problem
    assert problem
    assert problem.kind == kind
    if kind != Kind.RETIRED:
        assert problem.evidence_id == row
    else:
        assert "record of evidence erased or purged" in problem.text
    make_files(world, tmp_path)
    assert check_files(tmp_path).returncode == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE consent_evidence SET words = '' WHERE id = {row}",
        "UPDATE consent_evidence SET words = 'Maya' WHERE id = {erased}",
        "DELETE FROM consent_evidence WHERE id = {erased}",
        "TRUNCATE consent_evidence",
        "INSERT INTO retired_evidence (tenant_id, evidence_id, day, digest, how, retired_at, user_name,"
        " reason) SELECT tenant_id, id, now(), '', 'purged', now() - interval '2 days', '', ''"
        " FROM consent_evidence WHERE id = {row}",
        "INSERT INTO retired_evidence (tenant_id, evidence_id, day, digest, how, retired_at, user_name,"
        " reason) SELECT tenant_id, id, now(), '', 'purged', now() + interval '1 day', '', ''"
        " FROM consent_evidence WHERE id = {row}",
    ],
)
def test_there_is_no_other_way_past_evidence_even_for_its_owner(
    world: World, owner: Engine, statement: str
) -> None:
    erased, row = agree(world, world.add_contact(), 5, 3)
    seal(world)
    erase_rows(world, erased)
    with owner.connect() as connection, pytest.raises(DBAPIError, match=r"append-only|another time than now"):
        connection.execute(text(statement.format(row=row, erased=erased)))


def test_another_tenants_evidence_is_out_of_reach(world: World, legacy_world: World) -> None:
    (theirs,) = agree(legacy_world, legacy_world.add_contact(), 5)
    seal(legacy_world)
    assert (erase_rows(world, theirs), purge_rows(world, theirs)) == (0, 0)
    with world.session():
        assert db.session.scalar(select(func.count()).select_from(RetiredEvidence)) == 0


def test_an_erasure_with_the_clock_set_back_is_sealed_after_the_newest_seal(
    world: World, owner: Engine
) -> None:
    contact_id = world.add_contact()
    agree(world, contact_id, 3)
    seal(world)
    ahead = TODAY + timedelta(days=2)
    seal_up_to(world, owner, ahead)
    erase(world, contact_id, WHY)
    (row,) = evidence_of(world, contact_id)
    assert row.words.startswith(f"Erased: {WHY} Recorded at ")
    assert SAID.fullmatch(row.words)
    assert check(world).intact
    seal_up_to(world, owner, ahead + timedelta(days=1))
    outcome = check(world)
    assert (outcome.intact, outcome.retired_evidence) == (True, 1), outcome.problem


def test_a_legal_hold_keeps_evidence_from_an_erasure(world: World) -> None:
    contact_id = known(world)
    (row,) = agree(world, contact_id, 3)
    hold(world, contact_id)
    with pytest.raises(OnHold):
        erase(world, contact_id)
    assert [(each.id, each.ip) for each in evidence_of(world, contact_id)] == [(row, "203.0.113.7")]


def hold(world: World, contact_id: int) -> None:
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        holds.set_hold(admin, db.session.get_one(Contact, contact_id), "Case 12")
        db.session.commit()
