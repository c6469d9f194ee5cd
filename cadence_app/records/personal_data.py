"""Everything stored about one person, as they may ask for it: a ZIP of JSON, CSV, files and the certificate.

What there is, each area says itself (traces.py, docs/records.md).
"""

from __future__ import annotations

import csv
import io
import json
import tempfile
import time
import zipfile
from collections.abc import Sequence
from typing import IO, Any

from sqlalchemy import func, select

from cadence_app import files
from cadence_app.accounts.models import User
from cadence_app.contacts import forgetting
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.records.certificate import certify
from cadence_app.records.certificate_pdf import draw
from cadence_app.spreadsheets import defused
from cadence_app.traces import Person, StoredFile, all_traces, instant
from cadence_app.ui.navigation import Words

# Of texts and changes together. A person has some hundreds; past this a page would wait too long.
MOST_ROWS = 50_000
# Of all files together: a page would wait too long, and the ZIP grow too large to be taken along.
MOST_BYTES = 500 * 1024 * 1024
_IN_MEMORY = 4 * 1024 * 1024
# Columns of numbers that were validated: a spreadsheet shows them as they are.
_NUMBERS = {"number", "inbox_number", "other_number"}


class TooMuch(ValueError):
    """More rows, or larger files, than a download may have."""


def archive_of(user: User, contact: Contact, words: Words) -> IO[bytes]:
    """The ZIP file, at its start. Errors: TooMuch."""
    person = forgetting.person_of([contact.id])
    _refuse_too_much(person)
    handed = [traces.hand_out(person) for traces in all_traces()]
    tables = {name: rows for each in handed for name, rows in each.tables.items()}
    details = {name: value for each in handed for name, value in each.details.items()}
    target = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - the caller sends it
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", _about(user, contact))
        archive.writestr("data.json", json.dumps({"person": details, **tables}, ensure_ascii=False, indent=2))
        for name, rows in tables.items():
            archive.writestr(f"{name}.csv", _csv(rows))
        for file in (file for each in handed for file in each.files):
            _put(archive, file)
        certificate = certify(user, contact.id)
        if certificate:
            archive.writestr("consent-certificate.pdf", draw(certificate, words))
    target.seek(0)
    return target


def _refuse_too_much(person: Person) -> None:
    sizes = [traces.size(person) for traces in all_traces()]
    rows, file_bytes = sum(size.rows for size in sizes), sum(size.file_bytes for size in sizes)
    if rows > MOST_ROWS or file_bytes > MOST_BYTES:
        raise TooMuch


def _about(user: User, contact: Contact) -> str:
    now = db.session.scalars(select(func.now())).one()
    told = {name: said for traces in all_traces() for name, said in traces.told.items()}
    tables = "".join(f"{name}: {said}.\n" for name, said in told.items())
    return (
        f"What {user.tenant.name} has stored in Cadence about {contact.name or contact.number}.\n"
        f"Made {instant(now)} by {user.name}. Times are UTC.\n\n"
        f"data.json has everything; the CSV files have the same in tables:\n\n{tables}\n"
        "consent-certificate.pdf is the history with what proves that it was not altered.\n"
    )


def _put(archive: zipfile.ZipFile, file: StoredFile) -> None:
    """Puts a file into the ZIP as it is, for pictures are packed already."""
    try:
        chunks = files.chunks(file.key)
    except FileNotFoundError:
        archive.writestr(f"{file.place}.missing.txt", "This file is gone from the storage.\n")
        return
    entry = zipfile.ZipInfo(file.place, time.gmtime()[:6])
    with archive.open(entry, "w") as target:
        for chunk in chunks:
            target.write(chunk)


def _csv(rows: Sequence[dict[str, Any]]) -> bytes:
    """A table for spreadsheets: UTF-8 with BOM, and text that a spreadsheet would run defused (OWASP)."""
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _defused(name, value) for name, value in row.items()} for row in rows)
    return text.getvalue().encode("utf-8-sig")


def _defused(name: str, value: Any) -> Any:
    return value if name in _NUMBERS or not isinstance(value, str) else defused(value)
