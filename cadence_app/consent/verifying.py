"""Recomputes the seals from the history, and names the first day and row that differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from sqlalchemy import func, select, text

from cadence_app.consent.seal_models import Seal, SealedChange
from cadence_app.consent.seals import (
    KEPT_BY_DAY,
    NO_ROWS_DIGEST,
    RETIRED_BY_DAY,
    ROW_DIGEST,
    VERSIONS,
    seal_digest,
)
from cadence_app.extensions import db
from cadence_app.tenancy import tenant_in_use

# Days that one statement recomputes.
_BATCH = 31


# Every row on one side only, or with another digest; a day before our calendar is shown as its first. A row
# that was retired must be what its last retirement left of it, and one erased must hold nobody's name.
_FIRST_DIFFERENCE = text(
    "SELECT greatest(coalesce(kept.day, stored.day), date '0001-01-01') AS day,"  # noqa: S608 - our own columns
    " coalesce(kept.change_id, stored.id) AS change_id"
    " FROM (SELECT change_id, day, digest FROM sealed_changes"
    " WHERE tenant_id = :tenant_id AND day BETWEEN CAST(:first AS date) AND :last) AS kept"
    " FULL JOIN (SELECT id, history_day(changed_at) AS day, number, reason, first_name || last_name ||"
    f" external_id || words AS personal, contact_id, {ROW_DIGEST} AS digest FROM opt_out_changes"
    " WHERE tenant_id = :tenant_id"
    " AND changed_at >= CAST(:first AS date)::timestamp AT TIME ZONE 'UTC'"
    " AND changed_at < (CAST(:last AS date) + 1)::timestamp AT TIME ZONE 'UTC') AS stored"
    " ON kept.change_id = stored.id AND kept.day = stored.day"
    " LEFT JOIN (SELECT DISTINCT ON (change_id) change_id, digest, replaced, reason FROM retired_changes"
    " WHERE tenant_id = :tenant_id AND day BETWEEN CAST(:first AS date) AND :last"
    " AND retired_at <= greatest(clock_timestamp(), (SELECT (max(day) + 1)::timestamp AT TIME ZONE 'UTC'"
    " FROM seals WHERE tenant_id = :tenant_id)) ORDER BY change_id, id DESC) AS retired"
    " ON retired.change_id = coalesce(kept.change_id, stored.id)"
    " WHERE kept.digest IS DISTINCT FROM coalesce(retired.digest, stored.digest)"
    " OR retired.change_id IS NOT NULL AND (retired.replaced IS DISTINCT FROM stored.digest"
    " OR stored.personal <> '' OR stored.number <> 'erased-' || stored.contact_id"
    " OR stored.reason <> 'Erased: ' || retired.reason) ORDER BY 1, 2 LIMIT 1"
)
_WHERE_ROW_IS = text(
    "SELECT EXISTS (SELECT FROM opt_out_changes WHERE id = :change_id) AS stored,"
    " EXISTS (SELECT FROM sealed_changes WHERE change_id = :change_id) AS sealed"
)


class Kind(StrEnum):
    """What is wrong with a day; the text continues "2026-03-01: "."""

    ALTERED = "row {row} was altered after it was sealed"
    MISSING = "row {row} is missing"
    ADDED = "row {row} was added after the day was sealed"
    NO_SEAL = "the day has no seal"
    RETIRED = "the record of rows erased or purged on it is not the one that was sealed"
    DIGESTS = "the digests kept for its rows are not those that were sealed"
    SEAL = "the seal itself was altered"
    CHAIN = "the seal is not chained to the day before"
    VERSION = "the seal is of a version that this Cadence does not know"


@dataclass(frozen=True)
class Problem:
    """The first difference; `change_id` is the history row's id where a row differs."""

    day: date
    kind: Kind
    change_id: int | None = None

    @property
    def text(self) -> str:
        return f"{self.day}: {self.kind.value.format(row=self.change_id)}"


@dataclass(frozen=True)
class Outcome:
    """What was checked: sealed days and their rows, the last day with its digest (None without seals), and
    the first problem. `retired` counts the rows that were erased or purged on those days. All three end
    before the day of a problem."""

    days: int
    rows: int
    last_day: date | None
    last_digest: bytes | None
    problem: Problem | None = None
    retired: int = 0

    @property
    def intact(self) -> bool:
        return self.problem is None


def verify(progress: Callable[[int, int], None] = lambda days, rows: None) -> Outcome:
    """Recomputes every seal of the tenant in use, oldest first; `progress` gets days and rows, now and then.

    Rows are digested in the database, a month at a time, so memory does not grow with the history.
    """
    days = rows = retired = 0
    last: Seal | None = None
    for batch in _batches():
        problem = _first_problem(batch, last)
        good = [seal for seal in batch if problem is None or seal.day < problem.day]
        days += len(good)
        rows += sum(seal.rows for seal in good)
        retired += sum(seal.retired for seal in good)
        last = good[-1] if good else last
        if problem:
            break
        progress(days, rows)
    else:
        problem = _seal_gone(last)
    return Outcome(days, rows, last.day if last else None, last.digest if last else None, problem, retired)


def days_sealed() -> int:
    count = select(func.count()).select_from(Seal).where(Seal.tenant_id == tenant_in_use())
    return db.session.scalars(count).one()


def _batches() -> Iterator[list[Seal]]:
    after = date.min
    while True:
        query = select(Seal).where(Seal.tenant_id == tenant_in_use(), Seal.day > after)
        batch = list(db.session.scalars(query.order_by(Seal.day).limit(_BATCH)))
        if not batch:
            return
        after = batch[-1].day
        # Detached, so that a commit made for progress reads none of them again.
        for seal in batch:
            db.session.expunge(seal)
        yield batch


def _first_problem(batch: list[Seal], before: Seal | None) -> Problem | None:
    """The earliest of the batch's problems. Where a day has several, the row is what helps most."""
    seal, row = _seal_problem(batch, before), _row_problem(batch[-1].day, before)
    if seal and row and (seal.day > row.day or (seal.day == row.day and seal.kind != Kind.NO_SEAL)):
        return row
    return seal or row


def _seal_problem(batch: list[Seal], before: Seal | None) -> Problem | None:
    """The first seal whose own parts, or whose link to the day before, do not fit."""
    days = {"tenant_id": tenant_in_use(), "first": batch[0].day, "last": batch[-1].day}
    kept = {row.day: row for row in db.session.execute(KEPT_BY_DAY, days)}
    # Of days before the first seal too, which can have none.
    ever = days | {"first": str(batch[0].day) if before else "-infinity"}
    retired = {row.day: row for row in db.session.execute(RETIRED_BY_DAY, ever)}
    if retired and min(retired) < batch[0].day:
        return Problem(min(retired), Kind.RETIRED)
    for seal in batch:
        if before and seal.day != before.day + timedelta(days=1):
            return Problem(before.day + timedelta(days=1), Kind.NO_SEAL)
        if seal.version not in VERSIONS:
            return Problem(seal.day, Kind.VERSION)
        counted, digest = (
            (kept[seal.day].rows, kept[seal.day].digest) if seal.day in kept else (0, NO_ROWS_DIGEST)
        )
        computed = seal_digest(
            seal.tenant_id,
            seal.day,
            seal.rows,
            seal.rows_digest,
            seal.previous_digest,
            seal.retired,
            seal.retired_digest,
        )
        if seal.digest != computed:
            return Problem(seal.day, Kind.SEAL)
        if seal.previous_digest != (before.digest if before else None):
            return Problem(seal.day, Kind.CHAIN)
        if (counted, digest) != (seal.rows, seal.rows_digest):
            return Problem(seal.day, Kind.DIGESTS)
        gone = retired.get(seal.day)
        if (gone.rows if gone else 0, gone.digest if gone else None) != (seal.retired, seal.retired_digest):
            return Problem(seal.day, Kind.RETIRED)
        before = seal
    return None


def _seal_gone(last: Seal | None) -> Problem | None:
    """A day after the last seal of which only the rows' digests are left."""
    kept = select(func.min(SealedChange.day)).where(SealedChange.tenant_id == tenant_in_use())
    day = db.session.scalar(kept.where(SealedChange.day > last.day) if last else kept)
    return Problem(day, Kind.NO_SEAL) if day else None


def _row_problem(last: date, before: Seal | None) -> Problem | None:
    """The first row, up to a day, that is not what was sealed with its day."""
    first = str(before.day + timedelta(days=1)) if before else "-infinity"
    bounds = {"tenant_id": tenant_in_use(), "first": first, "last": last}
    found = db.session.execute(_FIRST_DIFFERENCE, bounds).one_or_none()
    if found is None:
        return None
    there = db.session.execute(_WHERE_ROW_IS, {"change_id": found.change_id}).one()
    if there.stored and there.sealed:
        # Also where its time was moved to another day: it is in both then, but not on the same day.
        return Problem(found.day, Kind.ALTERED, found.change_id)
    return Problem(found.day, Kind.ADDED if there.stored else Kind.MISSING, found.change_id)
