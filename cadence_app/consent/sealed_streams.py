"""What is sealed: the history and the evidence, each described once, with what seals and checks it.

docs/proof.md describes every byte that goes into a digest. What is digested here may not change for a kind
that has been used; a change is a new kind, and a new version of the seal.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from sqlalchemy import TextClause, text
from sqlalchemy.orm import InstrumentedAttribute

from cadence_app.consent.evidence_models import Evidence, RetiredEvidence, SealedEvidence
from cadence_app.consent.models import OptOutChange
from cadence_app.consent.seal_models import RetiredChange, SealedChange

_INSTANTS = {"changed_at", "recorded_at", "agreed_at", "retired_at"}
_DAYS = {"day", "agreed_on"}
_DIGESTS = {"digest", "replaced", "sha256"}


def _netstring(column: str) -> str:
    value = f"{column}::text"
    if column in _INSTANTS:
        value = f"to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
    if column in _DAYS:
        value = f"to_char({column}, 'YYYY-MM-DD')"
    if column in _DIGESTS:
        value = f"encode({column}, 'hex')"
    return f"coalesce(octet_length(convert_to({value}, 'UTF8')) || ':' || {value} || ',', '-,')"


def _digest_sql(kind: str, columns: tuple[str, ...]) -> str:
    netstrings = " || ".join(_netstring(column) for column in columns)
    return f"sha256(convert_to('{kind} ' || {netstrings}, 'UTF8'))"


@dataclass(frozen=True, eq=False)
class Stream:
    """Rows that are written once and sealed with the UTC day that they are of.

    `one` and `many` are what a person reads of them, and `kind` names the digest of a row, over `columns`.
    `moment` says which day a row is of. The model `kept` has the digests of rows and `retired` what was
    erased or purged, both by the column `key`. `of_seal` are the columns of Seal that sum a day up: rows,
    their digest, records of what was retired, their digest; `no_rows` is the digest of a day that has none.
    `personal` is, as SQL, all that an erased row may not say any more, and `reason` the column that says why.
    """

    one: str
    many: str
    rows: type[OptOutChange] | type[Evidence]
    moment: InstrumentedAttribute[datetime]
    kept: type[SealedChange] | type[SealedEvidence]
    retired: type[RetiredChange] | type[RetiredEvidence]
    key: str
    kind: str
    retired_kind: str
    columns: tuple[str, ...]
    of_seal: tuple[str, str, str, str]
    no_rows: bytes | None
    personal: str
    reason: str

    @cached_property
    def row_digest(self) -> str:
        """The digest of a row, as SQL: a million rows need not leave the database."""
        return _digest_sql(self.kind, self.columns)

    @cached_property
    def keep_digests(self) -> TextClause:
        """A row that sits in a day it was not sealed with keeps its first digest, and verify names it. One
        that was erased before its day was sealed is sealed as it was written."""
        return self._sql(
            "INSERT INTO {kept} ({key}, tenant_id, day, digest)"
            " SELECT id, tenant_id, history_day({moment}),"
            " coalesce((SELECT digest FROM {retired} WHERE {key} = {rows}.id), {row_digest})"
            " FROM {rows} WHERE {of_days} ON CONFLICT DO NOTHING"
        )

    @cached_property
    def kept_by_day(self) -> TextClause:
        """How many digests of rows are kept for each day, and the digest over them; a day before our calendar
        is shown as its first."""
        return self._sql(
            "SELECT greatest(day, date '0001-01-01') AS day, count(*) AS rows,"
            " sha256(string_agg(digest, ''::bytea ORDER BY {key})) AS digest"
            " FROM {kept} WHERE tenant_id = :tenant_id AND day BETWEEN CAST(:first AS date) AND :last"
            " GROUP BY 1"
        )

    @cached_property
    def retired_by_day(self) -> TextClause:
        """The same of the records of what was erased or purged, by the day that was done on."""
        return self._sql(
            "SELECT greatest(history_day(retired_at), date '0001-01-01') AS day, count(*) AS rows,"
            " sha256(string_agg({record_digest}, ''::bytea ORDER BY id)) AS digest"
            " FROM {retired} WHERE {of_retired_days} GROUP BY 1"
        )

    @cached_property
    def first_difference(self) -> TextClause:
        """The first row that is on one side only, or has another digest there. A row that was retired must be
        what its last retirement left of it, and one erased must hold nothing of a person."""
        return self._sql(
            "SELECT greatest(coalesce(kept.day, stored.day), date '0001-01-01') AS day,"
            " coalesce(kept.{key}, stored.id) AS id"
            " FROM (SELECT {key}, day, digest FROM {kept}"
            " WHERE tenant_id = :tenant_id AND day BETWEEN CAST(:first AS date) AND :last) AS kept"
            " FULL JOIN (SELECT id, history_day({moment}) AS day, number, {reason} AS reason,"
            " {personal} AS personal, contact_id, {row_digest} AS digest"
            " FROM {rows} WHERE {of_days}) AS stored"
            " ON kept.{key} = stored.id AND kept.day = stored.day"
            " LEFT JOIN (SELECT DISTINCT ON ({key}) {key}, digest, replaced, reason FROM {retired}"
            " WHERE tenant_id = :tenant_id AND day BETWEEN CAST(:first AS date) AND :last"
            " AND retired_at <= greatest(clock_timestamp(), (SELECT (max(day) + 1)::timestamp AT TIME ZONE"
            " 'UTC' FROM seals WHERE tenant_id = :tenant_id)) ORDER BY {key}, id DESC) AS retired"
            " ON retired.{key} = coalesce(kept.{key}, stored.id)"
            " WHERE kept.digest IS DISTINCT FROM coalesce(retired.digest, stored.digest)"
            " OR retired.{key} IS NOT NULL AND (retired.replaced IS DISTINCT FROM stored.digest"
            " OR stored.personal <> '' OR stored.number <> 'erased-' || stored.contact_id"
            " OR stored.reason <> 'Erased: ' || retired.reason) ORDER BY 1, 2 LIMIT 1"
        )

    @cached_property
    def where_row_is(self) -> TextClause:
        return self._sql(
            "SELECT EXISTS (SELECT FROM {rows} WHERE id = :id) AS stored,"
            " EXISTS (SELECT FROM {kept} WHERE {key} = :id) AS sealed"
        )

    def _sql(self, statement: str) -> TextClause:
        days = (
            "tenant_id = :tenant_id AND {} >= CAST(:first AS date)::timestamp AT TIME ZONE 'UTC'"
            " AND {} < (CAST(:last AS date) + 1)::timestamp AT TIME ZONE 'UTC'"
        )
        record = ("id", "tenant_id", self.key, "day", "digest", "how", "retired_at", "user_id", "user_name")
        return text(
            statement.format(
                rows=self.rows.__tablename__,
                kept=self.kept.__tablename__,
                retired=self.retired.__tablename__,
                key=self.key,
                moment=self.moment.key,
                row_digest=self.row_digest,
                record_digest=_digest_sql(self.retired_kind, (*record, "reason", "replaced")),
                of_days=days.format(self.moment.key, self.moment.key),
                of_retired_days=days.format("retired_at", "retired_at"),
                personal=self.personal,
                reason=self.reason,
            )
        )


HISTORY = Stream(
    one="row",
    many="rows",
    rows=OptOutChange,
    moment=OptOutChange.changed_at,
    kept=SealedChange,
    retired=RetiredChange,
    key="change_id",
    kind="cadence-change-1",
    retired_kind="cadence-retired-1",
    columns=(
        *("id", "tenant_id", "contact_id", "team_id", "status", "changed_at", "source", "user_id"),
        *("message_id", "first_name", "last_name", "external_id", "number", "team_code", "user_name"),
        *("words", "reason"),
    ),
    of_seal=("rows", "rows_digest", "retired", "retired_digest"),
    no_rows=hashlib.sha256().digest(),
    personal="first_name || last_name || external_id || words",
    reason="reason",
)
EVIDENCE = Stream(
    one="evidence",
    many="evidence",
    rows=Evidence,
    moment=Evidence.recorded_at,
    kept=SealedEvidence,
    retired=RetiredEvidence,
    key="evidence_id",
    kind="cadence-evidence-1",
    retired_kind="cadence-retired-evidence-1",
    columns=(
        *("id", "tenant_id", "contact_id", "team_id", "recorded_at", "method", "way", "agreed_on"),
        *("agreed_at", "words", "page_url", "sha256", "ip", "number", "collected_by", "user_id"),
        *("user_name", "origin"),
    ),
    of_seal=("evidence", "evidence_digest", "retired_evidence", "retired_evidence_digest"),
    no_rows=None,
    personal="page_url || coalesce(encode(sha256, 'hex'), '') || ip || collected_by || origin",
    reason="words",
)
# In the order in which their sums stand in a seal.
STREAMS = (HISTORY, EVIDENCE)
