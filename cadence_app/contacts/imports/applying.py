"""Applies staged rows a batch at a time, each batch one transaction with its outcomes in it.

A batch holds the contacts it finds in the order of their ids, plans every row, writes people, tags and
statuses as set operations, and is committed or, for the check, rolled back after its outcomes were read.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Container, Sequence
from typing import Any

from flask import current_app
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Select,
    any_,
    cast,
    func,
    insert,
    select,
    true,
    update,
)

from cadence_app.accounts.models import Team
from cadence_app.consent.by_import import Held, Numbers, Outcome, set_by_import
from cadence_app.consent.contact_rows import lock_contacts
from cadence_app.consent.models import Status
from cadence_app.consent.wishes import Wish, wishes_of
from cadence_app.contacts.imports import agreeing, opt_outs, quiet, recording, statements
from cadence_app.contacts.imports.batches import Applied, Order, Overtaken, retried
from cadence_app.contacts.imports.models import ImportOutcome, ImportRow, Result
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.tenancy import tenant_in_use

_HELD = {
    Held.STOPPED: "Not opted in in {teams}: they stopped by their own text.",
    Held.NEWER: "Not opted in in {teams}: opted out after this import was started.",
    Held.BARRED: "Not opted in in {teams}: somebody had this number before and opted out; START lifts it.",
    Held.OTHER_NUMBER: "Not opted in in {teams}: they are texted at another number of theirs.",
    Held.OLDER: "Not opted in in {teams}: the status here is newer than the file's.",
    Held.OUT_OLDER: "Not opted out in {teams}: opted in here after the moment in the file.",
}
_ELSEWHERE = "How they agreed is not recorded: it is said of another number than they are texted at."
_OUTVOTED = "Not opted in in {teams}: another row of this file opts them out."


def lines_after(import_id: int, line: int) -> list[int]:
    """The lines of the next batch; of those that are older than another of the same person, only the status
    counts."""
    query = select(ImportRow.line).where(
        ImportRow.import_id == import_id, ImportRow.line > line, ImportRow.older_than.is_(None)
    )
    return list(db.session.scalars(query.order_by(ImportRow.line).limit(current_app.config["IMPORT_BATCH"])))


def waiting_lines(import_id: int, after: int = 0) -> list[int]:
    """The lines of rows that wait for a number that another row gives up, for another try."""
    query = select(ImportOutcome.line).where(
        ImportOutcome.import_id == import_id,
        ImportOutcome.result == Result.WAITING,
        ImportOutcome.line > after,
    )
    return list(
        db.session.scalars(query.order_by(ImportOutcome.line).limit(current_app.config["IMPORT_BATCH"]))
    )


def apply_batch(order: Order, lines: list[int], dry: bool = False) -> Applied:
    """Applies these lines. What is not `dry` is left in the open transaction, for the caller to commit with
    its note of how far it came; a dry one is rolled back and only its outcomes are left there."""
    return retried(lambda: _try(order, lines, dry))


def check_batch(order: Order, lines: list[int]) -> Applied:
    """What a check finds of these lines: of the quiet ones by counting alone, of the others by apply_batch(),
    rolled back. Commits."""
    applied, others = retried(lambda: quiet.check(order, lines))
    db.session.commit()
    return applied + apply_batch(order, others, dry=True) if others else applied


def refuse_waiting(import_id: int) -> int:
    """Refuses the rows that still wait; how many."""
    return _count(
        update(ImportOutcome)
        .where(ImportOutcome.import_id == import_id, ImportOutcome.result == Result.WAITING)
        .values(result=Result.REFUSED)
    )


def foresee_waiting(import_id: int) -> Counter[str]:
    """Says of the rows that wait how they will go, in the check: well where the row they wait for gives its
    number up."""
    foreseen: Counter[str] = Counter()
    while rows := db.session.execute(statements.FORESEE, {"import_id": import_id}).all():
        foreseen.update(row.result for row in rows)
    foreseen[Result.REFUSED] += refuse_waiting(import_id)
    return foreseen


def _try(order: Order, lines: list[int], dry: bool) -> Applied:
    values = {
        "import_id": order.import_id,
        "tenant_id": tenant_in_use(),
        "lines": lines,
    }
    db.session.execute(statements.BY_INDEX)
    _hold(values)
    db.session.execute(statements.FORGET, values)
    db.session.execute(statements.PLAN, values)
    if db.session.scalar(statements.UNHELD, values):
        raise Overtaken
    planned = db.session.execute(statements.PLANNED, values).one()
    if planned.new and _count(statements.ADD_CONTACTS, values) != planned.new:
        raise Overtaken
    if planned.updates:
        db.session.execute(statements.UPDATE_CONTACTS, values)
    moved = db.session.execute(statements.CHANGE_NUMBERS, values) if planned.moves else ()
    before = {row.id: row.number for row in moved}
    tagged: set[int] = set()
    if planned.tags:
        db.session.execute(statements.ADD_TAGS, values)
        tagged = set(db.session.scalars(statements.TAG_CONTACTS, values))
    # A check has no quiet rows here any more.
    first, others = (0, lines) if dry else quiet.apply(order, lines, planned.new > 0)
    asked, told = _asked(order.import_id, others)
    decided = opt_outs.decided(order.import_id, {each[0] for each in asked}) if order.says_out else {}
    words = opt_outs.words_of(order, {contact_id for contact_id, _ in asked})
    wishes, outvoted = _wishes(order, asked, decided, [word for word, _ in words])
    outcome = _decide(order, others, wishes, before)
    # In a check, what opt_outs.py opted out is as it was; it is counted there.
    counted = {pair for pair, was_in in decided.items() if was_in}
    changed = {(row.contact_id, row.team_id) for row in outcome.changed} - counted
    if order.evidence and len(others) < len(lines):
        told = _asked(order.import_id, lines)[1]
    recorded = recording.record(order, _of_one_line(order, told, words), counted if dry else ())
    touched = tagged | {contact_id for contact_id, _ in changed | counted} | recorded.contact_ids
    if touched:
        db.session.execute(statements.TOUCHED, values | {"contact_ids": list(touched)})
    _note_held(values, outcome.held, outvoted, recorded.elsewhere)
    results = {row.result: row.count for row in db.session.execute(statements.TALLY, values)}
    older = [row for row in outcome.held if row.why == Held.OUT_OLDER]
    held = len(outcome.held) - len(older) + len(outvoted)
    applied = Applied(
        *(
            Counter(results),
            first + len(changed),
            held,
            len(outvoted),
            len(older),
            recorded.rows,
            recorded.idle,
        )
    )
    if dry:
        _keep_outcomes_only(order.import_id, lines)
    else:
        db.session.execute(statements.NAMED, values)
    return applied


def _decide(order: Order, lines: list[int], wishes: Sequence[Wish], before: dict[int, str]) -> Outcome:
    if not lines:
        return Outcome((), ())
    outcome = set_by_import(
        wishes_of(wishes),
        _numbers(order.import_id, lines, wishes, before),
        order.user,
        order.begun_at,
        order.lifts_stops,
        order.stop_reason,
        agreeing.agreed(order, lines),
    )
    agreeing.note(order.import_id, lines, outcome.number_stopped)
    return outcome


def _hold(values: dict[str, Any]) -> None:
    """Locks the contacts that the batch finds now; adds their ids to the values as `held`."""
    found = db.session.execute(statements.FIND, values).all()
    values["held"] = sorted({row.id for row in found})
    # So that the plan finds whoever was added or changed while this waited for the locks.
    lock_contacts(values["held"], for_new_numbers=any(row.moves for row in found))


def _asked(
    import_id: int, lines: list[int]
) -> tuple[dict[tuple[int, int], Status | None], list[tuple[recording.Said, Status | None]]]:
    """The contacts and teams of the batch's rows that are applied, with the status that they ask for. Two
    rows may name one person by two numbers of theirs: an opt out counts. And the same by the rows' lines."""
    outcome, row, query = _of_batch(import_id, lines)
    team_id = func.unnest(row.c.team_ids, type_=BigInteger).label("team_id")
    asked: dict[tuple[int, int], Status | None] = {}
    said: list[tuple[recording.Said, Status | None]] = []
    found = query.with_only_columns(outcome.c.contact_id, team_id, row.c.status, row.c.line)
    for each in db.session.execute(found):
        pair = each.contact_id, each.team_id
        said.append(((*pair, each.line), each.status))
        if Status.OPTED_OUT not in (asked.get(pair), each.status):
            asked[pair] = asked.get(pair) or each.status
        else:
            asked[pair] = Status.OPTED_OUT
    return asked, said


def _of_one_line(
    order: Order,
    said: Sequence[tuple[recording.Said, Status | None]],
    words: Sequence[tuple[Wish, int]],
) -> list[recording.Said]:
    """Whose agreement which line tells of: each its own, but in a history of statuses the line that has the
    last word on the person and team, for one from before an opt out of the file must carry no consent."""
    if not order.dated:
        return [each for each, _ in said]
    last = [(word.contact_id, word.team_id, line) for word, line in words]
    return last + [each for each, status in said if status is None]


def _wishes(
    order: Order,
    asked: dict[tuple[int, int], Status | None],
    decided: Container[tuple[int, int]],
    words_of_file: Sequence[Wish],
) -> tuple[list[Wish], list[tuple[int, int]]]:
    """What the file wishes for the batch's contacts and their teams, and the opt ins among what its rows ask
    for that another row outvotes. Where opt_outs.py has decided a pair, no row has a word in it."""
    words = {(word.contact_id, word.team_id): word for word in words_of_file}
    wishes = {pair: Wish(*pair, None if order.dated else status) for pair, status in asked.items()} | words
    outvoted = [
        pair
        for pair, status in asked.items()
        if status == Status.OPTED_IN
        and (pair in decided or (pair in words and words[pair].status == Status.OPTED_OUT))
    ]
    return [wish for pair, wish in sorted(wishes.items()) if pair not in decided], outvoted


def _numbers(import_id: int, lines: list[int], wishes: Sequence[Wish], before: dict[int, str]) -> Numbers:
    """What the numbers of the batch are to its contacts; `before` has those that it has changed."""
    outcome, row, query = _of_batch(import_id, lines)
    moved: dict[int, set[int]] = {each: set() for each in db.session.scalars(query.where(outcome.c.moved))}
    for wish in wishes:
        if wish.contact_id in moved:
            moved[wish.contact_id].add(wish.team_id)
    others = (
        query.with_only_columns(outcome.c.contact_id, row.c.number)
        .join(Contact, Contact.id == outcome.c.contact_id)
        .where(row.c.number != "", row.c.number != Contact.number)
    )
    other = {found.contact_id: found.number for found in db.session.execute(others)}
    return Numbers(moved, before, other)


def _of_batch(import_id: int, lines: list[int]) -> tuple[Any, Any, Select[Any]]:
    """Outcomes and rows of the batch, and the query over those that are applied: as in statements.py, each
    by its key."""
    batch = func.unnest(cast(lines, ARRAY(BigInteger))).table_valued("line").render_derived(name="batch")
    outcome, row = (
        select(table.__table__)
        .where(table.import_id == import_id, table.line == batch.c.line)
        .offset(0)
        .lateral()
        for table in (ImportOutcome, ImportRow)
    )
    applied = outcome.c.result.in_((Result.NEW, Result.UPDATED, Result.UNCHANGED))
    joined = batch.join(outcome, true()).join(row, true())
    return outcome, row, select(outcome.c.contact_id).select_from(joined).where(applied)


def _note_held(
    values: dict[str, Any],
    held: Sequence[Any],
    outvoted: Sequence[tuple[int, int]],
    elsewhere: Collection[int],
) -> None:
    if not held and not outvoted and not elsewhere:
        return
    codes = {row.id: row.code for row in db.session.execute(select(Team.id, Team.code))}
    notes: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for row in held:
        notes[row.contact_id][_HELD[Held(row.why)]].append(codes[row.team_id])
    for contact_id, team_id in outvoted:
        notes[contact_id][_OUTVOTED].append(codes[team_id])
    said = {
        contact_id: " ".join(words.format(teams=", ".join(sorted(teams))) for words, teams in of.items())
        for contact_id, of in notes.items()
    }
    for contact_id in elsewhere:
        said[contact_id] = f"{said.get(contact_id, '')} {_ELSEWHERE}".strip()
    db.session.execute(statements.NOTE, values | {"contact_ids": list(said), "notes": list(said.values())})


def _keep_outcomes_only(import_id: int, lines: list[int]) -> None:
    """Rolls the batch back and puts only its outcomes there again; a new contact's id is none then."""
    query = select(ImportOutcome.__table__).where(
        ImportOutcome.import_id == import_id, ImportOutcome.line == any_(cast(lines, ARRAY(BigInteger)))
    )
    rows = [dict(row._mapping) for row in db.session.execute(query)]
    for row in rows:
        if row["result"] == Result.NEW:
            row["contact_id"] = None
    db.session.rollback()
    db.session.execute(statements.FORGET, {"import_id": import_id, "lines": lines})
    if rows:
        db.session.execute(insert(ImportOutcome), rows)


def _count(statement: Any, values: dict[str, Any] | None = None) -> int:
    """Executes the statement; how many rows it wrote."""
    return int(db.session.execute(statement, values or {}).rowcount)  # type: ignore[attr-defined]
