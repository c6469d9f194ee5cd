"""Two past imports, so that the list of them shows what one leaves behind: a clean one and one with refused
rows, whose file can be downloaded."""

from __future__ import annotations

import csv
import hashlib
import io
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from flask import current_app

from cadence_app import files
from cadence_app.accounts.models import Team, User
from cadence_app.contacts.imports.models import Import, ImportState
from cadence_app.extensions import db

_HEADERS = ("FirstName", "LastName", "MobileNumber", "DepartmentCode", "OptedOut")
_KINDS = ("first_name", "last_name", "number", "teams", "opted_out")
_REFUSED = (
    (
        "Priya",
        "Nair",
        "607 555 01",
        "{code}",
        "",
        "Line 12: MobileNumber: “607 555 01” is not a phone number. That number has too few or too many digits."
        " A full one is such as (212) 555-0123.",
    ),
    (
        *("Ana", "Silva", "303 555 0147", "{code}", "maybe"),
        "Line 31: OptedOut: “maybe” is none of yes, true, y, 1, no, false, n, 0.",
    ),
    (
        *("Jon", "Reed", "413 555 0162", "{code}", ""),
        "Line 48: MobileNumber: The same mobile number is on line 7.",
    ),
)


def load_imports(admin: User, teams: Sequence[Team]) -> None:
    """Adds both; the file of the refused rows is stored at once."""
    _add(admin, "Fall roster.csv", timedelta(days=6), rows_new=212, rows_updated=38, rows_unchanged=1_174)
    visits = _add(admin, "Campus visits.csv", timedelta(days=2), rows_new=41, rows_updated=9, rows_refused=3)
    visits.result_key = f"imports/{admin.tenant_id}/{uuid.uuid4().hex}.csv"
    content = io.StringIO(newline="")
    writer = csv.writer(content, lineterminator="\n")
    writer.writerow([*_HEADERS, "Problem"])
    writer.writerows([cell.format(code=teams[0].code) for cell in row] for row in _REFUSED)
    with files.writer(visits.result_key) as stored:
        stored.write(content.getvalue().encode("utf-8-sig"))


def _add(admin: User, name: str, ago: timedelta, **counts: int) -> Import:
    started, total = datetime.now(UTC) - ago, sum(counts.values())
    made = Import(
        tenant_id=admin.tenant_id,
        user_id=admin.id,
        created_at=started - timedelta(minutes=4),
        file_name=name,
        file_key="",
        size=total * 62,
        sha256=hashlib.sha256(name.encode()).hexdigest(),
        headers=list(_HEADERS),
        columns=[{"kind": kind} for kind in _KINDS],
        state=ImportState.DONE,
        touched_at=started,
        started_at=started,
        finished_at=started + timedelta(seconds=2),
        expires_at=datetime.now(UTC) + timedelta(days=current_app.config["IMPORT_KEEP_DAYS"]),
        rows_total=total,
        rows_done=total,
        statuses_changed=counts["rows_new"],
        applied_to=total + 1,
        **counts,
    )
    db.session.add(made)
    return made
