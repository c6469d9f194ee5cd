"""One import from beginning to end: its check, its batches, and its result file."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import delete, func, select

from cadence_app import files
from cadence_app.accounts import audit
from cadence_app.contacts.imports import (
    applying,
    choosing,
    looking,
    opt_outs,
    recording,
    rereading,
    results,
    staging,
)
from cadence_app.contacts.imports.batches import Applied, Evidence, Order
from cadence_app.contacts.imports.models import Import, ImportOutcome, ImportState, Result
from cadence_app.extensions import db
from cadence_app.ui.navigation import words_for


class _Cancelled(Exception):
    """Somebody has asked for the end of it."""


def work(imported: Import) -> None:
    """Takes an import to the end of the state it is in. Errors: Unreadable, and whatever the database or
    the storage raises; what is applied by then stays, and work() goes on from there."""
    try:
        if imported.state == ImportState.OPENING:
            _open(imported)
        elif imported.state == ImportState.CHECKING:
            _check(imported)
        else:
            _apply(imported)
    except _Cancelled:
        db.session.rollback()
        if imported.started_at:
            results.write(imported)
        _end(imported, ImportState.CANCELLED)


def refuse(imported: Import, why: str) -> None:
    """Sends an import whose file can't be read back to its columns, and commits. One that has begun has
    failed, and one whose file can't be opened, which is deleted."""
    if imported.started_at:
        fail(imported, why)
    elif imported.state != ImportState.OPENING:
        imported.state, imported.problem = ImportState.DRAFT, why
        db.session.commit()
    elif imported.headers:
        imported.state, imported.asked, imported.problem = (
            ImportState.DRAFT,
            {},
            f"It can't be read so. {why}",
        )
        db.session.commit()
    else:
        key, imported.file_key = imported.file_key, ""
        fail(imported, why)
        files.remove(key)


def fail(imported: Import, why: str) -> None:
    """Notes that an import is given up, and commits. Its rows stay for another try."""
    imported.state, imported.problem, imported.finished_at = ImportState.FAILED, why, func.now()
    db.session.commit()


def _open(imported: Import) -> None:
    """Looks at the file. Nothing is told on the way, for a file that ends its worker each time is given up
    after some tries."""
    if not imported.cancelled_at:
        looking.look(imported)
    _told(imported)


def _check(imported: Import) -> None:
    """Stages the file and does everything that the import would, each batch rolled back."""
    _reset(imported)
    results.forget(imported)

    def progress(rows: int) -> None:
        imported.rows_total = rows
        _told(imported)

    progress(0)
    staged = staging.stage(imported, words_for(imported.user).team, progress)
    imported.rows_total, imported.rows_hidden = staged.rows, staged.hidden
    imported.rows_older, imported.unknown_codes = staged.older, staged.unknown_codes
    _count_older(imported)
    _told(imported)
    now: datetime = db.session.scalars(select(func.clock_timestamp())).one()
    says_out = opt_outs.begin(imported.id)
    order = Order(
        *(imported.id, imported.user, now),
        dated=imported.is_dated,
        says_out=says_out,
        evidence=_evidence(imported),
    )
    _hear(imported, order, dry=True)
    line = 0
    while lines := applying.lines_after(imported.id, line):
        _count(imported, applying.check_batch(order, lines))
        line = lines[-1]
        imported.rows_done += len(lines)
        _told(imported)
    _count(imported, Applied(applying.foresee_waiting(imported.id)))
    _hear_the_rest(imported, order, dry=True)
    imported.refusals = choosing.count_refusals(imported.id)
    results.write(imported)
    imported.state, imported.problem = ImportState.READY, ""
    db.session.commit()


def _apply(imported: Import) -> None:
    if imported.applied_to is None:
        db.session.execute(delete(ImportOutcome).where(ImportOutcome.import_id == imported.id))
        _reset(imported)
        _count_older(imported)
        opt_outs.begin(imported.id)
        imported.applied_to = 0
        db.session.commit()
    assert imported.started_at  # noqa: S101 - a state of the row, not of what somebody sent
    rereading.read_again(imported.id)
    order = Order(
        imported.id,
        imported.user,
        imported.started_at,
        lifts_stops=imported.lifts_stops and not imported.is_history,
        stop_reason=imported.stop_reason,
        dated=imported.is_dated,
        says_out=opt_outs.any_said(imported.id),
        agreed_reason="" if imported.is_history else imported.agreed_reason,
        evidence=_evidence(imported),
    )
    if not imported.applied_to:
        _hear(imported, order)
    while lines := applying.lines_after(imported.id, imported.applied_to or 0):
        _count(imported, applying.apply_batch(order, lines))
        imported.applied_to = lines[-1]
        imported.rows_done += len(lines)
        _told(imported)
    while _apply_waiting(imported, order):
        pass
    imported.rows_refused += applying.refuse_waiting(imported.id)
    _hear_the_rest(imported, order)
    _apply_choices(imported)
    imported.refusals = choosing.count_refusals(imported.id)
    results.write(imported)
    _end(imported, ImportState.DONE)


def _evidence(imported: Import) -> Evidence | None:
    """What is said of how the file's people agreed; None where nothing is."""
    statement = imported.statement
    if not statement and not recording.any_given(imported.id):
        return None
    return Evidence(imported.file_name, statement, imported.statement_on)


def _hear(imported: Import, order: Order, dry: bool = False, add: bool = False) -> None:
    """Applies the opt outs of the file that are not heard yet."""
    line = 0
    while order.says_out and (lines := opt_outs.next_lines(imported.id, line)):
        _count(imported, opt_outs.hear(order, lines, dry, add))
        line = lines[-1]
        _told(imported)


def _hear_the_rest(imported: Import, order: Order, dry: bool = False) -> None:
    """Applies the opt outs of whom no row of the file has brought in, and counts those of refused rows."""
    if order.says_out:
        opt_outs.hear_rows(imported.id, dry)
        _hear(imported, order, dry, add=True)
        opt_outs.nobody(imported.id)
    imported.refused_opt_outs = sum(opt_outs.refused(imported.id).values())


def _apply_waiting(imported: Import, order: Order) -> bool:
    """Tries once more each row that waits; whether any of them could go."""
    went, line = False, 0
    while lines := applying.waiting_lines(imported.id, line):
        applied = applying.apply_batch(order, lines)
        some = applied.results[Result.WAITING] < len(lines)
        went = went or some
        _count(imported, applied)
        line = lines[-1]
        _told(imported, anew=not some)
    return went


def _apply_choices(imported: Import) -> None:
    """Does what a person chose for refused rows."""
    line = 0
    while lines := choosing.chosen_lines(imported.id, line):
        done = choosing.apply_choices(imported, lines)
        imported.rows_updated += done
        imported.rows_refused -= done
        line = lines[-1]
        _told(imported)


def _count_older(imported: Import) -> None:
    """Rows of which only the status counts change nothing of their own."""
    imported.rows_unchanged += imported.rows_older
    imported.rows_done += imported.rows_older


def _count(imported: Import, applied: Applied) -> None:
    imported.rows_new += applied.results[Result.NEW]
    imported.rows_updated += applied.results[Result.UPDATED]
    imported.rows_unchanged += applied.results[Result.UNCHANGED]
    imported.rows_refused += applied.results[Result.REFUSED]
    imported.statuses_changed += applied.statuses
    imported.opt_ins_held += applied.held
    imported.opt_ins_outvoted += applied.outvoted
    imported.opt_outs_older += applied.older
    imported.evidence += applied.evidence
    imported.evidence_idle += applied.idle


def _reset(imported: Import) -> None:
    imported.opt_ins_outvoted = imported.opt_outs_older = imported.refused_opt_outs = 0
    imported.evidence = imported.evidence_idle = 0
    imported.rows_done = imported.statuses_changed = imported.opt_ins_held = 0
    imported.rows_new = imported.rows_updated = imported.rows_unchanged = imported.rows_refused = 0


def _told(imported: Import, anew: bool = False) -> None:
    """Commits how far it is. What the next try does `anew`, as all of a check, does not count as a way it has
    come: one that is cut off each time is given up. Errors: _Cancelled."""
    imported.touched_at = func.now()
    if imported.state == ImportState.IMPORTING and not anew:
        imported.attempts = 0
    db.session.commit()
    if imported.cancelled_at:
        raise _Cancelled


def _end(imported: Import, state: ImportState) -> None:
    imported.state, imported.problem, imported.finished_at = state, "", func.now()
    imported.preview = {}
    # Nobody needs the file of one that was cancelled before it began.
    kept = imported.started_at is not None
    imported.expires_at = func.now() + timedelta(days=current_app.config["IMPORT_KEEP_DAYS"] if kept else 0)
    if imported.started_at:
        audit.record(
            imported.user,
            "import.finished",
            imported.file_name,
            added=(None, imported.rows_new),
            updated=(None, imported.rows_updated),
            refused=(None, imported.rows_refused),
            statuses=(None, imported.statuses_changed),
        )
    if state == ImportState.DONE:
        staging.keep_refused(imported.id)
    else:
        staging.clear(imported.id)
    db.session.commit()
