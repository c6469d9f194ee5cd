"""Seals the history and the evidence: each closed UTC day gets a digest that is chained to the day before.

docs/proof.md describes every byte that goes into a digest, so that an outsider can compute it from the tables
alone. What is computed here may not change for a version that has been used; a change is a new version.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Date, func, insert, select, text

from cadence_app.accounts.models import Tenant
from cadence_app.consent.evidence_models import RetiredEvidence
from cadence_app.consent.seal_models import RetiredChange, Seal
from cadence_app.consent.sealed_streams import EVIDENCE, HISTORY, STREAMS, Stream
from cadence_app.extensions import db
from cadence_app.tenancy import tenant_in_use

# Version 1 seals the rows of a day; 2 also which rows were erased or purged on it, where any were; 3 also the
# evidence that was recorded, erased or purged on it, where any was.
VERSIONS = (1, 2, 3)
# A change is stamped a moment before it is written. A day is sealed this long after its end, so that the last
# change of a day is not refused where a server stalls between the two.
GRACE = timedelta(minutes=10)
# Days sealed in one transaction, each of which holds a lock.
_BATCH = 366
# More open days than this are a sealer that is down, or history that was only just loaded.
_OPEN_DAYS = 7

# The digest of a row of opt_out_changes, as SQL.
ROW_DIGEST = HISTORY.row_digest

# All or none, and without waiting: who waited for one day while holding another could block a writer forever.
_HOLD_EARLIER = text("SELECT pg_try_advisory_xact_lock(history_day_key(:tenant_id, NULL))")
_HOLD_DAYS = text(
    "SELECT bool_and(pg_try_advisory_xact_lock(history_day_key(:tenant_id, day::date)))"
    " FROM generate_series(CAST(:first AS date), CAST(:last AS date), interval '1 day') AS day"
)


@dataclass(frozen=True)
class Sums:
    """What a seal is over of one stream: how many rows its day has and their digest, how many rows, of
    whatever day, were erased or purged on it, and the digest of their records (None where none were)."""

    rows: int
    digest: bytes | None
    retired: int = 0
    retired_digest: bytes | None = None


class OpenDay(NamedTuple):
    """A day that is not sealed yet, with how many changes and pieces of evidence it has so far."""

    day: date
    rows: int
    evidence: int


def seal_closed_days() -> int:
    """Seals every closed day of the tenant in use that is not sealed yet, and commits. Returns how many.

    Stops early, to be called again, while somebody is still writing to one of the days or sealing them.
    """
    sealed = 0
    while days := _seal_batch():
        sealed += days
    return sealed


def days_to_seal() -> tuple[date, date] | None:
    """The first and the last closed day of the tenant in use that have no seal, both included."""
    tenant_id = tenant_in_use()
    closed = func.history_day(func.clock_timestamp() - GRACE) - 1
    newest = select(func.max(Seal.day)).where(Seal.tenant_id == tenant_id).scalar_subquery()
    oldest = (
        select(func.min(stream.moment)).where(stream.rows.tenant_id == tenant_id).scalar_subquery()
        for stream in STREAMS
    )
    first = func.coalesce(
        newest + 1,
        func.least(*(func.history_day(each) for each in oldest), func.history_day(Tenant.created_at)),
    )
    row = db.session.execute(select(first, closed).where(Tenant.id == tenant_id)).one()
    return (row[0], row[1]) if row[0] <= row[1] else None


def sums_by_day(stream: Stream, first: date | str, last: date) -> dict[date, Sums]:
    """What the seals of these days are over, as the kept digests and the records are now; without days on
    which nothing was. `first` may be "-infinity"."""
    days = {"tenant_id": tenant_in_use(), "first": str(first), "last": last}
    kept, retired = (
        {row.day: (row.rows, row.digest) for row in db.session.execute(statement, days)}
        for statement in (stream.kept_by_day, stream.retired_by_day)
    )
    return {
        day: Sums(*kept.get(day, (0, stream.no_rows)), *retired.get(day, (0, None)))
        for day in kept.keys() | retired.keys()
    }


def sums_of(seal: Seal) -> dict[Stream, Sums]:
    """What a seal says it is over."""
    return {stream: Sums(*(getattr(seal, name) for name in stream.of_seal)) for stream in STREAMS}


def no_sums(stream: Stream) -> Sums:
    """Those of a day on which nothing was."""
    return Sums(0, stream.no_rows)


def version_of(sums: Mapping[Stream, Sums]) -> int:
    """The version of a seal over these: the first that knows of all there is."""
    if sums[EVIDENCE] != no_sums(EVIDENCE):
        return 3
    return 2 if sums[HISTORY].retired_digest else 1


def seal_digest(tenant_id: int, day: date, sums: Mapping[Stream, Sums], previous: bytes | None) -> bytes:
    """The digest of a day's seal, chained to the digest of the day before (None for the first)."""
    version = version_of(sums)
    history, evidence = (_fields(sums[stream]) for stream in STREAMS)
    summed = {1: history[:2], 2: history, 3: [*history, *evidence]}[version]
    fields = [str(tenant_id), day.isoformat(), *summed, _hex(previous)]
    netstrings = b"".join(_field(value) for value in fields)
    return hashlib.sha256(f"cadence-seal-{version} ".encode() + netstrings).digest()


def latest_seals(limit: int, before: date | None = None) -> list[Seal]:
    """The tenant's newest seals, or those before a day; newest first."""
    newest = select(Seal).where(Seal.tenant_id == tenant_in_use()).order_by(Seal.day.desc())
    if before:
        newest = newest.where(Seal.day < before)
    return list(db.session.scalars(newest.limit(limit)))


def head() -> Seal | None:
    """The newest seal: who keeps its digest elsewhere can prove that nothing before it was rewritten."""
    return next(iter(latest_seals(1)), None)


def seal_with_digest(digest: str) -> Seal | None:
    """The tenant's seal that has this digest (hex), such as one kept from an export's mail."""
    try:
        wanted = bytes.fromhex(digest)
    except ValueError:
        return None
    found = select(Seal).where(Seal.tenant_id == tenant_in_use(), Seal.digest == wanted)
    return db.session.scalars(found).one_or_none()


def open_days() -> list[OpenDay]:
    """The days after the last seal that have rows or evidence, newest first."""
    newest = head()
    first_open = datetime.combine(newest.day + timedelta(days=1), time(), UTC) if newest else None
    history, evidence = (_counted_by_day(stream, first_open) for stream in STREAMS)
    days = sorted(history.keys() | evidence.keys(), reverse=True)[:_OPEN_DAYS]
    return [OpenDay(day, history.get(day, 0), evidence.get(day, 0)) for day in days]


def seals_of(days: Iterable[date]) -> dict[date, Seal]:
    wanted = select(Seal).where(Seal.tenant_id == tenant_in_use(), Seal.day.in_(set(days)))
    return {seal.day: seal for seal in db.session.scalars(wanted)}


def retirements(limit: int) -> list[RetiredChange | RetiredEvidence]:
    """The tenant's newest records of a row or of evidence that was erased or purged, newest first."""
    found: list[RetiredChange | RetiredEvidence] = []
    for kind in (RetiredChange, RetiredEvidence):
        found += db.session.scalars(select(kind).order_by(kind.id.desc()).limit(limit))
    return sorted(found, key=lambda record: record.retired_at, reverse=True)[:limit]


def _counted_by_day(stream: Stream, since: datetime | None) -> dict[date, int]:
    """How many rows each of the newest days has, since an instant where one is given."""
    day = func.history_day(stream.moment, type_=Date).label("day")
    rows = select(day, func.count()).where(stream.rows.tenant_id == tenant_in_use()).group_by(day)
    if since:
        rows = rows.where(stream.moment >= since)
    return {row[0]: row[1] for row in db.session.execute(rows.order_by(day.desc()).limit(_OPEN_DAYS))}


def _fields(sums: Sums) -> list[str | None]:
    return [str(sums.rows), _hex(sums.digest), str(sums.retired), _hex(sums.retired_digest)]


def _hex(digest: bytes | None) -> str | None:
    return None if digest is None else digest.hex()


def _field(value: str | None) -> bytes:
    """A netstring, `octets:value,`, so that no two lists of values read the same; `-,` for none."""
    if value is None:
        return b"-,"
    encoded = value.encode()
    return b"%d:%s," % (len(encoded), encoded)


def _seal_batch() -> int:
    tenant_id = tenant_in_use()
    held = db.session.scalar(_HOLD_EARLIER, {"tenant_id": tenant_id})
    # Read under the lock: somebody else may have sealed meanwhile.
    due = days_to_seal() if held else None
    if due is None:
        db.session.rollback()
        return 0
    first, last = due[0], min(due[1], due[0] + timedelta(days=_BATCH - 1))
    days = {"tenant_id": tenant_id, "first": first, "last": last}
    if not db.session.scalar(_HOLD_DAYS, days):
        db.session.rollback()
        return 0
    for stream in STREAMS:
        db.session.execute(stream.keep_digests, days)
    found = {stream: sums_by_day(stream, first, last) for stream in STREAMS}
    newest = head()
    previous = newest.digest if newest else None
    seals: list[dict[str, Any]] = []
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        sums = {stream: found[stream].get(day, no_sums(stream)) for stream in STREAMS}
        digest = seal_digest(tenant_id, day, sums, previous)
        seal = {
            "tenant_id": tenant_id,
            "day": day,
            "version": version_of(sums),
            "previous_digest": previous,
            "digest": digest,
        }
        for stream in STREAMS:
            seal |= dict(zip(stream.of_seal, vars(sums[stream]).values(), strict=True))
        seals.append(seal)
        previous = digest
    db.session.execute(insert(Seal), seals)
    db.session.commit()
    return len(seals)
