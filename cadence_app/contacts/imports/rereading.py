"""The numbers of rows that were staged by an older release, read again before they are applied.

An import may be taken up again after an update: one that failed, was cut off, or was just started. What
phone_numbers.py refuses by now is refused, but for the opt out of such a row, which counts for whoever has
the number as it is stored.
"""

from __future__ import annotations

from sqlalchemy import case, literal, select, update
from sqlalchemy.dialects.postgresql import JSONB

from cadence_app.consent.models import Status
from cadence_app.contacts.imports.models import ImportRow
from cadence_app.contacts.imports.refusals import Kind
from cadence_app.extensions import db
from cadence_app.phone_numbers import BadNumber, parse_number, spelled

_WHY = "Phone numbers are read more strictly since the update. Upload this row again."
_PIECE = 10_000


def read_again(import_id: int) -> None:
    """Reads the numbers of an import's staged rows, and commits. Rows that were read as today stay as they
    are; doing it again changes nothing."""
    query = select(ImportRow.number).where(ImportRow.import_id == import_id, ImportRow.number != "")
    numbers = db.session.scalars(query.distinct().execution_options(yield_per=_PIECE))
    for number in [each for each in numbers if not _good(each)]:
        opts_out, sound = ImportRow.status == Status.OPTED_OUT, ImportRow.problems == []
        said = literal([[0, str(Kind.OTHER), _WHY]], JSONB)
        db.session.execute(
            update(ImportRow)
            .where(ImportRow.import_id == import_id, ImportRow.number == number)
            .values(
                number=case((opts_out, spelled(number)), (sound, ""), else_=ImportRow.number),
                problems=case((sound, said), else_=ImportRow.problems),
            )
            .execution_options(synchronize_session=False)
        )
    db.session.commit()


def _good(number: str) -> bool:
    try:
        return parse_number(number) == number
    except BadNumber:
        return False
