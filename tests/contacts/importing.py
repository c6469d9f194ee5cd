"""What tests of imports do: upload a file, be its worker, look at what became of it."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from sqlalchemy import text

from cadence_app import files
from cadence_app.accounts.models import User
from cadence_app.contacts.imports import jobs, mapping, service
from cadence_app.contacts.imports.models import Import
from cadence_app.contacts.imports.refusal import Unreadable
from cadence_app.extensions import db
from tests.world import World

HEADER = ("FirstName", "LastName", "ContactId", "MobileNumber", "DepartmentCode", "OptedOut")
HISTORY = ("FirstName", "LastName", "ContactId", "DepartmentCode", "MobileNumber", "Status", "StatusDate")


def csv_of(*rows: Sequence[str], header: Sequence[str] = HEADER) -> bytes:
    made = io.StringIO(newline="")
    csv.writer(made).writerows([header, *rows])
    return made.getvalue().encode()


def upload(world: World, content: bytes, name: str = "people.csv", user_id: int | None = None) -> int:
    """Stores a file and opens it, as the worker does. Errors: Unreadable, as the import's page says."""
    with world.session():
        user = db.session.get_one(User, user_id or world.admin_id)
        import_id = service.take(user, name, io.BytesIO(content)).id
    opened = work(world, import_id)
    if opened.state == "failed":
        raise Unreadable(opened.problem)
    return import_id


def work(world: World, import_id: int) -> Import:
    """Does the worker's part in this process."""
    with world.app.app_context():
        jobs.run_import(world.tenant_id, import_id)
    return row(world, import_id)


def check(
    world: World, import_id: int, teams: Sequence[int] = (), choices: Sequence[str] | None = None
) -> Import:
    """Takes the suggested columns, or these, and has the file checked."""
    with world.session():
        imported = db.session.get_one(Import, import_id)
        chosen = list(choices or [each["kind"] for each in imported.columns])
        service.check(imported, mapping.targets(imported.headers, chosen), list(teams))
    return work(world, import_id)


def start(world: World, import_id: int, stop_reason: str = "") -> None:
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        imported = db.session.get_one(Import, import_id)
        lifts_stops = bool(stop_reason)
        assert service.start(admin, imported, lifts_stops, stop_reason, imported.refused_opt_outs)


def run(
    world: World,
    content: bytes,
    teams: Sequence[int] = (),
    stop_reason: str = "",
    choices: Sequence[str] | None = None,
    name: str = "people.csv",
) -> Import:
    """A whole import of a file that can be read."""
    import_id = upload(world, content, name)
    checked = check(world, import_id, teams, choices)
    assert checked.state == "ready", checked.problem
    start(world, import_id, stop_reason)
    done = work(world, import_id)
    assert done.state == "done", done.problem
    return done


def row(world: World, import_id: int) -> Import:
    with world.session():
        imported = db.session.get_one(Import, import_id)
        db.session.expunge_all()
        return imported


def counts(imported: Import) -> tuple[int, int, int, int]:
    """New, updated, unchanged, refused."""
    return imported.rows_new, imported.rows_updated, imported.rows_unchanged, imported.rows_refused


def problems(world: World, imported: Import) -> list[str]:
    """The last column of the result file."""
    if not imported.result_key:
        return []
    with world.session():
        content = files.read(imported.result_key)
    return [cells[-1] for cells in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))][1:]


def everything(world: World) -> list[Any]:
    """All that an import could write, with the transaction that last wrote each row."""
    with world.session():
        return [
            db.session.execute(text(f"SELECT xmin::text, t.* FROM {table} t ORDER BY {order}")).all()
            for table, order in (
                ("contacts", "id"),
                ("consents", "contact_id, team_id"),
                ("opt_out_changes", "id"),
                ("contact_tags", "contact_id, tag_id"),
                ("tags", "id"),
                ("custom_fields", "id"),
                ("blocks", "id"),
                ("possible_opt_outs", "id"),
            )
        ]


def statuses(world: World, number: str) -> tuple[str | None, str | None]:
    contact_id = world.contact_id(number)
    return world.status(contact_id), world.status(contact_id, world.other_team_id)
