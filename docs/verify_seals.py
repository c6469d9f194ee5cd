"""Checks the seals of a Cadence history with nothing of Cadence: Python's own library and four CSV files.

How to make the files, and what every byte of a digest is: docs/proof.md. Run it as

    python verify_seals.py changes.csv sealed_changes.csv retired_changes.csv seals.csv

It prints the first difference and exits with 1, or the newest seal and exits with 0.
"""

from __future__ import annotations

import csv
import hashlib
import sys
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta

FIELDS = [
    "id",
    "tenant_id",
    "contact_id",
    "team_id",
    "status",
    "changed_at",
    "source",
    "user_id",
    "message_id",
    "first_name",
    "last_name",
    "external_id",
    "number",
    "team_code",
    "user_name",
    "words",
    "reason",
]
RETIRED_FIELDS = [
    "id",
    "tenant_id",
    "change_id",
    "day",
    "digest",
    "how",
    "retired_at",
    "user_id",
    "user_name",
    "reason",
    "replaced",
]
NULL = "\\N"  # how the files write NULL, which is not the empty text


def netstring(value: str) -> bytes:
    if value == NULL:
        return b"-,"
    encoded = value.encode()
    return b"%d:%s," % (len(encoded), encoded)


def digest(kind: str, values: list[str]) -> str:
    return hashlib.sha256(kind.encode() + b" " + b"".join(map(netstring, values))).hexdigest()


def read(path: str) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def combined(digests: list[str]) -> str:
    return hashlib.sha256(b"".join(map(bytes.fromhex, digests))).hexdigest()


def looks_erased(row: dict[str, str], record: dict[str, str]) -> bool:
    """Whether a row that is said to be erased holds nothing of a person."""
    personal = [row[field] for field in ("first_name", "last_name", "external_id", "words")]
    pseudonym, reason = f"erased-{row['contact_id']}", f"Erased: {record['reason']}"
    return not any(personal) and row["number"] == pseudonym and row["reason"] == reason


def first_difference(changes_path: str, kept_path: str, retired_path: str, seals_path: str) -> str | None:
    retired_on: dict[str, dict[int, str]] = defaultdict(dict)
    record_of: dict[int, dict[str, str]] = {}
    # With the clock behind the newest seal, a row is retired at the first instant after it.
    ends = [date.fromisoformat(seal["day"]) + timedelta(days=1) for seal in read(seals_path)]
    now = max([datetime.now(UTC).isoformat(), *(f"{day}T00:00:00.000000Z" for day in ends)])
    for record in read(retired_path):
        values = [record[field] for field in RETIRED_FIELDS]
        retired_on[record["retired_at"][:10]][int(record["id"])] = digest("cadence-retired-1", values)
        if record["retired_at"] <= now:
            record_of[int(record["change_id"])] = record  # the last of a row, for the file is by id
    stored: dict[str, dict[int, str]] = defaultdict(dict)
    altered = set()
    for row in read(changes_path):
        change_id, now_digest = int(row["id"]), digest("cadence-change-1", [row[field] for field in FIELDS])
        record = record_of.get(change_id, {})
        if record and (record["replaced"] != now_digest or not looks_erased(row, record)):
            altered.add(change_id)
        stored[row["changed_at"][:10]][change_id] = record.get("digest", now_digest)
    for change_id, record in record_of.items():
        if record["how"] == "purged":
            stored[record["day"]].setdefault(change_id, record["digest"])
    kept: dict[str, dict[int, str]] = defaultdict(dict)
    for row in read(kept_path):
        kept[row["day"]][int(row["change_id"])] = row["digest"]
    previous, day = NULL, None
    for seal in read(seals_path):
        if day and seal["day"] != str(day + timedelta(days=1)):
            return f"{day + timedelta(days=1)}: the day has no seal"
        early = [day for day in (*stored, *retired_on) if day < seal["day"] and previous == NULL]
        if early:
            return f"{min(early)}: there are rows before the first seal"
        day = date.fromisoformat(seal["day"])
        rows, sealed = stored[seal["day"]], kept[seal["day"]]
        for change_id in sorted(rows.keys() | sealed.keys()):
            if rows.get(change_id) != sealed.get(change_id) or change_id in altered:
                return f"{day}: row {change_id} is not as it was sealed"
        retired = retired_on[seal["day"]]
        values = [seal["tenant_id"], seal["day"], str(len(rows)), combined([rows[i] for i in sorted(rows)])]
        if retired:
            values += [str(len(retired)), combined([retired[i] for i in sorted(retired)])]
        kind = "cadence-seal-2" if retired else "cadence-seal-1"
        if seal["digest"] != digest(kind, [*values, previous]):
            return f"{day}: the seal does not fit its rows, what was retired, or the day before"
        previous = seal["digest"]
    print(f"intact; newest seal: {day} {previous}")
    return None


if __name__ == "__main__":
    if found := first_difference(*sys.argv[1:5]):
        sys.exit(found)
