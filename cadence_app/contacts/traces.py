"""What contacts keep of a person beside their record: rows of imports that have not ended, which imports
named them, and numbers that are none."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from cadence_app.consent import team_only
from cadence_app.contacts.forgetting import Leaving, Traces, register
from cadence_app.contacts.imports.models import Import, ImportContact, ImportRow
from cadence_app.contacts.imports.refusals import Kind
from cadence_app.contacts.models import NumberToMend
from cadence_app.extensions import db


def _clear(leaving: Leaving) -> None:
    _clear_staged(leaving.numbers, leaving.external_ids)
    team_only.forget(leaving.ids)
    db.session.execute(delete(ImportContact).where(ImportContact.contact_id.in_(leaving.ids)))
    db.session.execute(delete(NumberToMend).where(NumberToMend.contact_id.in_(leaving.ids)))


def _move(kept_id: int, gone_id: int) -> None:
    _name_kept(kept_id, gone_id)
    _keep_unsendable(kept_id, gone_id)


def _keep_unsendable(kept_id: int, gone_id: int) -> None:
    """A number to which nothing may be sent is the kept one's now."""
    theirs = NumberToMend.contact_id == gone_id
    copied = (NumberToMend.tenant_id, NumberToMend.number, NumberToMend.left_at, NumberToMend.left_by_id)
    columns = ["contact_id", *(column.key for column in copied)]
    rows = select(literal(kept_id), *copied).where(theirs)
    db.session.execute(upsert(NumberToMend).from_select(columns, rows).on_conflict_do_nothing())
    db.session.execute(delete(NumberToMend).where(theirs))


def _name_kept(kept_id: int, gone_id: int) -> None:
    """Imports that named the one who is gone have named the one kept."""
    theirs = ImportContact.contact_id == gone_id
    named = select(ImportContact.import_id, literal(kept_id), ImportContact.tenant_id).where(theirs)
    columns = ["import_id", "contact_id", "tenant_id"]
    db.session.execute(upsert(ImportContact).from_select(columns, named).on_conflict_do_nothing())
    db.session.execute(delete(ImportContact).where(theirs))


def _clear_staged(numbers: Sequence[str], words: Sequence[str]) -> None:
    """A row of an import that has not come to them yet is refused: it would bring them back."""
    db.session.execute(
        update(ImportRow)
        .where(or_(ImportRow.number.in_(numbers), ImportRow.external_id.in_(words)))
        .values(
            first_name="",
            last_name="",
            external_id="",
            number="",
            tags=[],
            custom={},
            choice=None,
            problems=[
                [0, Kind.ERASED, "This person was erased, or removed by age, after the file was uploaded."]
            ],
        )
        .execution_options(synchronize_session=False)
    )
    # Whose rows a page shows of a file that waits can't be told: numbers stand there as people write them.
    waits = update(Import).where(Import.preview != {})
    db.session.execute(
        waits.values(preview=Import.preview - "rows" - "head").execution_options(synchronize_session=False)
    )


register(Traces("contacts", clear=_clear, move=_move))
