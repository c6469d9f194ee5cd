# ruff: noqa: S608 - built of our own names only
"""Opt outs of a file count first, whatever row says them and wherever it stands.

Before any row is applied, every row that says opt out is read by its ContactId and by its number, also one
that is refused for something else, and whoever it names is opted out in its teams: both people, where it
names two. No other row opts them in. Where the file says since when each status is, the newest row of a
person and team is the file's word, and of two at one instant the opt out; it is not applied over a stored
status that is newer. A number that nobody has is kept with a contact of its own, so that its opt out stays.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from flask import current_app
from sqlalchemy import (
    ARRAY,
    BigInteger,
    TextClause,
    any_,
    cast,
    delete,
    func,
    null,
    select,
    text,
    update,
)

from cadence_app.consent.by_import import Held, Numbers, set_by_import
from cadence_app.consent.contact_rows import lock_contacts
from cadence_app.consent.models import Consent, Status
from cadence_app.consent.wishes import Wish, wishes_of
from cadence_app.contacts.imports import statements
from cadence_app.contacts.imports.batches import Applied, Order, Overtaken, retried
from cadence_app.contacts.imports.models import Heard, ImportOptOut, ImportOutcome, ImportRow, Result
from cadence_app.extensions import db
from cadence_app.tenancy import tenant_in_use

_SAYS_OUT = (ImportRow.status == Status.OPTED_OUT,)
# A status without its moment, in a file that gives them, is the oldest where it is an opt in. An opt in
# counts from a row that is not refused for its cells, names nobody else, and is for an open team.
_SAYS = """
SELECT DISTINCT ON (c.id, said.team_id) c.id AS contact_id, said.team_id, r.status,
    coalesce(r.said_at, CASE WHEN r.status = 'opted_in' AND :dated
                             THEN CAST('0001-01-02Z' AS timestamptz) END) AS said_at,
    r.status = 'opted_in' AND r.number <> '' AND r.number <> c.number AS elsewhere, r.line
FROM unnest(CAST(:contact_ids AS bigint[])) AS asked (id)
CROSS JOIN LATERAL (SELECT * FROM contacts WHERE id = asked.id AND gone_at IS NULL OFFSET 0) AS c
CROSS JOIN LATERAL (
    SELECT {columns} FROM (
        SELECT * FROM import_rows
        WHERE import_id = :import_id AND external_id <> '' AND external_id = c.external_id OFFSET 0
    ) AS r WHERE {counts}
    UNION ALL
    SELECT {columns} FROM (
        SELECT number, until FROM contact_numbers WHERE contact_id = c.id OFFSET 0
    ) AS n CROSS JOIN LATERAL (
        SELECT * FROM import_rows WHERE import_id = :import_id AND number <> '' AND number = n.number OFFSET 0
    ) AS r WHERE n.until IS NULL AND {counts}
    OFFSET 0
) AS r
CROSS JOIN LATERAL unnest(r.team_ids) AS said (team_id)
{more}
ORDER BY c.id, said.team_id,
    coalesce(r.said_at, CASE r.status WHEN 'opted_out' THEN CAST('infinity' AS timestamptz)
                                      ELSE CAST('-infinity' AS timestamptz) END) DESC,
    r.status DESC, r.line
"""
_COLUMNS = "r.line, r.status, r.said_at, r.team_ids, r.number, r.external_id"
_OUTS = text(_SAYS.format(columns=_COLUMNS, counts="r.status = 'opted_out'", more=""))
_HISTORIES = text(
    _SAYS.format(
        columns=_COLUMNS,
        counts="(r.status = 'opted_out' OR (r.status = 'opted_in' AND r.problems = '[]'))",
        more="""JOIN teams t ON t.id = said.team_id
WHERE r.status = 'opted_out' OR (t.closed_at IS NULL AND (
    r.external_id IN ('', c.external_id)
    OR (c.external_id = '' AND NOT EXISTS (SELECT FROM contacts x WHERE x.tenant_id = :tenant_id
        AND x.external_id <> '' AND x.external_id = r.external_id))))""",
    )
)
_NAMED = text(f"""
SELECT r.line, c.id AS contact_id FROM import_rows r CROSS JOIN {statements.BY_ID} AS c
WHERE {statements.ROWS}
UNION
SELECT r.line, n.contact_id FROM import_rows r CROSS JOIN {statements.BY_NUMBER} AS n WHERE {statements.ROWS}
""")
# Whom a row names by a further number of theirs, which is what the history is to say.
_FURTHER = text(f"""
SELECT c.id, min(r.number) AS number FROM import_rows r CROSS JOIN {statements.BY_NUMBER} AS n
CROSS JOIN LATERAL (SELECT * FROM contacts WHERE id = n.contact_id OFFSET 0) AS c
WHERE {statements.ROWS} AND r.number <> c.number GROUP BY 1
""")
_ADD = text(f"""
INSERT INTO contacts (tenant_id, first_name, last_name, external_id, number, custom)
SELECT DISTINCT ON (r.number) r.tenant_id, '', '', '', r.number, jsonb_build_object()
FROM import_rows r WHERE {statements.ROWS} AND r.number <> '' AND r.line <> ALL (CAST(:named AS bigint[]))
ORDER BY r.number
ON CONFLICT DO NOTHING
""")
_DECIDED = text("""
INSERT INTO import_opt_outs (import_id, contact_id, team_id, tenant_id, changed)
SELECT :import_id, contact_id, team_id, :tenant_id, changed
FROM unnest(CAST(:contacts AS bigint[]), CAST(:teams AS bigint[]), CAST(:changed AS boolean[]))
    AS decided (contact_id, team_id, changed)
""")
# Rows that are applied say their own opt outs, and those of older rows of the same person.
_BY_ROWS = text("""
UPDATE import_rows r SET heard = 'counts' FROM import_outcomes o
WHERE r.import_id = :import_id AND r.status = 'opted_out' AND r.heard IS NULL
  AND o.import_id = :import_id AND o.line = coalesce(r.older_than, r.line)
  AND o.result IN ('new', 'updated', 'unchanged')
""")
# In a check, whom the rows add is not here any more: another row's opt out was heard with theirs.
_APPLIED_BY = """EXISTS (
    SELECT FROM (
        SELECT line FROM import_rows
        WHERE import_id = :import_id AND {column} <> '' AND {column} = r.{column} OFFSET 0
    ) AS other CROSS JOIN LATERAL (
        SELECT result FROM import_outcomes WHERE import_id = :import_id AND line = other.line OFFSET 0
    ) AS o WHERE o.result IN ('new', 'updated', 'unchanged'))"""
_BY_OTHERS = text(f"""
UPDATE import_rows r SET heard = 'counts'
WHERE r.import_id = :import_id AND r.status = 'opted_out' AND r.heard IS NULL
  AND ({_APPLIED_BY.format(column="external_id")} OR {_APPLIED_BY.format(column="number")})
""")


def any_said(import_id: int) -> bool:
    """Whether any row of the file says opt out."""
    said = select(ImportRow.line).where(ImportRow.import_id == import_id, *_SAYS_OUT)
    return db.session.scalar(said.limit(1)) is not None


def begin(import_id: int) -> bool:
    """Forgets what was decided of an import's opt outs, in this transaction; whether its file has any."""
    db.session.execute(delete(ImportOptOut).where(ImportOptOut.import_id == import_id))
    db.session.execute(_update(import_id).where(ImportRow.heard.is_not(None)).values(heard=null()))
    unread = func.cardinality(ImportRow.team_ids) == 0
    db.session.execute(_update(import_id).where(unread).values(heard=Heard.NO_TEAM))
    return any_said(import_id)


def next_lines(import_id: int, after: int) -> list[int]:
    """The next lines whose opt out is not heard yet."""
    query = select(ImportRow.line).where(
        ImportRow.import_id == import_id, *_SAYS_OUT, ImportRow.heard.is_(None), ImportRow.line > after
    )
    return list(db.session.scalars(query.order_by(ImportRow.line).limit(current_app.config["IMPORT_BATCH"])))


def hear(order: Order, lines: Sequence[int], dry: bool = False, add: bool = False) -> Applied:
    """Opts out whom these lines name, in the open transaction; with `add`, for numbers that nobody has a
    contact is made. A dry one is rolled back, and only what became of the lines is kept."""
    return retried(lambda: _try(order, lines, dry, add))


def hear_rows(import_id: int, dry: bool) -> None:
    """Notes of the opt outs that rows brought with them, once those were applied; commits."""
    db.session.execute(statements.AT_ONCE)
    db.session.execute(_BY_ROWS, {"import_id": import_id})
    db.session.commit()
    if dry:
        db.session.execute(statements.BY_INDEX)
        db.session.execute(_BY_OTHERS, {"import_id": import_id})
        db.session.commit()


def nobody(import_id: int) -> None:
    """Notes that the opt outs which are left name nobody."""
    left = ImportRow.heard.is_(None)
    db.session.execute(_update(import_id).where(left).values(heard=Heard.NOBODY))


def refused(import_id: int) -> dict[str, int]:
    """How many refused rows say opt out, by what became of that (Heard)."""
    db.session.execute(statements.AT_ONCE)
    query = (
        select(ImportRow.heard, func.count())
        .join(
            ImportOutcome,
            (ImportOutcome.import_id == ImportRow.import_id) & (ImportOutcome.line == ImportRow.line),
        )
        .where(ImportRow.import_id == import_id, *_SAYS_OUT, ImportOutcome.result == Result.REFUSED)
        .group_by(ImportRow.heard)
    )
    return {row[0] or Heard.NOBODY: int(row[1]) for row in db.session.execute(query)}


def decided(import_id: int, contact_ids: Collection[int]) -> dict[tuple[int, int], bool]:
    """The pairs of these contacts and a team that are decided by now: whether that changed their status."""
    query = select(ImportOptOut.contact_id, ImportOptOut.team_id, ImportOptOut.changed).where(
        ImportOptOut.import_id == import_id,
        ImportOptOut.contact_id == any_(cast(list(contact_ids), ARRAY(BigInteger))),
    )
    return {(row.contact_id, row.team_id): row.changed for row in db.session.execute(query)}


def words_of(order: Order, contact_ids: Collection[int]) -> list[tuple[Wish, int]]:
    """The file's last word on each of these contacts in each team, with its line: of a file that says since
    when, every status, else the opt outs."""
    if not order.says_out and not order.dated:
        return []
    values = {
        "import_id": order.import_id,
        "tenant_id": tenant_in_use(),
        "contact_ids": list(contact_ids),
        "dated": order.dated,
    }
    statement: TextClause = _HISTORIES if order.dated else _OUTS
    rows = db.session.execute(statement, values)
    return [(Wish(*row[:-1]), row.line) for row in rows]


def _try(order: Order, lines: Sequence[int], dry: bool, add: bool) -> Applied:
    values: dict[str, Any] = {
        "import_id": order.import_id,
        "tenant_id": tenant_in_use(),
        "lines": list(lines),
    }
    db.session.execute(statements.BY_INDEX)
    named = _named(values)
    if add:
        values["named"] = [line for line, _ in named]
        db.session.execute(_ADD, values)
        named = _named(values)
    contact_ids = {contact_id for _, contact_id in named}
    lock_contacts(sorted(contact_ids))
    # Whoever was merged or given a number while this waited for the locks is held now as well.
    named = _named(values)
    if not {contact_id for _, contact_id in named} <= contact_ids:
        raise Overtaken
    outs = [wish for wish, _ in words_of(order, contact_ids) if wish.status == Status.OPTED_OUT]
    known = decided(order.import_id, contact_ids)
    outs = [wish for wish in outs if (wish.contact_id, wish.team_id) not in known]
    further = {row.id: row.number for row in db.session.execute(_FURTHER, values)}
    numbers = Numbers({}, {}, further)
    outcome = set_by_import(wishes_of(outs), numbers, order.user, order.begun_at) if outs else None
    changed = {(row.contact_id, row.team_id) for row in outcome.changed} if outcome else set()
    older = [row for row in outcome.held if row.why == Held.OUT_OLDER] if outcome else []
    heard = _heard(order.import_id, lines, named)
    if dry:
        db.session.rollback()
    for kind, of_kind in heard.items():
        mine = ImportRow.line == any_(cast(of_kind, ARRAY(BigInteger)))
        db.session.execute(_update(order.import_id).where(mine).values(heard=kind))
    if outs:
        pairs = [(wish.contact_id, wish.team_id) for wish in outs]
        columns = list(zip(*pairs, strict=True))
        known_by = {
            "import_id": order.import_id,
            "tenant_id": values["tenant_id"],
            "contacts": list(columns[0]),
            "teams": list(columns[1]),
            "changed": [pair in changed for pair in pairs],
        }
        db.session.execute(_DECIDED, known_by)
    return Applied(statuses=len(changed), older=len(older))


def _heard(import_id: int, lines: Sequence[int], named: Sequence[tuple[int, int]]) -> dict[Heard, list[int]]:
    """The lines that name somebody, by whether any of those is opted out now in a team of the row."""
    contact_ids = list({contact_id for _, contact_id in named})
    query = select(Consent.contact_id, Consent.team_id).where(
        Consent.contact_id == any_(cast(contact_ids, ARRAY(BigInteger))), Consent.status == Status.OPTED_OUT
    )
    out = {(row.contact_id, row.team_id) for row in db.session.execute(query)}
    rows = select(ImportRow.line, ImportRow.team_ids).where(
        ImportRow.import_id == import_id, ImportRow.line == any_(cast(list(lines), ARRAY(BigInteger)))
    )
    teams = {row.line: row.team_ids for row in db.session.execute(rows)}
    counting = {line for line, who in named if any((who, team_id) in out for team_id in teams[line])}
    return {
        Heard.COUNTS: sorted(counting),
        Heard.OLDER: sorted({line for line, _ in named} - counting),
    }


def _named(values: dict[str, Any]) -> list[tuple[int, int]]:
    """Line and contact, for each contact that each of the lines names."""
    return [(row.line, row.contact_id) for row in db.session.execute(_NAMED, values)]


def _update(import_id: int) -> Any:
    """An update of the rows of an import that say opt out."""
    return (
        update(ImportRow)
        .where(ImportRow.import_id == import_id, *_SAYS_OUT)
        .execution_options(synchronize_session=False)
    )
