"""Imports: the request, its rows while they wait to be applied, and how each of them went."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any, Literal

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, ForeignKey, Index, Text, false, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cadence_app.accounts.models import User
from cadence_app.consent.models import Status
from cadence_app.contacts.imports.refusals import Choice, Kind
from cadence_app.extensions import Model


class ImportState(StrEnum):
    """opening (the worker looks at the file) -> draft (columns are being chosen) -> checking -> ready (the
    preview is there) -> importing -> done.

    A file that can't be read goes back to draft and says why in `problem`; one that can't be opened at all
    has failed, and is deleted. A draft that is to be read in another way is opened again.
    """

    OPENING = "opening"
    DRAFT = "draft"
    CHECKING = "checking"
    READY = "ready"
    IMPORTING = "importing"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


# Of refused rows that say opt out: more than these take a person's word.
_MANY_OPT_OUTS, _MANY_OPT_OUTS_PERCENT = 500, 5
WORKING = (ImportState.OPENING, ImportState.CHECKING, ImportState.IMPORTING)
ENDED = (ImportState.DONE, ImportState.CANCELLED, ImportState.FAILED)


class Result(StrEnum):
    """What became of a row. WAITING: it needs a number that its owner gives up further down in the file."""

    NEW = "new"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    WAITING = "waiting"


class Heard(StrEnum):
    """What became of an opt out that a row says: it COUNTS; a newer status is here or in the file (OLDER);
    the row names NOBODY who is here, and no number; or it has NO_TEAM that can be read."""

    COUNTS = "counts"
    OLDER = "older"
    NOBODY = "nobody"
    NO_TEAM = "no_team"


class Import(Model):
    """One file and what was done with it: the only record that counts (a lost job is queued again).

    `options` is how the file is read (Options in reading.py), `asked` how a draft is to be read instead, with
    whether its header is to be found; `preview` is what the pages show of the file (looking.py) until the
    import has ended. `columns` one target (mapping.py) for each of
    its columns, `headers` their names; `default_teams` are the ids of the teams of rows that name none.
    `lifts_stops` is whether somebody ticked that people who had stopped by their own text are opted in too,
    and `stop_reason` the reason that they wrote for it. `area_code` is added to the `local_numbers` that have
    seven digits only, where somebody chose so. `rows_total` and `rows_done` are of the check or the import at
    hand; the counts are of the last one. `file_key` and `result_key` are in storage (files.py) until
    `expires_at`.

    `rows_hidden` are those that the sheet hides, `rows_older` those of which only the status counts, because
    the file has a newer one of the same person. `refused_opt_outs` are refused rows that say opt out; of the
    statuses, `opt_ins_outvoted` are not applied because of another row of the file, `opt_outs_older` because
    the stored one is newer. `refusals` is how many rows are refused by kind (refusals.py). `unknown_codes`
    are the codes that no team has, each with its rows, and `code_teams` the ids of teams chosen for codes.

    `statement` is how the people of the file agreed, as who started it signed for those of whom the file
    itself says nothing, with the day where one was given; empty where nobody signed. `evidence` counts the
    rows of evidence that were recorded, and `evidence_idle` those of them that no consent rests on.
    """

    __tablename__ = "imports"
    __table_args__ = (
        CheckConstraint(
            "state IN ('opening', 'draft', 'checking', 'ready', 'importing', 'done', 'cancelled', 'failed')",
            name="state",
        ),
        CheckConstraint("NOT lifts_stops OR stop_reason <> ''", name="lifts_stops"),
        Index("ix_imports_latest", "tenant_id", text("id DESC")),
        Index(
            "ix_imports_working",
            "tenant_id",
            "touched_at",
            postgresql_where=text("state IN ('opening', 'checking', 'importing')"),
        ),
        Index(
            "ix_imports_expiring",
            "tenant_id",
            "expires_at",
            postgresql_where=text(
                "(file_key <> '' OR result_key <> '') AND state NOT IN ('opening', 'checking', 'importing')"
            ),
        ),
        Index(
            "ix_imports_finished",
            "tenant_id",
            "finished_at",
            postgresql_where=text("finished_at IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    file_name: Mapped[str]
    file_key: Mapped[str]
    size: Mapped[int]
    sha256: Mapped[str]
    options: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    asked: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    preview: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    headers: Mapped[list[str]] = mapped_column(JSONB, default=list)
    columns: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    default_teams: Mapped[list[int]] = mapped_column(JSONB, default=list)
    state: Mapped[ImportState] = mapped_column(default=ImportState.DRAFT)
    touched_at: Mapped[datetime] = mapped_column(server_default=func.now())
    attempts: Mapped[int] = mapped_column(default=0)
    problem: Mapped[str] = mapped_column(default="")
    started_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]
    agreed_reason: Mapped[str] = mapped_column(default="", server_default="")
    lifts_stops: Mapped[bool] = mapped_column(default=False, server_default=false())
    stop_reason: Mapped[str] = mapped_column(default="")
    area_code: Mapped[str] = mapped_column(default="", server_default="")
    local_numbers: Mapped[int] = mapped_column(default=0, server_default="0")
    rows_total: Mapped[int] = mapped_column(default=0)
    rows_done: Mapped[int] = mapped_column(default=0)
    rows_new: Mapped[int] = mapped_column(default=0)
    rows_updated: Mapped[int] = mapped_column(default=0)
    rows_unchanged: Mapped[int] = mapped_column(default=0)
    rows_refused: Mapped[int] = mapped_column(default=0)
    statuses_changed: Mapped[int] = mapped_column(default=0)
    opt_ins_held: Mapped[int] = mapped_column(default=0)
    rows_hidden: Mapped[int] = mapped_column(default=0, server_default="0")
    rows_older: Mapped[int] = mapped_column(default=0, server_default="0")
    refused_opt_outs: Mapped[int] = mapped_column(default=0, server_default="0")
    opt_ins_outvoted: Mapped[int] = mapped_column(default=0, server_default="0")
    opt_outs_older: Mapped[int] = mapped_column(default=0, server_default="0")
    refusals: Mapped[dict[str, int]] = mapped_column(JSONB, default=dict, server_default="{}")
    unknown_codes: Mapped[dict[str, int]] = mapped_column(JSONB, default=dict, server_default="{}")
    code_teams: Mapped[dict[str, int]] = mapped_column(JSONB, default=dict, server_default="{}")
    statement: Mapped[str] = mapped_column(default="", server_default="")
    statement_on: Mapped[date | None]
    evidence: Mapped[int] = mapped_column(default=0, server_default="0")
    evidence_idle: Mapped[int] = mapped_column(default=0, server_default="0")
    # The line up to which the import is applied; none before its first batch.
    applied_to: Mapped[int | None]
    result_key: Mapped[str] = mapped_column(default="")

    user: Mapped[User] = relationship()

    @property
    def working(self) -> bool:
        return self.state in WORKING

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def is_history(self) -> bool:
        """Whether the file says what was, in the words of the report: none of its opt ins lifts a stop."""
        return any(column["kind"] == "status" for column in self.columns)

    @property
    def is_dated(self) -> bool:
        """Whether the file says since when each status is."""
        return any(column["kind"] == "status_date" for column in self.columns)

    @property
    def worth_starting(self) -> bool:
        """Whether the check found anything that importing could change."""
        found = self.rows_new + self.rows_updated + self.opt_ins_held + self.statuses_changed + self.evidence
        return self.state == ImportState.READY and bool(found)

    @property
    def types_opt_outs(self) -> bool:
        """Whether so many refused rows say opt out that a person types how many before it starts: perhaps the
        columns are wrong."""
        many = self.refused_opt_outs > _MANY_OPT_OUTS
        return many or self.refused_opt_outs * 100 > self.rows_total * _MANY_OPT_OUTS_PERCENT


class ImportRow(Model):
    """One row of a file, read and understood; kept until the import has ended, a refused one as long as the
    file.

    `line` is that of the file. Empty text and no `status` mean: keep what is there; `said_at` is since when
    the status is (UTC), where the file says so. `custom` is as in Contact.custom. `problems` are [column
    number from 0, Kind, what is wrong], the gravest first; a row that has any is refused. `older_than` is the
    line of a newer row of the same person. `choice` (refusals.Choice) is what a person chose for a refused
    row. `heard` (Heard) is what became of its opt out. `agreed`: its number was stopped before it was theirs,
    and a person ticked that this person agreed themselves. `given` is what the row says of how they agreed,
    None for nothing: the day `on` which (ISO 8601) or the instant `at`, `source` in the file's words with the
    `method` (consent Method) that they are, `words` and `url`.
    """

    __tablename__ = "import_rows"
    __table_args__ = (
        Index(
            "ix_import_rows_external_id",
            "import_id",
            "external_id",
            postgresql_where=text("external_id <> ''"),
        ),
        Index("ix_import_rows_number", "import_id", "number", postgresql_where=text("number <> ''")),
        Index("ix_import_rows_opt_outs", "import_id", "line", postgresql_where=text("status = 'opted_out'")),
        CheckConstraint("choice IS NULL OR choice IN ('update', 'further')", name="import_rows_choice"),
        CheckConstraint(
            "heard IS NULL OR heard IN ('counts', 'older', 'nobody', 'no_team')", name="import_rows_heard"
        ),
    )

    import_id: Mapped[int] = mapped_column(ForeignKey("imports.id"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int]  # The import's, which its key holds: one more check would cost every row.
    first_name: Mapped[str]
    last_name: Mapped[str]
    external_id: Mapped[str]
    number: Mapped[str]
    team_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    status: Mapped[Status | None]
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text))
    custom: Mapped[dict[str, str]] = mapped_column(JSONB)
    problems: Mapped[list[Any]] = mapped_column(JSONB)
    said_at: Mapped[datetime | None]
    older_than: Mapped[int | None]
    choice: Mapped[Choice | None]
    heard: Mapped[Heard | None]
    agreed: Mapped[bool] = mapped_column(server_default=false())
    given: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))


class ImportOutcome(Model):
    """What became of a row, in the check or, after it, in the import itself.

    A WAITING one `waits_for_id` a contact. `moved`: the row gives its contact another number. `note` says why
    a row was refused or what of it was not applied; `kind` (refusals.Kind) is that of a refused one.
    `number_stopped`: a number of theirs was stopped before it was theirs.
    """

    __tablename__ = "import_outcomes"
    __table_args__ = (
        CheckConstraint("result IN ('new', 'updated', 'unchanged', 'refused', 'waiting')", name="result"),
        Index("ix_import_outcomes_noted", "import_id", "line", postgresql_where=text("note <> ''")),
        Index("ix_import_outcomes_refused", "import_id", "kind", "line", postgresql_where=text("kind <> ''")),
        Index("ix_import_outcomes_stopped", "import_id", "line", postgresql_where=text("number_stopped")),
    )

    import_id: Mapped[int] = mapped_column(ForeignKey("imports.id"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int]  # The import's, which its key holds: one more check would cost every row.
    result: Mapped[Result]
    contact_id: Mapped[int | None]
    waits_for_id: Mapped[int | None]
    moved: Mapped[bool] = mapped_column(default=False)
    kind: Mapped[Kind | Literal[""]] = mapped_column(default="", server_default="")
    note: Mapped[str] = mapped_column(default="")
    number_stopped: Mapped[bool] = mapped_column(server_default=false())


class ImportOptOut(Model):
    """A contact and team for whom the file's last word is an opt out, whatever row says it: decided before
    its rows are applied (opt_outs.py), so no row opts them in. `changed`: they were not opted out before."""

    __tablename__ = "import_opt_outs"

    import_id: Mapped[int] = mapped_column(ForeignKey("imports.id"), primary_key=True)
    # Without foreign keys: they live as long as the import, and would cost every row.
    contact_id: Mapped[int] = mapped_column(primary_key=True)
    team_id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    changed: Mapped[bool]


class ImportContact(Model):
    """A contact whom an applied row of an import named: what campaigns choose by. Kept for a year
    (jobs.py), longer than how the rows went."""

    __tablename__ = "import_contacts"

    import_id: Mapped[int] = mapped_column(ForeignKey("imports.id"), primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"), primary_key=True, index=True)
    # The import's; without a foreign key of its own, whose check would cost every row.
    tenant_id: Mapped[int]


class ImportMapping(Model):
    """What a tenant last imported the column of this name as. `header` is in small letters; `target` as in
    Target.remembered (mapping.py)."""

    __tablename__ = "import_mappings"

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    header: Mapped[str] = mapped_column(primary_key=True)
    target: Mapped[str]


class ImportCode(Model):
    """The team that a tenant last chose for a code which no team of it has, in capitals."""

    __tablename__ = "import_codes"

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"))
