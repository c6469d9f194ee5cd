"""What imports keep of a person who was erased or removed by age, and how it goes: rows that wait or were
refused, what is said of rows, the first rows on pages, and the files.

A file of an import that has ended goes with the next sweep. One that waits is still needed for everybody else
in it: its rows of them are refused, now and whenever it is read again, and no page or result shows them.
"""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Text,
    cast,
    delete,
    false,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

from cadence_app.contacts.imports.models import (
    ENDED,
    Import,
    ImportContact,
    ImportOptOut,
    ImportOutcome,
    ImportRow,
)
from cadence_app.contacts.imports.refusals import Kind
from cadence_app.extensions import db
from cadence_app.traces import Leaving, Person

_WHY = [[0, str(Kind.ERASED), "This person was erased, or removed by age, after the file was uploaded."]]
# A number that has texted since is somebody's again.
_ANY_SINCE = text("SELECT EXISTS (SELECT FROM number_stops WHERE origin <> 'text' AND said_at > :since)")
_REFUSE_SINCE = text("""
UPDATE import_rows r SET first_name = '', last_name = '', external_id = '', number = '', tags = '{}',
    custom = '{}', given = NULL, choice = NULL, problems = CAST(:why AS jsonb)
WHERE r.import_id = :import_id AND r.number <> '' AND EXISTS (
    SELECT FROM number_stops s WHERE s.tenant_id = r.tenant_id AND s.origin <> 'text' AND s.said_at > :since
      AND s.digest IN (SELECT number_digest(r.tenant_id, spelled) FROM number_spellings(r.number) AS spelled))
""")


def forget(leaving: Leaving) -> None:
    """Clears every import of these people, in this transaction. A row that has not come to them yet is
    refused: it would bring them back."""
    _expire_files(leaving)
    _refuse_rows(leaving)
    _forget_outcomes(leaving)
    db.session.execute(delete(ImportOptOut).where(ImportOptOut.contact_id.in_(leaving.ids)))
    # Whose rows a page shows of a file that waits can't be told: numbers stand there as people write them.
    shown = Import.preview.op("-", return_type=JSONB())(cast(["rows", "head"], ARRAY(Text)))
    db.session.execute(
        update(Import)
        .where(Import.preview != {})
        .values(preview=shown)
        .execution_options(synchronize_session=False)
    )


def refuse_since(connection: Connection, import_id: int, since: datetime) -> None:
    """Refuses the staged rows of people who were erased or removed by age since a file came: their numbers
    tell, by the stops that they left."""
    if connection.scalar(_ANY_SINCE, {"since": since}):
        values = {"import_id": import_id, "since": since, "why": json.dumps(_WHY)}
        connection.execute(_REFUSE_SINCE, values)


def rows_of(person: Person) -> ColumnElement[bool]:
    """The condition on staged rows that name them."""
    return or_(ImportRow.number.in_(person.numbers), ImportRow.external_id.in_(person.external_ids))


def notes_of(person: Person) -> ColumnElement[bool]:
    """The condition on outcomes that say something of them: who has the number of another row."""
    said = (
        ImportOutcome.note.contains(f"with the ContactId {each}.", autoescape=True)
        for each in person.external_ids
    )
    return or_(false(), *said)


def _expire_files(leaving: Leaving) -> None:
    named = select(ImportContact.import_id).where(ImportContact.contact_id.in_(leaving.ids))
    staged = select(ImportRow.import_id).where(rows_of(leaving))
    said = select(ImportOutcome.import_id).where(notes_of(leaving))
    theirs = or_(Import.id.in_(named), Import.id.in_(staged), Import.id.in_(said))
    db.session.execute(
        update(Import)
        .where(theirs, Import.state.in_(ENDED), or_(Import.file_key != "", Import.result_key != ""))
        .values(expires_at=func.least(Import.expires_at, func.now()))
        .execution_options(synchronize_session=False)
    )


def _refuse_rows(leaving: Leaving) -> None:
    db.session.execute(
        update(ImportRow)
        .where(rows_of(leaving))
        .values(
            first_name="",
            last_name="",
            external_id="",
            number="",
            tags=[],
            custom={},
            given=None,
            choice=None,
            problems=_WHY,
        )
        .execution_options(synchronize_session=False)
    )


def _forget_outcomes(leaving: Leaving) -> None:
    ids = leaving.ids
    for condition, values in (
        (notes_of(leaving), {"note": ""}),
        (ImportOutcome.contact_id.in_(ids), {"contact_id": None, "note": ""}),
        (ImportOutcome.waits_for_id.in_(ids), {"waits_for_id": None, "note": ""}),
    ):
        db.session.execute(
            update(ImportOutcome).where(condition).values(values).execution_options(synchronize_session=False)
        )
