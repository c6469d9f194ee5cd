"""What contacts keep of a person: the record itself, their numbers and tags, numbers that are none, which
imports named them, and what is left of those imports."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from cadence_app.consent.retiring import ERASED_NUMBER
from cadence_app.contacts import fields, tags
from cadence_app.contacts.imports import erased
from cadence_app.contacts.imports.models import (
    Import,
    ImportContact,
    ImportOptOut,
    ImportOutcome,
    ImportRow,
)
from cadence_app.contacts.merging import merge_records
from cadence_app.contacts.models import Contact, ContactNumber, ContactTag, NumberToMend
from cadence_app.contacts.press_models import ContactPress
from cadence_app.extensions import db
from cadence_app.traces import (
    PERSON,
    Fate,
    HandedOut,
    Kept,
    Leaving,
    Merging,
    Person,
    Rows,
    Traces,
    instant,
    register,
)

_TABLES = (
    Kept(
        *(Contact, Fate.EMPTIED, Fate.WITH_RECORD, Fate.STAYS, PERSON),
        because="An id, days and who ended it, so that the history still knows one person from another"
        " (47 CFR 64.1200(a)(10): who stopped is not texted). One merged away says into whom.",
    ),
    Kept(
        *(ContactNumber, Fate.DELETED, Fate.WITH_RECORD, Fate.STAYS, "numbers"),
        because="In a merge, the numbers that ended say which record had them until when.",
    ),
    Kept(ContactTag, Fate.DELETED, Fate.WITH_RECORD, Fate.MOVED, PERSON),
    Kept(NumberToMend, Fate.DELETED, Fate.WITH_RECORD, Fate.MOVED, "numbers_to_mend"),
    Kept(ImportContact, Fate.DELETED, Fate.WITH_RECORD, Fate.MOVED, "imports"),
    Kept(
        *(Import, Fate.EMPTIED, Fate.EMPTIED, Fate.STAYS, "imports"),
        because="What an import did, as counts. Its file goes in minutes; one that waits is needed for the"
        " others in it, shows nothing of the person, and goes a week after it came (GDPR article 12(3)).",
    ),
    Kept(
        ImportRow,
        Fate.EMPTIED,
        Fate.EMPTIED,
        Fate.STAYS,
        "import_rows",
        "A row is of a file, not of a record.",
    ),
    Kept(
        *(ImportOutcome, Fate.EMPTIED, Fate.EMPTIED, Fate.STAYS, "import_rows"),
        because="What became of a row when it was applied.",
    ),
    Kept(
        *(ContactPress, Fate.EMPTIED, Fate.EMPTIED, Fate.STAYS, ""),
        because="Ids alone, for a day, so that a user can undo what they did with contacts in the list.",
    ),
    Kept(
        *(ImportOptOut, Fate.DELETED, Fate.DELETED, Fate.STAYS, ""),
        because="Ids alone, for as long as an import runs; what the file said is in import_rows.",
    ),
)
_TOLD = {
    "numbers": "the phone numbers over time",
    "numbers_to_mend": "numbers on the record that are none, so that nothing is sent to them",
    "imports": "the files of the last year that named them",
    "import_rows": "rows of files that wait, or that were refused and are still kept",
}


def _clear(leaving: Leaving) -> None:
    erased.forget(leaving)
    for contact_id in leaving.ids:
        db.session.execute(
            update(ContactPress)
            .where(ContactPress.contact_ids.contains([contact_id]))
            .values(contact_ids=func.array_remove(ContactPress.contact_ids, contact_id))
            .execution_options(synchronize_session=False)
        )


def _empty(leaving: Leaving) -> None:
    for table in (ImportContact, NumberToMend, ContactTag, ContactNumber):
        db.session.execute(delete(table).where(table.contact_id.in_(leaving.ids)))
    db.session.execute(
        update(Contact)
        .where(Contact.id.in_(leaving.ids))
        .values(
            first_name="",
            last_name="",
            external_id="",
            custom={},
            number=func.concat(ERASED_NUMBER, Contact.id),
            merged_into_id=None,
            gone_at=func.now(),
            gone_by_id=leaving.erased_by_id,
        )
        .execution_options(synchronize_session=False)
    )


def _move(merging: Merging) -> None:
    merge_records(merging)
    _name_kept(merging.kept_id, merging.gone_id)
    _keep_unsendable(merging.kept_id, merging.gone_id)


def _name_kept(kept_id: int, gone_id: int) -> None:
    """Imports that named the one who is gone have named the one kept."""
    theirs = ImportContact.contact_id == gone_id
    named = select(ImportContact.import_id, literal(kept_id), ImportContact.tenant_id).where(theirs)
    columns = ["import_id", "contact_id", "tenant_id"]
    db.session.execute(upsert(ImportContact).from_select(columns, named).on_conflict_do_nothing())
    db.session.execute(delete(ImportContact).where(theirs))


def _keep_unsendable(kept_id: int, gone_id: int) -> None:
    """A number to which nothing may be sent is the kept one's now."""
    theirs = NumberToMend.contact_id == gone_id
    copied = (NumberToMend.tenant_id, NumberToMend.number, NumberToMend.left_at, NumberToMend.left_by_id)
    columns = ["contact_id", *(column.key for column in copied)]
    rows = select(literal(kept_id), *copied).where(theirs)
    db.session.execute(upsert(NumberToMend).from_select(columns, rows).on_conflict_do_nothing())
    db.session.execute(delete(NumberToMend).where(theirs))


def _hand_out(person: Person) -> HandedOut:
    contact = db.session.get_one(Contact, person.ids[0])
    return HandedOut(
        {
            "numbers": _numbers(person),
            "numbers_to_mend": _to_mend(person),
            "imports": _imports(person),
            "import_rows": _import_rows(person),
        },
        _details(contact),
    )


def _details(contact: Contact) -> dict[str, Any]:
    return {
        "contact": contact.id,
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "contact_id": contact.external_id,
        "number": contact.number,
        "added": instant(contact.created_at),
        "tags": [tag.name for tag in tags.tags_of([contact.id])[contact.id]],
        "fields": {
            field.name: contact.custom[str(field.id)]
            for field in fields.custom_fields()
            if str(field.id) in contact.custom
        },
    }


def _numbers(person: Person) -> Rows:
    query = select(ContactNumber).where(ContactNumber.contact_id.in_(person.ids))
    ordered = query.order_by(ContactNumber.until.desc().nulls_first(), ContactNumber.id.desc())
    return [
        {
            "number": each.number,
            "since": instant(each.since),
            "until": instant(each.until),
            "by": each.user.name if each.user else "",
            "ended_by": each.ended_by.name if each.ended_by else "",
            "reason": each.reason,
        }
        for each in db.session.scalars(ordered)
    ]


def _to_mend(person: Person) -> Rows:
    query = select(NumberToMend).where(NumberToMend.contact_id.in_(person.ids)).order_by(NumberToMend.number)
    return [
        {"number": each.number, "found_at": instant(each.found_at), "left_at": instant(each.left_at)}
        for each in db.session.scalars(query)
    ]


def _imports(person: Person) -> Rows:
    named = select(ImportContact.import_id).where(ImportContact.contact_id.in_(person.ids))
    query = select(Import).where(Import.id.in_(named)).order_by(Import.id)
    return [{"file": each.file_name, "at": instant(each.started_at)} for each in db.session.scalars(query)]


def _import_rows(person: Person) -> Rows:
    own_fields = {str(field.id): field.name for field in fields.custom_fields()}
    query = (
        select(ImportRow, Import.file_name, ImportOutcome.result)
        .join(Import, Import.id == ImportRow.import_id)
        .outerjoin(
            ImportOutcome,
            (ImportOutcome.import_id == ImportRow.import_id) & (ImportOutcome.line == ImportRow.line),
        )
        .where(erased.rows_of(person))
        .order_by(ImportRow.import_id, ImportRow.line)
    )
    return [
        {
            "file": file,
            "line": row.line,
            "first_name": row.first_name,
            "last_name": row.last_name,
            "contact_id": row.external_id,
            "number": row.number,
            "status": row.status or "",
            "tags": ", ".join(row.tags),
            "fields": "; ".join(f"{own_fields.get(key, key)}: {value}" for key, value in row.custom.items()),
            "how_they_agreed": "; ".join(
                value for key, value in (row.given or {}).items() if key != "method"
            ),
            "result": result or "",
        }
        for row, file, result in db.session.execute(query)
    ]


register(Traces("contacts", _TABLES, _TOLD, clear=_clear, empty=_empty, move=_move, hand_out=_hand_out))
