"""Checks the seals of a Cadence history with nothing of Cadence: Python's own library and CSV files.

How to make the files, and what every byte of a digest is: docs/proof.md. Run it as

    python verify_seals.py changes.csv sealed_changes.csv retired_changes.csv seals.csv \\
        evidence.csv sealed_evidence.csv retired_evidence.csv

The last three are those of the evidence; a history without any is checked without them. It prints the first
difference and exits with 1, or the newest seal and exits with 0.
"""

from __future__ import annotations

import csv
import hashlib
import sys
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple


class Kind(NamedTuple):
    """Rows that are sealed: what they are called here, the names of their digests, their columns, the one
    that says when a row was written, the one by which the other two files name it, and of an erased row the
    columns that must be empty, with the one that has the reason."""

    name: str
    row_digest: str
    record_digest: str
    fields: list[str]
    moment: str
    key: str
    emptied: list[str]
    reason: str


HISTORY = Kind(
    "row",
    "cadence-change-1",
    "cadence-retired-1",
    [
        *("id", "tenant_id", "contact_id", "team_id", "status", "changed_at", "source", "user_id"),
        *("message_id", "first_name", "last_name", "external_id", "number", "team_code", "user_name"),
        *("words", "reason"),
    ],
    "changed_at",
    "change_id",
    ["first_name", "last_name", "external_id", "words"],
    "reason",
)
EVIDENCE = Kind(
    "evidence",
    "cadence-evidence-1",
    "cadence-retired-evidence-1",
    [
        *("id", "tenant_id", "contact_id", "team_id", "recorded_at", "method", "way", "agreed_on"),
        *("agreed_at", "words", "page_url", "sha256", "ip", "number", "collected_by", "user_id"),
        *("user_name", "origin"),
    ],
    "recorded_at",
    "evidence_id",
    ["page_url", "sha256", "ip", "collected_by", "origin"],
    "words",
)
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


def looks_erased(kind: Kind, row: dict[str, str], record: dict[str, str]) -> bool:
    """Whether a row that is said to be erased holds nothing of a person."""
    pseudonym, reason = f"erased-{row['contact_id']}", f"Erased: {record['reason']}"
    emptied = all(row[field] in ("", NULL) for field in kind.emptied)
    return emptied and row["number"] == pseudonym and row[kind.reason] == reason


class Rows:
    """All rows of one kind: by day, the digests they were written with (`stored`), those they were sealed
    with (`kept`) and those of the records of what was retired on it (`retired`), each by id; and the ids of
    retired rows that are not what their record left of them (`altered`)."""

    def __init__(self, kind: Kind, paths: list[str], now: str) -> None:
        self.kind = kind
        self.stored: dict[str, dict[int, str]] = defaultdict(dict)
        self.kept: dict[str, dict[int, str]] = defaultdict(dict)
        self.retired: dict[str, dict[int, str]] = defaultdict(dict)
        self.altered: set[int] = set()
        rows, kept, retired = [read(path) for path in paths] or [[], [], []]
        fields = ["id", "tenant_id", kind.key, "day", "digest", "how", "retired_at"]
        fields += ["user_id", "user_name", "reason", "replaced"]
        record_of: dict[int, dict[str, str]] = {}
        for record in retired:
            values = [record[field] for field in fields]
            self.retired[record["retired_at"][:10]][int(record["id"])] = digest(kind.record_digest, values)
            if record["retired_at"] <= now:
                record_of[int(record[kind.key])] = record  # the last of a row, for the file is by id
        for row in rows:
            row_id, now_digest = (
                int(row["id"]),
                digest(kind.row_digest, [row[field] for field in kind.fields]),
            )
            record = record_of.get(row_id, {})
            if record and (record["replaced"] != now_digest or not looks_erased(kind, row, record)):
                self.altered.add(row_id)
            self.stored[row[kind.moment][:10]][row_id] = record.get("digest", now_digest)
        for row_id, record in record_of.items():
            if record["how"] == "purged":
                self.stored[record["day"]].setdefault(row_id, record["digest"])
        for row in kept:
            self.kept[row["day"]][int(row[kind.key])] = row["digest"]

    def difference(self, day: str) -> str | None:
        """The first row of a day that is not as it was sealed."""
        rows, sealed = self.stored[day], self.kept[day]
        for row_id in sorted(rows.keys() | sealed.keys()):
            if rows.get(row_id) != sealed.get(row_id) or row_id in self.altered:
                return f"{day}: {self.kind.name} {row_id} is not as it was sealed"
        return None

    def sums(self, day: str) -> list[str]:
        """How many rows a day has and the digest over them, and the same of what was retired on it."""
        found = []
        for of_day in (self.stored[day], self.retired[day]):
            over = combined([of_day[row_id] for row_id in sorted(of_day)]) if of_day else NULL
            found += [str(len(of_day)), over]
        return found


def seal_digest(seal: dict[str, str], history: Rows, evidence: Rows, previous: str) -> str:
    """What a day's seal has to be: of version 3 where there is evidence, of 2 where rows were retired."""
    changes, proofs = history.sums(seal["day"]), evidence.sums(seal["day"])
    if changes[0] == "0":
        changes[1] = combined([])
    fields, kind = changes[:2], "cadence-seal-1"
    if changes[2] != "0":
        fields, kind = changes, "cadence-seal-2"
    if proofs[0] != "0" or proofs[2] != "0":
        fields, kind = changes + proofs, "cadence-seal-3"
    return digest(kind, [seal["tenant_id"], seal["day"], *fields, previous])


def first_difference(history_paths: list[str], seals_path: str, evidence_paths: list[str]) -> str | None:
    seals = read(seals_path)
    # With the clock behind the newest seal, a row is retired at the first instant after it.
    ends = [date.fromisoformat(seal["day"]) + timedelta(days=1) for seal in seals]
    now = max([datetime.now(UTC).isoformat(), *(f"{day}T00:00:00.000000Z" for day in ends)])
    history, evidence = Rows(HISTORY, history_paths, now), Rows(EVIDENCE, evidence_paths, now)
    days = [*history.stored, *history.retired, *evidence.stored, *evidence.retired]
    previous, day = NULL, None
    for seal in seals:
        if day and seal["day"] != str(day + timedelta(days=1)):
            return f"{day + timedelta(days=1)}: the day has no seal"
        if previous == NULL and (early := [each for each in days if each < seal["day"]]):
            return f"{min(early)}: there are rows before the first seal"
        day = date.fromisoformat(seal["day"])
        for rows in (history, evidence):
            if found := rows.difference(seal["day"]):
                return found
        if seal["digest"] != seal_digest(seal, history, evidence, previous):
            hint = "" if evidence_paths else "; if it has evidence, give its three files too"
            return f"{day}: the seal does not fit its rows, what was retired, or the day before{hint}"
        previous = seal["digest"]
    print(f"intact; newest seal: {day} {previous}")
    return None


if __name__ == "__main__":
    paths = sys.argv[1:]
    if len(paths) not in (4, 7):
        sys.exit("give four files, or seven with those of the evidence: docs/proof.md says which")
    if found := first_difference(paths[:3], paths[3], paths[4:]):
        sys.exit(found)
