"""That an import lifts stops is a column of its own: older imports have it; none lifts without a reason."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from cadence_app.contacts.imports.models import Import
from cadence_app.extensions import db
from tests.conftest import ROOT
from tests.contacts.importing import check as check_file
from tests.contacts.importing import csv_of, row, start, upload
from tests.world import World, new_number

_LIFTS = "SELECT lifts_stops FROM imports WHERE id = :id"


@pytest.fixture
def owner(world: World) -> Iterator[Connection]:
    """A transaction of the tables' owner, in which migrations run; it is rolled back."""
    engine = db.create_engine(world.app.config["DATABASE_OWNER_URL"])
    with engine.connect() as connection, Operations.context(MigrationContext.configure(connection)):
        yield connection
        connection.rollback()
    engine.dispose()


def _started(world: World, reason: str) -> int:
    import_id = upload(world, csv_of(("A", "", "", new_number(), "ADM", "")))
    check_file(world, import_id)
    start(world, import_id, reason)
    return import_id


def test_older_imports_that_gave_a_reason_lifted_stops(world: World, owner: Connection) -> None:
    lifting, other = _started(world, "They signed."), _started(world, "")
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    migration = ScriptDirectory.from_config(config).get_revision("0060").module
    migration.downgrade()
    migration.upgrade()
    owner.execute(text(f"SET LOCAL cadence.tenant_id = {world.tenant_id}"))
    found = [owner.scalar(text(_LIFTS), {"id": import_id}) for import_id in (lifting, other)]
    assert found == [True, False]


def test_an_import_that_lifts_stops_has_a_reason(world: World) -> None:
    import_id = _started(world, "")
    assert not row(world, import_id).lifts_stops
    with world.session():
        db.session.get_one(Import, import_id).lifts_stops = True
        with pytest.raises(IntegrityError, match="ck_imports_lifts_stops"):
            db.session.commit()


def test_a_reason_lifts_nothing_where_that_was_not_ticked(world: World) -> None:
    number = new_number()
    world.text(number, "STOP")
    import_id = upload(world, csv_of(("A", "", "", number, "ADM", "no")))
    check_file(world, import_id)
    with world.session():
        db.session.get_one(Import, import_id).stop_reason = "They signed."
        db.session.commit()
    start(world, import_id)
    done = row(world, import_id)
    assert (done.lifts_stops, done.stop_reason) == (False, "")
    assert world.status(world.contact_id(number)) == "opted_out"
