"""A Cadence of its own for a run: engines in a scratch folder, one tenant, as many changes as wanted."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import Engine, create_engine, text

import config
from cadence_app import create_app, embedded
from cadence_app.accounts import service as accounts
from cadence_app.accounts.models import Navigation, Role
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db

ROOT = Path(__file__).parent.parent

_FIRST = datetime(2026, 1, 1, tzinfo=UTC)
_LOAD = """
COPY opt_out_changes (tenant_id, contact_id, team_id, status, changed_at, source, first_name, last_name,
    external_id, number, team_code, user_name, words, reason) FROM STDIN
"""


@dataclass(frozen=True)
class Scratch:
    app: Flask
    tenant_id: int
    team_id: int
    contact_id: int
    user_id: int
    data_dir: Path


@contextmanager
def scratch_installation() -> Iterator[Scratch]:
    folder = Path(tempfile.mkdtemp(prefix="cadence-bench-"))
    folder.chmod(0o755)
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "MAIL_SERVER", "FILES_URL"):
        os.environ.pop(name, None)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        mail_port = listener.getsockname()[1]
    os.environ |= {"CADENCE_DATA_DIR": str(folder), "MAIL_PORT": str(mail_port), "FLASK_APP": "wsgi:app"}
    programs = [
        subprocess.Popen(embedded.command(name), stdout=subprocess.DEVNULL) for name in ("redis", "mail")
    ]
    try:
        app = create_app(config.load())
        with app.app_context():
            upgrade(directory=str(ROOT / "migrations"))
            yield _tenant(app, folder)
    finally:
        for program in programs:
            program.terminate()
            program.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _tenant(app: Flask, folder: Path) -> Scratch:
    tenant = accounts.create_tenant("Bench College", Navigation.TEAMS, "America/New_York")
    team = accounts.create_team("Admissions", "ADM")
    user = accounts.create_user("admin@bench.example", "Bench Admin", "not-a-secret", Role.ADMIN, [team])
    contact = Contact(tenant_id=tenant.id, number="+12125550100", first_name="", last_name="", external_id="")
    db.session.add(contact)
    db.session.commit()
    return Scratch(app, tenant.id, team.id, contact.id, user.id, folder)


def superuser(scratch: Scratch) -> Engine:
    """For whom row-level security is no bar."""
    return create_engine(config.database_url(embedded.ensure_postgres(scratch.data_dir)))


def load_changes(scratch: Scratch, rows: int) -> None:
    """Fills the tenant's history up to this many rows, by COPY as the superuser."""
    engine = superuser(scratch)
    with engine.begin() as connection:
        have = connection.scalar(text("SELECT count(*) FROM opt_out_changes")) or 0
        with connection.connection.cursor().copy(_LOAD) as copy:
            # In the order of time, as a ledger that is only appended to lies on the disk.
            for index in range(have, rows):
                moment = _FIRST + timedelta(seconds=10 * index)
                copy.write_row(
                    (
                        *(scratch.tenant_id, scratch.contact_id, scratch.team_id),
                        *("opted_out" if index % 2 else "opted_in", moment, "keyword"),
                        *(f"First{index % 5000}", f"Last{index % 7000}", f"{index:07}"),
                        *(f"+1212{index % 10_000_000:07}", "ADM", "", "STOP", ""),
                    )
                )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE opt_out_changes"))
    engine.dispose()
