"""Recomputes the seals from the history and the evidence, and names the first day and row that differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from sqlalchemy import func, select

from cadence_app.consent.seal_models import Seal
from cadence_app.consent.sealed_streams import EVIDENCE, HISTORY, STREAMS, Stream
from cadence_app.consent.seals import (
    VERSIONS,
    no_sums,
    seal_digest,
    sums_by_day,
    sums_of,
    version_of,
)
from cadence_app.extensions import db
from cadence_app.tenancy import tenant_in_use

# Days that one statement recomputes.
_BATCH = 31


class Kind(StrEnum):
    """What is wrong with a day; the text continues "2026-03-01: "."""

    ALTERED = "{one} was altered after it was sealed"
    MISSING = "{one} is missing"
    ADDED = "{one} was added after the day was sealed"
    NO_SEAL = "the day has no seal"
    RETIRED = "the record of {many} erased or purged on it is not the one that was sealed"
    DIGESTS = "the digests kept for its {many} are not those that were sealed"
    SEAL = "the seal itself was altered"
    CHAIN = "the seal is not chained to the day before"
    VERSION = "the seal is of a version that this Cadence does not know"


@dataclass(frozen=True)
class Problem:
    """The first difference; `row_id` is the id of the row, of the history or of evidence as `stream` says,
    where one differs."""

    day: date
    kind: Kind
    stream: Stream = HISTORY
    row_id: int | None = None

    @property
    def change_id(self) -> int | None:
        return self.row_id if self.stream is HISTORY else None

    @property
    def evidence_id(self) -> int | None:
        return self.row_id if self.stream is EVIDENCE else None

    @property
    def text(self) -> str:
        what = self.kind.value.format(one=f"{self.stream.one} {self.row_id}", many=self.stream.many)
        return f"{self.day}: {what}"


@dataclass(frozen=True)
class Outcome:
    """What was checked: sealed days with their rows and evidence, the last day with its digest (None without
    seals), and the first problem. `retired` counts the rows, and `retired_evidence` the evidence, that were
    erased or purged on those days. All end before the day of a problem."""

    days: int
    rows: int
    last_day: date | None
    last_digest: bytes | None
    problem: Problem | None = None
    retired: int = 0
    evidence: int = 0
    retired_evidence: int = 0

    @property
    def intact(self) -> bool:
        return self.problem is None


def verify(progress: Callable[[int, int, int], None] = lambda days, rows, evidence: None) -> Outcome:
    """Recomputes every seal of the tenant in use, oldest first; `progress` gets days, rows and evidence, now
    and then.

    Rows are digested in the database, a month at a time, so memory does not grow with the history.
    """
    days = rows = retired = evidence = retired_evidence = 0
    last: Seal | None = None
    for batch in _batches():
        problem = _first_problem(batch, last)
        good = [seal for seal in batch if problem is None or seal.day < problem.day]
        days += len(good)
        rows += sum(seal.rows for seal in good)
        retired += sum(seal.retired for seal in good)
        evidence += sum(seal.evidence for seal in good)
        retired_evidence += sum(seal.retired_evidence for seal in good)
        last = good[-1] if good else last
        if problem:
            break
        progress(days, rows, evidence)
    else:
        problem = _seal_gone(last)
    return Outcome(
        *(days, rows, last.day if last else None, last.digest if last else None),
        problem=problem,
        retired=retired,
        evidence=evidence,
        retired_evidence=retired_evidence,
    )


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
    seal = _seal_problem(batch, before)
    rows = [found for stream in STREAMS if (found := _row_problem(stream, batch[-1].day, before))]
    row = min(rows, key=lambda problem: problem.day, default=None)
    if seal and row and (seal.day > row.day or (seal.day == row.day and seal.kind != Kind.NO_SEAL)):
        return row
    return seal or row


def _seal_problem(batch: list[Seal], before: Seal | None) -> Problem | None:
    """The first seal whose own parts, or whose link to the day before, do not fit."""
    # Of days before the first seal too, which can have none.
    first = batch[0].day if before else "-infinity"
    found = {stream: sums_by_day(stream, first, batch[-1].day) for stream in STREAMS}
    if early := [(day, stream) for stream in STREAMS for day in found[stream] if day < batch[0].day]:
        day, stream = min(early, key=lambda each: each[0])
        return Problem(day, Kind.RETIRED if found[stream][day].retired else Kind.NO_SEAL, stream)
    for seal in batch:
        if before and seal.day != before.day + timedelta(days=1):
            return Problem(before.day + timedelta(days=1), Kind.NO_SEAL)
        if seal.version not in VERSIONS:
            return Problem(seal.day, Kind.VERSION)
        sums = sums_of(seal)
        computed = seal_digest(seal.tenant_id, seal.day, sums, seal.previous_digest)
        if (seal.digest, seal.version) != (computed, version_of(sums)):
            return Problem(seal.day, Kind.SEAL)
        if seal.previous_digest != (before.digest if before else None):
            return Problem(seal.day, Kind.CHAIN)
        for stream in STREAMS:
            sealed, now = sums[stream], found[stream].get(seal.day, no_sums(stream))
            if (now.rows, now.digest) != (sealed.rows, sealed.digest):
                return Problem(seal.day, Kind.DIGESTS, stream)
            if now != sealed:
                return Problem(seal.day, Kind.RETIRED, stream)
        before = seal
    return None


def _seal_gone(last: Seal | None) -> Problem | None:
    """A day after the last seal of which only the rows' digests are left."""
    days = []
    for stream in STREAMS:
        kept = select(func.min(stream.kept.day)).where(stream.kept.tenant_id == tenant_in_use())
        days.append(db.session.scalar(kept.where(stream.kept.day > last.day) if last else kept))
    day = min((day for day in days if day), default=None)
    return Problem(day, Kind.NO_SEAL) if day else None


def _row_problem(stream: Stream, last: date, before: Seal | None) -> Problem | None:
    """The first row, up to a day, that is not what was sealed with its day."""
    first = str(before.day + timedelta(days=1)) if before else "-infinity"
    bounds = {"tenant_id": tenant_in_use(), "first": first, "last": last}
    found = db.session.execute(stream.first_difference, bounds).one_or_none()
    if found is None:
        return None
    there = db.session.execute(stream.where_row_is, {"id": found.id}).one()
    if there.stored and there.sealed:
        # Also where its time was moved to another day: it is in both then, but not on the same day.
        return Problem(found.day, Kind.ALTERED, stream, found.id)
    return Problem(found.day, Kind.ADDED if there.stored else Kind.MISSING, stream, found.id)
