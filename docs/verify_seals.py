"""Checks the seals of a Cadence history with nothing of Cadence: Python's own library and three CSV files.

How to make the files, and what every byte of a digest is: docs/proof.md. Run it as

    python verify_seals.py changes.csv sealed_changes.csv seals.csv

It prints the first difference and exits with 1, or the newest seal and exits with 0.
"""

from __future__ import annotations

import csv
import hashlib
import sys
from collections import defaultdict
from datetime import date, timedelta

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


def first_difference(changes_path: str, kept_path: str, seals_path: str) -> str | None:
    stored: dict[str, dict[int, str]] = defaultdict(dict)
    for row in read(changes_path):
        values = [row[field] for field in FIELDS]
        stored[row["changed_at"][:10]][int(row["id"])] = digest("cadence-change-1", values)
    kept: dict[str, dict[int, str]] = defaultdict(dict)
    for row in read(kept_path):
        kept[row["day"]][int(row["change_id"])] = row["digest"]
    previous, day = NULL, None
    for seal in read(seals_path):
        if day and seal["day"] != str(day + timedelta(days=1)):
            return f"{day + timedelta(days=1)}: the day has no seal"
        early = [day for day in stored if day < seal["day"] and previous == NULL]
        if early:
            return f"{min(early)}: there are rows before the first seal"
        day = date.fromisoformat(seal["day"])
        rows, sealed = stored[seal["day"]], kept[seal["day"]]
        for change_id in sorted(rows.keys() | sealed.keys()):
            if rows.get(change_id) != sealed.get(change_id):
                return f"{day}: row {change_id} is not as it was sealed"
        rows_digest = hashlib.sha256(b"".join(bytes.fromhex(rows[i]) for i in sorted(rows))).hexdigest()
        values = [seal["tenant_id"], seal["day"], str(len(rows)), rows_digest, previous]
        if seal["digest"] != digest("cadence-seal-1", values):
            return f"{day}: the seal does not fit its rows or the day before"
        previous = seal["digest"]
    print(f"intact; newest seal: {day} {previous}")
    return None


if __name__ == "__main__":
    if found := first_difference(*sys.argv[1:4]):
        sys.exit(found)
