"""The consent ledger's tables. Only ledger.py, with undo_marks.py, writes the first two."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cadence_app.accounts.models import Team, User
from cadence_app.consent.keywords import Meaning
from cadence_app.extensions import Model


class Status(StrEnum):
    OPTED_IN = "opted_in"
    OPTED_OUT = "opted_out"


class Source(StrEnum):
    """What decided an opt-out change.

    NUMBER_CHANGE: the number that is texted was changed, by hand or by a file. MERGE: two records became one.
    """

    COLD_INBOUND = "cold_inbound"
    MANUAL_ADD = "manual_add"
    KEYWORD = "keyword"
    TOGGLE = "toggle"
    IMPORT = "import"
    API = "api"
    NUMBER_CHANGE = "number_change"
    MERGE = "merge"


REPORTED_SOURCES = (Source.COLD_INBOUND, Source.MANUAL_ADD, Source.KEYWORD, Source.TOGGLE)
# What follows from a correction of the records. The report leaves it out, and says how much it left out.
CARRIED_SOURCES = (Source.NUMBER_CHANGE, Source.MERGE)

_STATUS_CHECK = "status IN ('opted_in', 'opted_out')"
_SOURCE_CHECK = (
    "source IN ('cold_inbound', 'manual_add', 'keyword', 'toggle', 'import', 'api', 'number_change', 'merge')"
)


class OptOutChange(Model):
    """One row of the append-only history: a status a contact got in a team.

    Names, ids, code and number are as they were at that moment. `number` is the one that the contact was
    texted at, but for what another phone of theirs said, where it is that phone's, and for an opt out because
    their number changed, where it is the old one. Database triggers refuse UPDATE, DELETE and TRUNCATE, but
    for what retiring.py does.
    """

    __tablename__ = "opt_out_changes"
    __table_args__ = (
        CheckConstraint(_STATUS_CHECK, name="status"),
        CheckConstraint(_SOURCE_CHECK, name="source"),
        Index(
            "ix_opt_out_changes_report",
            "tenant_id",
            "changed_at",
            "id",
            postgresql_include=["team_id", "user_id", "status", "source"],
            postgresql_where=text("source IN ('cold_inbound', 'manual_add', 'keyword', 'toggle')"),
        ),
        Index(
            "ix_opt_out_changes_carried",
            "tenant_id",
            "changed_at",
            "id",
            postgresql_include=["team_id", "user_id", "status", "source"],
            postgresql_where=text("source IN ('number_change', 'merge')"),
        ),
        Index("ix_opt_out_changes_contact", "contact_id", "team_id", "id"),
        Index("ix_opt_out_changes_message", "message_id", postgresql_where=text("message_id IS NOT NULL")),
        # All sources, unlike the report's: seals cover imports and the API too.
        Index("ix_opt_out_changes_day", "tenant_id", "changed_at", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int]  # The contact's, which its key holds: one more check would cost every row.
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"))
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"))
    status: Mapped[Status]
    changed_at: Mapped[datetime]
    source: Mapped[Source]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id"))
    first_name: Mapped[str]
    last_name: Mapped[str]
    external_id: Mapped[str]
    number: Mapped[str]
    team_code: Mapped[str]
    user_name: Mapped[str] = mapped_column(default="")
    # The contact's own words, for a change that a text of theirs made.
    words: Mapped[str] = mapped_column(default="")
    reason: Mapped[str] = mapped_column(default="")


class Consent(Model):
    """The opt-out status of one contact in one team, as the last change left it.

    A trigger refuses a status that is not the one of the change it names.
    """

    __tablename__ = "consents"
    __table_args__ = (
        CheckConstraint(_STATUS_CHECK, name="status"),
        Index("ix_consents_team", "team_id"),
        Index("ix_consents_status", "team_id", "status", "contact_id"),
        Index("ix_consents_change", "change_id"),  # Asked for each row of the history that is purged.
    )

    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"), primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"), primary_key=True)
    tenant_id: Mapped[int]  # The contact's, which its key holds: one more check would cost every row.
    status: Mapped[Status]
    since: Mapped[datetime]
    change_id: Mapped[int] = mapped_column(ForeignKey("opt_out_changes.id"))
    # When an opted-out contact last sent an out word of their own, even if a user had been first.
    stopped_at: Mapped[datetime | None]
    # What that was before the last change, so that an opt in that is undone answers no stop.
    stopped_before: Mapped[datetime | None]
    # Whether somebody else has opted the contact out once more since the last change (undo_marks.py).
    out_again: Mapped[bool] = mapped_column(server_default=text("false"))
    # The bars that the reason of the last opt in lifted: scope, number, team, reason and since when.
    lifted: Mapped[list[list[Any]] | None] = mapped_column(JSONB(none_as_null=True))

    change: Mapped[OptOutChange] = relationship()
    team: Mapped[Team] = relationship()

    @property
    def opted_out(self) -> bool:
        return self.status == Status.OPTED_OUT


class BlockScope(StrEnum):
    """What a block reaches, where that is not one team.

    TEAM: a team, which the number had stopped before it was this contact's.
    PERSONAL: every personal inbox of the tenant, after a keyword to one of them.
    ORGANISATION: teams the contact joins later, after STOPALL or under the organisation policy.
    CARRIER_NUMBER: one inbox, whose carrier or toll-free network blocks the number by itself.
    """

    TEAM = "team"
    PERSONAL = "personal"
    ORGANISATION = "organisation"
    CARRIER_NUMBER = "carrier_number"


class Block(Model):
    """What stands beside consent with a scope of its own.

    `number` is the one that it blocks, where it is one of the number and not of the person: the number that a
    carrier blocks at `inbox_id`, or one that was somebody else's who had stopped (number_stops.py); `reason`
    says so then in words. Such a one ends with the number. `team_id` is set for TEAM only.
    """

    __tablename__ = "blocks"
    __table_args__ = (
        CheckConstraint("scope IN ('team', 'personal', 'organisation', 'carrier_number')", name="scope"),
        CheckConstraint("(scope = 'team') = (team_id IS NOT NULL)", name="team"),
        UniqueConstraint(
            "contact_id", "scope", "inbox_id", "number", "team_id", postgresql_nulls_not_distinct=True
        ),
        # What a carrier blocks, whoever has the number: asked for whenever somebody gets one.
        Index(
            "ix_blocks_carrier",
            "tenant_id",
            "number",
            postgresql_where=text("scope = 'carrier_number' AND number <> ''"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"))
    scope: Mapped[BlockScope]
    number: Mapped[str] = mapped_column(default="", server_default="")
    reason: Mapped[str] = mapped_column(default="", server_default="")
    inbox_id: Mapped[int | None] = mapped_column(ForeignKey("inboxes.id"))
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id"))
    since: Mapped[datetime] = mapped_column(server_default=func.now())


class StopOrigin(StrEnum):
    """What keeps a number's stop: its phone's own text, or that somebody who had it and had stopped was
    erased or removed by age."""

    TEXT = "text"
    ERASED = "erased"
    AGED = "aged"


class NumberStop(Model):
    """A stop of a number, whoever has it: its last word in this scope, from `said_at`. The number is there as
    a keyed digest (number_key.py). number_stops.py alone writes these, and a database trigger bars each
    contact who gets such a number (Block).

    `reason` is what is said of it in place of that; empty for a text.
    """

    __tablename__ = "number_stops"
    __table_args__ = (
        CheckConstraint("scope IN ('team', 'personal', 'organisation')", name="scope"),
        CheckConstraint("(scope = 'team') = (team_id IS NOT NULL)", name="team"),
        CheckConstraint("origin IN ('text', 'erased', 'aged')", name="origin"),
        UniqueConstraint("tenant_id", "digest", "scope", "team_id", postgresql_nulls_not_distinct=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    digest: Mapped[bytes]
    scope: Mapped[BlockScope]
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id"))
    said_at: Mapped[datetime]
    origin: Mapped[StopOrigin]
    reason: Mapped[str] = mapped_column(default="")


class TeamOnlyQuestion(Model):
    """A contact's latest word counted for every team, and its confirmation asks whether one was meant.

    The word is the text `message_id`, which the phone `number` sent to `team_id` at `said_at`; `reply_id` is
    the confirmation. `bar_since` and `flag_ids` are what the word changed besides statuses: since when
    the contact's own words had kept them out of later teams before it, and the flags of other teams that were
    open; `stops` are those that the number, and the phones that wrote what was flagged, had before it.
    """

    __tablename__ = "team_only_questions"

    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"), primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"))
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"))
    reply_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id"))
    number: Mapped[str]
    said_at: Mapped[datetime]
    bar_since: Mapped[datetime | None]
    flag_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    stops: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list, server_default="[]")


class TeamOnlyStatus(Model):
    """What the status in another team was before that word. ledger.py deletes it once anything else, even
    another opt out, is said of the contact in that team."""

    __tablename__ = "team_only_statuses"
    __table_args__ = (CheckConstraint(_STATUS_CHECK, name="status"),)

    contact_id: Mapped[int] = mapped_column(
        ForeignKey("team_only_questions.contact_id", ondelete="CASCADE"), primary_key=True
    )
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"), primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    status: Mapped[Status]
    stopped_at: Mapped[datetime | None]


class CustomKeyword(Model):
    """A word an organisation added to the built-in ones, for one team or (no team) for all of them.

    `word` is stored normalised (keywords.normalise). `answer` is what is said to it, such as in its language;
    empty where that is the team's text.
    """

    __tablename__ = "custom_keywords"
    __table_args__ = (
        CheckConstraint("meaning IN ('out', 'in', 'help')", name="meaning"),
        UniqueConstraint("tenant_id", "team_id", "word", postgresql_nulls_not_distinct=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id"))
    word: Mapped[str]
    meaning: Mapped[Meaning]
    answer: Mapped[str] = mapped_column(default="", server_default="")


class Decision(StrEnum):
    OPEN = "open"
    OPTED_OUT = "opted_out"
    DISMISSED = "dismissed"


class PossibleOptOut(Model):
    """A text that reads like an opt out. While open it holds automated texts to the contact in the team.

    More such texts join the open flag: `words` has a line for each, `message_ids` are all of them and
    `message_id` is the one read last; the earliest started the clock (`received_at`, `due_on`). `phrases` are
    the words in them that raised the flag, a line each; `classifier` is the newest version that flagged one.
    `numbers` (E.164) are the phones that wrote them, the latest at `said_at`: the stop of each, once the
    decision is that it was one.
    """

    __tablename__ = "possible_opt_outs"
    __table_args__ = (
        CheckConstraint("decision IN ('open', 'opted_out', 'dismissed')", name="decision"),
        Index("ix_possible_opt_outs_contact", "contact_id"),
        Index("ix_possible_opt_outs_message", "message_id"),
        Index(
            "ix_possible_opt_outs_queue",
            "tenant_id",
            "due_on",
            "id",
            postgresql_where=text("decision = 'open'"),
        ),
        Index(
            "uq_possible_opt_outs_open",
            "contact_id",
            "team_id",
            unique=True,
            postgresql_where=text("decision = 'open'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"))
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"))
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id"))
    message_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), default=list, server_default="{}")
    words: Mapped[str]
    phrases: Mapped[str] = mapped_column(default="", server_default="")
    classifier: Mapped[int | None]
    numbers: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    received_at: Mapped[datetime]
    said_at: Mapped[datetime] = mapped_column(server_default=func.now())
    due_on: Mapped[date]
    decision: Mapped[Decision] = mapped_column(default=Decision.OPEN)
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))

    decided_by: Mapped[User | None] = relationship()
