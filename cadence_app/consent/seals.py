"""Seals the history: each closed UTC day gets a digest that is chained to the day before.

docs/proof.md describes every byte that goes into a digest, so that an outsider can compute it from the tables
alone. What is computed here may not change for a version that has been used; a change is a new version.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Date, func, insert, select, text

from cadence_app.accounts.models import Tenant
from cadence_app.consent.models import OptOutChange
from cadence_app.consent.seal_models import RetiredChange, Seal
from cadence_app.extensions import db
from cadence_app.tenancy import tenant_in_use

# Version 1 seals the rows of a day; 2 also which rows were erased or purged on it, where any were.
VERSIONS = (1, 2)
# A change is stamped a moment before it is written. A day is sealed this long after its end, so that the last
# change of a day is not refused where a server stalls between the two.
GRACE = timedelta(minutes=10)
# Days sealed in one transaction, each of which holds a lock.
_BATCH = 366
# More open days than this are a sealer that is down, or history that was only just loaded.
_OPEN_DAYS = 7

_COLUMNS = (
    *("id", "tenant_id", "contact_id", "team_id", "status", "changed_at", "source", "user_id", "message_id"),
    *("first_name", "last_name", "external_id", "number", "team_code", "user_name", "words", "reason"),
)
_RETIRED_COLUMNS = (
    *("id", "tenant_id", "change_id", "day", "digest", "how"),
    *("retired_at", "user_id", "user_name", "reason", "replaced"),
)


def _netstring(column: str) -> str:
    value = f"{column}::text"
    if column in {"changed_at", "retired_at"}:
        value = f"to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
    if column == "day":
        value = "to_char(day, 'YYYY-MM-DD')"
    if column in {"digest", "replaced"}:
        value = f"encode({column}, 'hex')"
    return f"coalesce(octet_length(convert_to({value}, 'UTF8')) || ':' || {value} || ',', '-,')"


def _digest_sql(kind: str, columns: tuple[str, ...]) -> str:
    netstrings = " || ".join(_netstring(column) for column in columns)
    return f"sha256(convert_to('{kind} ' || {netstrings}, 'UTF8'))"


# The digest of a row of opt_out_changes, as SQL: a million rows need not leave the database.
ROW_DIGEST = _digest_sql("cadence-change-1", _COLUMNS)
_RETIRED_DIGEST = _digest_sql("cadence-retired-1", _RETIRED_COLUMNS)

# All or none, and without waiting: who waited for one day while holding another could block a writer forever.
_HOLD_EARLIER = text("SELECT pg_try_advisory_xact_lock(history_day_key(:tenant_id, NULL))")
_HOLD_DAYS = text(
    "SELECT bool_and(pg_try_advisory_xact_lock(history_day_key(:tenant_id, day::date)))"
    " FROM generate_series(CAST(:first AS date), CAST(:last AS date), interval '1 day') AS day"
)
# A row that sits in a day it was not sealed with keeps its first digest, and verify names it. One that was
# erased before its day was sealed is sealed as it was written.
_KEEP_DIGESTS = text(
    "INSERT INTO sealed_changes (change_id, tenant_id, day, digest)"  # noqa: S608 - our own columns
    " SELECT id, tenant_id, history_day(changed_at), coalesce("
    f"(SELECT digest FROM retired_changes WHERE change_id = opt_out_changes.id), {ROW_DIGEST})"
    " FROM opt_out_changes"
    " WHERE tenant_id = :tenant_id"
    " AND changed_at >= CAST(:first AS date)::timestamp AT TIME ZONE 'UTC'"
    " AND changed_at < (CAST(:last AS date) + 1)::timestamp AT TIME ZONE 'UTC'"
    " ON CONFLICT DO NOTHING"
)
KEPT_BY_DAY = text(
    "SELECT day, count(*) AS rows, sha256(string_agg(digest, ''::bytea ORDER BY change_id)) AS digest"
    " FROM sealed_changes WHERE tenant_id = :tenant_id AND day BETWEEN :first AND :last GROUP BY day"
)
RETIRED_BY_DAY = text(
    "SELECT greatest(history_day(retired_at), date '0001-01-01') AS day, count(*) AS rows,"  # noqa: S608
    f" sha256(string_agg({_RETIRED_DIGEST}, ''::bytea ORDER BY id)) AS digest"
    " FROM retired_changes WHERE tenant_id = :tenant_id"
    " AND retired_at >= CAST(:first AS date)::timestamp AT TIME ZONE 'UTC'"
    " AND retired_at < (CAST(:last AS date) + 1)::timestamp AT TIME ZONE 'UTC' GROUP BY 1"
)
NO_ROWS_DIGEST = hashlib.sha256().digest()


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
    oldest = select(func.min(OptOutChange.changed_at)).where(OptOutChange.tenant_id == tenant_id)
    first = func.coalesce(
        newest + 1,
        func.least(func.history_day(oldest.scalar_subquery()), func.history_day(Tenant.created_at)),
    )
    row = db.session.execute(select(first, closed).where(Tenant.id == tenant_id)).one()
    return (row[0], row[1]) if row[0] <= row[1] else None


def seal_digest(
    tenant_id: int,
    day: date,
    rows: int,
    rows_digest: bytes,
    previous: bytes | None,
    retired: int = 0,
    retired_digest: bytes | None = None,
) -> bytes:
    """The digest of a day's seal, chained to the digest of the day before (None for the first). Of version 2
    where rows were `retired` on the day."""
    linked = previous.hex() if previous else None
    fields = [str(tenant_id), day.isoformat(), str(rows), rows_digest.hex()]
    if retired_digest:
        fields += [str(retired), retired_digest.hex()]
    netstrings = b"".join(_field(value) for value in (*fields, linked))
    version = 2 if retired_digest else 1
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


def open_days() -> list[tuple[date, int]]:
    """The days after the last seal that have rows, and how many so far, newest first."""
    newest = head()
    day = func.history_day(OptOutChange.changed_at, type_=Date).label("day")
    rows = select(day, func.count()).where(OptOutChange.tenant_id == tenant_in_use()).group_by(day)
    if newest:
        first_open = datetime.combine(newest.day + timedelta(days=1), time(), UTC)
        rows = rows.where(OptOutChange.changed_at >= first_open)
    return [(row[0], row[1]) for row in db.session.execute(rows.order_by(day.desc()).limit(_OPEN_DAYS))]


def seals_of(days: Iterable[date]) -> dict[date, Seal]:
    wanted = select(Seal).where(Seal.tenant_id == tenant_in_use(), Seal.day.in_(set(days)))
    return {seal.day: seal for seal in db.session.scalars(wanted)}


def retirements(limit: int) -> list[RetiredChange]:
    """The tenant's newest records of a row that was erased or purged, newest first."""
    newest = select(RetiredChange).order_by(RetiredChange.id.desc())
    return list(db.session.scalars(newest.limit(limit)))


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
    db.session.execute(_KEEP_DIGESTS, days)
    kept = {row.day: row for row in db.session.execute(KEPT_BY_DAY, days)}
    retired_on = {row.day: row for row in db.session.execute(RETIRED_BY_DAY, days)}
    newest = head()
    previous = newest.digest if newest else None
    seals: list[dict[str, Any]] = []
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        rows, rows_digest = (kept[day].rows, kept[day].digest) if day in kept else (0, NO_ROWS_DIGEST)
        retired, retired_digest = (
            (retired_on[day].rows, retired_on[day].digest) if day in retired_on else (0, None)
        )
        digest = seal_digest(tenant_id, day, rows, rows_digest, previous, retired, retired_digest)
        seals.append(
            {
                "tenant_id": tenant_id,
                "day": day,
                "version": 2 if retired else 1,
                "rows": rows,
                "rows_digest": rows_digest,
                "retired": retired,
                "retired_digest": retired_digest,
                "previous_digest": previous,
                "digest": digest,
            }
        )
        previous = digest
    db.session.execute(insert(Seal), seals)
    db.session.commit()
    return len(seals)
