# ruff: noqa: S608 - built of our own names only
"""What a person chose for refused rows: the groups they choose for, and how it is done.

Nothing here writes a status or puts anybody into a team.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import current_app
from sqlalchemy import func, select, text, true, update

from cadence_app.accounts import audit
from cadence_app.accounts.models import User
from cadence_app.consent.contact_rows import lock_contacts
from cadence_app.contacts.imports import results, statements
from cadence_app.contacts.imports.models import Import, ImportOutcome, ImportRow, Result
from cadence_app.contacts.imports.refusals import ADVICE, POSSIBLE, TITLES, Choice, Kind, allows
from cadence_app.extensions import db
from cadence_app.tenancy import tenant_in_use

_OF_ROW = (ImportOutcome.import_id == ImportRow.import_id) & (ImportOutcome.line == ImportRow.line)

# By ContactId first, then by number, as rows are matched.
_PERSON = f"""
FROM import_rows r JOIN import_outcomes o USING (import_id, line)
LEFT JOIN {statements.BY_ID} AS by_id ON true LEFT JOIN {statements.BY_NUMBER} AS n ON true
CROSS JOIN LATERAL (SELECT coalesce(by_id.id, n.contact_id) AS id) AS person
WHERE {statements.ROWS} AND o.result = 'refused' AND person.id IS NOT NULL
"""
_FIND = text(f"SELECT r.line, r.choice, person.id AS contact_id {_PERSON}")
_UPDATE = text(f"""
UPDATE contacts c SET
    first_name = coalesce(nullif(latest.first_name, ''), c.first_name),
    last_name = coalesce(nullif(latest.last_name, ''), c.last_name),
    custom = c.custom || latest.custom
FROM (
    SELECT DISTINCT ON (person.id) person.id AS contact_id, r.first_name, r.last_name, r.custom
    {_PERSON} AND r.choice = 'update' ORDER BY person.id, r.line DESC
) AS latest WHERE c.id = latest.contact_id
""")
_ADD_NUMBERS = text(f"""
INSERT INTO contact_numbers (tenant_id, contact_id, number, user_id, reason)
SELECT DISTINCT ON (r.number) r.tenant_id, by_id.id, r.number, CAST(:user_id AS bigint),
    format('%s, line %s', CAST(:file_name AS text), r.line)
{_PERSON} AND r.choice = 'further' AND by_id.id IS NOT NULL AND r.number <> '' AND n.id IS NULL
ORDER BY r.number, r.line
ON CONFLICT DO NOTHING
""")
# A number that was added belongs to the person of the row by now.
_DONE = text(f"""
UPDATE import_outcomes done SET result = 'updated', kind = '', note = '', contact_id = found.contact_id
FROM (SELECT r.line, person.id AS contact_id {_PERSON}
      AND (r.choice = 'update' OR (r.choice = 'further' AND n.contact_id = by_id.id))) AS found
WHERE done.import_id = :import_id AND done.line = found.line
RETURNING done.line
""")


@dataclass(frozen=True)
class Group:
    """The refused rows of a kind, for how many something was chosen, and what is said of the first."""

    kind: Kind
    rows: int
    chosen: dict[str, int]
    example: str = ""

    @property
    def advice(self) -> str:
        return ADVICE[self.kind]

    @property
    def title(self) -> str:
        return TITLES[self.kind]

    @property
    def possible(self) -> Sequence[Choice]:
        return POSSIBLE.get(self.kind, ())


def groups(imported: Import) -> list[Group]:
    """The kinds of refusals of an import that was checked or has ended, the most frequent first."""
    db.session.execute(statements.AT_ONCE)
    query = (
        select(ImportOutcome.kind, ImportRow.choice, func.count().label("rows"))
        .join(ImportRow, _OF_ROW)
        .where(ImportOutcome.import_id == imported.id, ImportOutcome.result == Result.REFUSED)
        .where(ImportRow.choice.is_not(None))
        .group_by(ImportOutcome.kind, ImportRow.choice)
    )
    chosen: dict[str, dict[str, int]] = {}
    for row in db.session.execute(query):
        chosen.setdefault(row.kind, {})[row.choice] = row.rows
    examples = results.examples(imported)
    found = [
        Group(Kind(kind), count, chosen.get(kind, {}), examples.get(kind, ""))
        for kind, count in imported.refusals.items()
    ]
    return sorted(found, key=lambda group: (-group.rows, group.kind))


def count_refusals(import_id: int) -> dict[str, int]:
    """How many rows are refused, by kind."""
    query = (
        select(func.coalesce(func.nullif(ImportOutcome.kind, ""), Kind.OTHER).label("kind"), func.count())
        .where(ImportOutcome.import_id == import_id, ImportOutcome.result == Result.REFUSED)
        .group_by("kind")
    )
    return {str(row[0]): int(row[1]) for row in db.session.execute(query)}


def choose(user: User, imported: Import, kind: str, choice: Choice | None, line: int | None = None) -> int:
    """Keeps what is to be done with the refused rows of a kind, or with one of them; None leaves them out.
    In this transaction. Returns how many rows it is for: none where the kind does not allow it."""
    if choice and not allows(kind, choice):
        return 0
    lines = select(ImportOutcome.line).where(
        ImportOutcome.import_id == imported.id,
        ImportOutcome.result == Result.REFUSED,
        ImportOutcome.kind == kind,
        true() if line is None else ImportOutcome.line == line,
    )
    changed = db.session.execute(
        update(ImportRow)
        .where(ImportRow.import_id == imported.id, ImportRow.line.in_(lines))
        .values(choice=choice)
        .execution_options(synchronize_session=False)
    ).rowcount  # type: ignore[attr-defined]
    if changed:
        audit.record(
            user,
            "import.chosen",
            imported.file_name,
            kind=(None, kind),
            choice=(None, choice or "leave_out"),
            rows=(None, changed),
        )
    return int(changed)


def chosen_lines(import_id: int, after: int) -> list[int]:
    """The next refused lines for which something was chosen."""
    db.session.execute(statements.AT_ONCE)
    query = (
        select(ImportRow.line)
        .join(ImportOutcome, _OF_ROW)
        .where(ImportRow.import_id == import_id, ImportRow.line > after, ImportRow.choice.is_not(None))
        .where(ImportOutcome.result == Result.REFUSED)
        .order_by(ImportRow.line)
    )
    return list(db.session.scalars(query.limit(current_app.config["IMPORT_BATCH"])))


def apply_choices(imported: Import, lines: Sequence[int]) -> int:
    """Does in this transaction what was chosen for these lines; how many are not refused any more."""
    values: dict[str, Any] = {
        "import_id": imported.id,
        "tenant_id": tenant_in_use(),
        "lines": list(lines),
        "user_id": imported.user_id,
        "file_name": imported.file_name,
    }
    db.session.execute(statements.BY_INDEX)
    found = db.session.execute(_FIND, values).all()
    lock_contacts(sorted({row.contact_id for row in found}))
    db.session.execute(_UPDATE, values)
    db.session.execute(_ADD_NUMBERS, values)
    done = list(db.session.scalars(_DONE, values))
    updated = [row.line for row in found if row.choice == Choice.UPDATE]
    values["lines"] = sorted(set(updated) & set(done))
    db.session.execute(statements.ADD_TAGS, values)
    db.session.execute(statements.TAG_CONTACTS, values)
    db.session.execute(statements.NAMED, values)
    return len(done)
