"""Rows that were erased or purged: the seals still prove the rest, and nothing else gets past them."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import DBAPIError

from cadence_app.accounts.models import User
from cadence_app.consent import retiring, seals
from cadence_app.consent.models import Source
from cadence_app.consent.seal_models import RetiredChange
from cadence_app.consent.verifying import Kind
from cadence_app.extensions import db
from tests.consent.history import TODAY, behind_its_back, check, flip, noon, seal, sealed_days
from tests.consent.test_independent_proof import check_files, make_files
from tests.world import World, new_number

WHY = "Asked for by the person."


def erase(world: World, *change_ids: int) -> int:
    with world.session():
        erased = retiring.erase_changes(change_ids, db.session.get_one(User, world.admin_id), WHY)
        db.session.commit()
        return erased


def purge(world: World, *change_ids: int) -> int:
    with world.session():
        purged = retiring.purge_changes(change_ids, None, "Retention", "Older than seven years.")
        db.session.commit()
        return purged


def backdate(owner: Engine, world: World, days_ago: int) -> None:
    """Moves the records of what was retired into the past, so that a test need not wait for midnight."""
    with behind_its_back(owner) as connection:
        connection.execute(
            text("UPDATE retired_changes SET retired_at = :at WHERE tenant_id = :tenant"),
            {"at": noon(days_ago), "tenant": world.tenant_id},
        )


def seal_up_to_now(owner: Engine, world: World) -> None:
    """Seals yesterday as if the records had been made then."""
    backdate(owner, world, 1)
    with behind_its_back(owner) as connection:
        connection.execute(
            text("DELETE FROM seals WHERE tenant_id = :tenant AND day = :day"),
            {"tenant": world.tenant_id, "day": TODAY.fromordinal(TODAY.toordinal() - 1)},
        )
    assert seal(world) == 1


def test_an_erased_row_keeps_what_is_no_person_and_the_history_stays_proven(world: World) -> None:
    contact_id = world.add_contact(external_id="S-1")
    first, second, _ = flip(world, contact_id, 5, 3, 2)
    seal(world)
    before = world.history(contact_id)
    assert erase(world, first, second) == 2
    rows = world.history(contact_id)
    for row, was in zip(rows[:2], before[:2], strict=True):
        assert (row.first_name, row.last_name, row.external_id, row.words) == ("", "", "", "")
        assert (row.number, row.reason) == (f"erased-{contact_id}", f"Erased: {WHY}")
        kept = ("status", "changed_at", "source", "team_id", "team_code", "contact_id", "user_name")
        assert [getattr(row, name) for name in kept] == [getattr(was, name) for name in kept]
    assert rows[2].number == before[2].number
    assert check(world).intact
    assert erase(world, first) == 0


def test_a_purged_row_is_gone_and_the_history_stays_proven(world: World) -> None:
    contact_id = world.add_contact()
    first, second, last = flip(world, contact_id, 5, 3, 0)
    assert purge(world, first) == 0, "no day is sealed yet"
    seal(world)
    assert purge(world, first, second, last) == 2
    assert [row.id for row in world.history(contact_id)] == [last]
    assert check(world).intact


def test_a_row_that_a_status_rests_on_is_not_purged(world: World) -> None:
    contact_id = world.add_contact()
    first, second = flip(world, contact_id, 5, 3)
    seal(world)
    assert purge(world, first, second) == 1
    assert [row.id for row in world.history(contact_id)] == [second]


def test_a_row_that_was_erased_may_be_purged_later(world: World) -> None:
    first, _ = flip(world, world.add_contact(), 5, 3)
    seal(world)
    assert (erase(world, first), purge(world, first)) == (1, 1)
    assert check(world).intact


def test_a_row_erased_before_its_day_is_sealed_is_sealed_as_it_was_written(world: World) -> None:
    contact_id = world.add_contact()
    (first,) = flip(world, contact_id, 2)
    row_digest = text(f"SELECT {seals.ROW_DIGEST} FROM opt_out_changes WHERE id = {first}")
    with world.session():
        written = db.session.scalar(row_digest)
    erase(world, first)
    seal(world)
    assert check(world).intact
    with world.session():
        kept = text(f"SELECT digest FROM sealed_changes WHERE change_id = {first}")
        assert db.session.scalar(kept) == written


def test_the_day_of_an_erasure_is_sealed_with_its_record(world: World, owner: Engine) -> None:
    first, _ = flip(world, world.add_contact(), 5, 3)
    seal(world)
    erase(world, first)
    seal_up_to_now(owner, world)
    day = sealed_days(world)[-1]
    assert (day.version, day.retired, day.retired_digest is not None) == (2, 1, True)
    outcome = check(world)
    assert (outcome.intact, outcome.retired) == (True, 1)


def test_the_database_computes_the_same_digest_as_the_seals(world: World) -> None:
    flip(world, world.add_contact(first_name='Zoë, "Z"\n:1,'), 5, 3, source=Source.IMPORT)
    world.text(new_number(), "Hello, 世界")
    with world.session():
        both = text(f"SELECT change_digest(c), {seals.ROW_DIGEST} FROM opt_out_changes c")
        rows = db.session.execute(both).all()
    assert len(rows) == 3
    assert all(row[0] == row[1] for row in rows)


FORGERIES = {
    "an altered row that was erased": (
        "UPDATE opt_out_changes SET status = 'opted_in' WHERE id = {row}",
        Kind.ALTERED,
    ),
    "a name put back": ("UPDATE opt_out_changes SET first_name = 'Maya' WHERE id = {row}", Kind.ALTERED),
    "an erased row deleted": ("DELETE FROM opt_out_changes WHERE id = {row}", Kind.MISSING),
    "its record deleted": ("DELETE FROM retired_changes WHERE change_id = {row}", Kind.ALTERED),
    "its record's reason": ("UPDATE retired_changes SET reason = 'x' WHERE change_id = {row}", Kind.ALTERED),
    "its record's author": (
        "UPDATE retired_changes SET user_name = 'x' WHERE change_id = {row}",
        Kind.RETIRED,
    ),
    "a record moved to a later day": (
        "UPDATE retired_changes SET retired_at = now() WHERE change_id = {row}",
        Kind.RETIRED,
    ),
    "a record that dodges every seal": (
        "UPDATE retired_changes SET retired_at = now() + interval '9 years' WHERE change_id = {row}",
        Kind.ALTERED,
    ),
    "a record from before the first seal": (
        "UPDATE retired_changes SET retired_at = '-infinity' WHERE change_id = {row}",
        Kind.RETIRED,
    ),
    "another row altered": ("UPDATE opt_out_changes SET words = '' WHERE id = {other}", Kind.ALTERED),
    "another row altered with a record made up for a sealed day": (
        "INSERT INTO retired_changes (tenant_id, change_id, day, digest, how, retired_at, user_name, reason,"
        " replaced) SELECT tenant_id, id, history_day(changed_at), change_digest(c), 'erased', '{yesterday}',"
        " 'x', 'x', change_digest(erased_change(c, 'x')) FROM opt_out_changes c WHERE id = {other};"
        " UPDATE opt_out_changes SET first_name = '', last_name = '', external_id = '', words = '',"
        " number = 'erased-' || contact_id, reason = 'Erased: x' WHERE id = {other}",
        Kind.RETIRED,
    ),
    "another row altered, but with a name, under a record of today": (
        "UPDATE opt_out_changes SET words = 'START' WHERE id = {other};"
        " INSERT INTO retired_changes (tenant_id, change_id, day, digest, how, user_name, reason,"
        " replaced) SELECT s.tenant_id, change_id, day, digest, 'erased', 'x', 'x', change_digest(c)"
        " FROM sealed_changes s JOIN opt_out_changes c ON c.id = change_id WHERE change_id = {other}",
        Kind.ALTERED,
    ),
    "another row deleted with a record made up for a sealed day": (
        "INSERT INTO retired_changes (tenant_id, change_id, day, digest, how, retired_at, user_name, reason)"
        " SELECT tenant_id, change_id, day, digest, 'purged', '{yesterday}', 'x', 'x' FROM sealed_changes"
        " WHERE change_id = {other}; DELETE FROM opt_out_changes WHERE id = {other}",
        Kind.RETIRED,
    ),
}


@pytest.mark.parametrize("what", FORGERIES)
def test_what_was_altered_under_the_name_of_an_erasure_is_found(
    world: World, owner: Engine, what: str, tmp_path: Path
) -> None:
    row, other = flip(world, world.add_contact(), 5, 3)
    seal(world)
    erase(world, row)
    seal_up_to_now(owner, world)
    statement, kind = FORGERIES[what]
    names = {"row": row, "other": other, "yesterday": noon(1).isoformat()}
    with behind_its_back(owner) as connection:
        for part in statement.format(**names).split(";"):
            connection.exec_driver_sql(part)
    problem = check(world).problem
    assert problem
    assert problem.kind == kind
    make_files(world, tmp_path)
    assert check_files(tmp_path).returncode == 1


def test_the_outsiders_program_agrees_about_what_was_erased_and_purged(
    world: World, owner: Engine, tmp_path: Path
) -> None:
    first, second, third, _ = flip(world, world.add_contact(), 5, 4, 3, 2)
    seal(world)
    erase(world, first, second)
    purge(world, second, third)
    seal_up_to_now(owner, world)
    erase(world, *[row.id for row in world.history(world.add_contact())])
    make_files(world, tmp_path)
    done = check_files(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert check(world).intact


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE opt_out_changes SET words = '' WHERE id = {row}",
        "UPDATE opt_out_changes SET first_name = 'Maya' WHERE id = {erased}",
        "DELETE FROM opt_out_changes WHERE id = {erased}",
        "TRUNCATE opt_out_changes CASCADE",
        "UPDATE retired_changes SET reason = ''",
        "DELETE FROM retired_changes",
        "TRUNCATE retired_changes",
        "INSERT INTO retired_changes (tenant_id, change_id, day, digest, how, retired_at, user_name, reason)"
        " SELECT tenant_id, id, now(), '', 'purged', now() - interval '2 days', '', '' FROM opt_out_changes"
        " WHERE id = {row}",
        "INSERT INTO retired_changes (tenant_id, change_id, day, digest, how, retired_at, user_name, reason)"
        " SELECT tenant_id, id, now(), '', 'purged', now() + interval '1 day', '', '' FROM opt_out_changes"
        " WHERE id = {row}",
    ],
)
def test_there_is_no_other_way_past_the_history_even_for_its_owner(
    world: World, owner: Engine, statement: str
) -> None:
    erased, row = flip(world, world.add_contact(), 5, 3)
    seal(world)
    erase(world, erased)
    with owner.connect() as connection, pytest.raises(DBAPIError, match=r"append-only|another time than now"):
        connection.execute(text(statement.format(row=row, erased=erased)))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE opt_out_changes SET words = ''",
        "DELETE FROM opt_out_changes",
        "INSERT INTO retired_changes (tenant_id, change_id, day, digest, how, user_name, reason)"
        " VALUES (1, 1, now(), '', 'purged', '', '')",
    ],
)
def test_the_applications_role_can_only_call_the_two_functions(world: World, statement: str) -> None:
    with world.session(), pytest.raises(DBAPIError, match="permission denied"):
        db.session.execute(text(statement))


def test_another_tenants_rows_are_out_of_reach(world: World, legacy_world: World) -> None:
    (theirs,) = flip(legacy_world, legacy_world.add_contact(), 5)
    seal(legacy_world)
    assert (erase(world, theirs), purge(world, theirs)) == (0, 0)
    with world.session():
        assert db.session.scalar(select(func.count()).select_from(RetiredChange)) == 0
