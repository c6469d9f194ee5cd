"""What an import leaves: its file for a while, its result, and a line in the log."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from cadence_app import files
from cadence_app.contacts.imports import jobs
from cadence_app.contacts.imports.models import Import, ImportRow
from cadence_app.extensions import db
from cadence_app.reports.kinds import KINDS
from tests.contacts.importing import (
    HEADER,
    check,
    csv_of,
    problems,
    row,
    run,
    upload,
)
from tests.reports.exporting import ask_for, attachment, mail_of, rows_of
from tests.reports.exporting import run as run_export
from tests.world import World, new_number


def test_a_file_whose_time_is_over_is_deleted_with_its_rows(world: World) -> None:
    import_id = upload(world, csv_of(("A", "", "", new_number(), "ADM", "")))
    key = check(world, import_id).file_key
    with world.session():
        db.session.execute(update(Import).values(expires_at=func.now() - timedelta(seconds=1)))
        db.session.commit()
    with world.app.app_context():
        jobs.remove_expired_imports()
    over = row(world, import_id)
    assert (over.state, over.file_key) == ("cancelled", "")
    with world.session():
        assert db.session.scalar(select(func.count()).select_from(ImportRow)) == 0
        with pytest.raises(FileNotFoundError):
            files.read(key)


def test_a_file_that_is_gone_says_so(world: World) -> None:
    import_id = upload(world, csv_of(("A", "", "", new_number(), "ADM", "")))
    with world.session():
        files.remove(db.session.get_one(Import, import_id).file_key)
    assert "gone from the storage" in check(world, import_id).problem


def test_the_log_of_imports_is_a_kind_of_export(world: World) -> None:
    number = new_number()
    world.text(number, "hi")
    world.text(number, "STOP")
    run(
        world,
        csv_of(("A", "", "", number, "ADM", "no"), ("B", "", "", "x", "ADM", ""), header=HEADER),
        stop_reason="=They signed.",
        name="=roster.csv",
    )
    upload(world, csv_of(("A", "", "", number, "ADM", "no")))
    export = run_export(world, ask_for(world, kind=KINDS["import-log"]))
    header, only = rows_of(attachment(mail_of(world, export)))
    told = dict(zip(header, only, strict=True))
    assert (told["User"], told["FileName"], told["State"]) == ("Admin Person", "'=roster.csv", "Done")
    assert (told["Rows"], told["New"], told["Updated"], told["Refused"]) == ("2", "0", "1", "1")
    assert (told["StatusesChanged"], told["LiftedStops"], told["Reason"]) == ("1", "Yes", "'=They signed.")


def test_every_problem_of_a_file_is_in_its_result_in_order(world: World) -> None:
    rows = [("A", "", "", "bad" if n % 2 else new_number(), "ADM", "") for n in range(40)]
    done = run(world, csv_of(*rows))
    said = problems(world, done)
    assert [each.split(":")[0] for each in said] == [f"Line {n + 2}" for n in range(40) if n % 2]
