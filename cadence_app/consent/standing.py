"""How a contact stands: all that is stored of them that a decision about a text rests on, read at once.

Whoever decides holds the contact (contact_rows.lock_contacts) first, so that it stays so until they have
written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from cadence_app.consent.blocks import STOPPED_EVERYWHERE
from cadence_app.consent.models import (
    Block,
    BlockScope,
    Consent,
    Decision,
    NumberStop,
    OptOutChange,
    PossibleOptOut,
    Source,
    Status,
    StopOrigin,
    TeamOnlyQuestion,
)
from cadence_app.consent.number_stops import digests
from cadence_app.extensions import db
from cadence_app.phone_numbers import spellings
from cadence_app.tenancy import tenant_in_use


@dataclass(frozen=True)
class InTeam:
    """The status in a team, since when (UTC), when their own words last stopped it, and what made it so."""

    team_id: int
    status: Status
    since: datetime
    stopped_at: datetime | None
    source: Source

    @property
    def opted_out(self) -> bool:
        return self.status == Status.OPTED_OUT


@dataclass(frozen=True)
class StoredBlock:
    """A row of models.Block. `number` is empty where it is of the person."""

    scope: BlockScope
    since: datetime
    number: str = ""
    team_id: int | None = None
    inbox_id: int | None = None
    reason: str = ""

    @property
    def came_with_number(self) -> bool:
        """Whether somebody who had the number before stopped a team or all of them."""
        return bool(self.number) and self.scope in {BlockScope.TEAM, BlockScope.ORGANISATION}


@dataclass(frozen=True)
class OpenFlag:
    """Words that read like an opt out and wait for a person, and the phones (E.164) that wrote them."""

    flag_id: int
    team_id: int
    numbers: tuple[str, ...]


@dataclass(frozen=True)
class Question:
    """The open question whether a word was meant for one team only (team_only.py): the team that the phone
    `number` texted at `said_at`, and the message that asks it."""

    team_id: int
    number: str
    said_at: datetime
    reply_id: int | None


@dataclass(frozen=True)
class KeptStop:
    """A stop that a number keeps (models.NumberStop): of the phone that texts, or of one that wrote what is
    flagged."""

    digest: str
    of_sender: bool
    scope: BlockScope
    team_id: int | None
    said_at: datetime
    origin: StopOrigin
    reason: str


@dataclass(frozen=True)
class Standing:
    """A contact at a time (`at`, UTC), when a phone of theirs texts: their statuses, by team; the bars, the
    oldest first; the open flags; the question; and the stops of the phones."""

    contact_id: int
    at: datetime
    statuses: tuple[InTeam, ...] = ()
    bars: tuple[StoredBlock, ...] = ()
    flags: tuple[OpenFlag, ...] = ()
    question: Question | None = None
    stops: tuple[KeptStop, ...] = ()

    def in_team(self, team_id: int) -> InTeam | None:
        """The status in a team; None for who is not in it."""
        return next((each for each in self.statuses if each.team_id == team_id), None)

    def elsewhere(self, team_id: int) -> tuple[InTeam, ...]:
        """The statuses in the other teams."""
        return tuple(each for each in self.statuses if each.team_id != team_id)

    def had_stopped(self, team_id: int) -> bool:
        """Whether they are out of a team by their own words, or by those of who had their number before."""
        own = self.in_team(team_id)
        if own is None or not own.opted_out:
            return False
        return own.stopped_at is not None or barred_because(self.bars, team_id) is not None


def out_of_later_teams(bars: Iterable[StoredBlock]) -> datetime | None:
    """Since when a contact's own words keep them out of teams that they join later; None where none do."""
    own = (bar for bar in bars if bar.scope == BlockScope.ORGANISATION and not bar.number)
    return next((bar.since for bar in own), None)


def barred_because(bars: Iterable[StoredBlock], team_id: int) -> str | None:
    """Why, in words, a number of the contact's was stopped in a team before it was theirs; None where it was
    not. number_stops.reasons() of what has been read."""
    of_team = [bar.reason for bar in bars if bar.came_with_number and bar.team_id in (None, team_id)]
    return of_team[-1] if of_team else None


def stopped_because(bars: Sequence[StoredBlock], team_id: int) -> str | None:
    """Why, in words, whoever joins a team starts opted out of it; None for who does not."""
    return STOPPED_EVERYWHERE if out_of_later_teams(bars) else barred_because(bars, team_id)


def spelled(bars: Iterable[StoredBlock], number: str) -> list[StoredBlock]:
    """The bars of one number, in whatever spelling it is stored."""
    return [bar for bar in bars if bar.number in spellings(number)]


def read(contact_id: int, number: str) -> Standing:
    """How a contact, whom the caller holds, stands when the phone with this number (E.164) texts."""
    statuses = _list(
        (Consent.team_id, Consent.status, Consent.since, Consent.stopped_at, OptOutChange.source),
        Consent.contact_id == contact_id,
        OptOutChange.id == Consent.change_id,
        by=Consent.team_id,
    )
    bars = _list(
        (Block.scope, Block.since, Block.number, Block.team_id, Block.inbox_id, Block.reason),
        Block.contact_id == contact_id,
        by=Block.since,
    )
    is_open = PossibleOptOut.contact_id == contact_id, PossibleOptOut.decision == Decision.OPEN
    flags = _list(
        (PossibleOptOut.id, PossibleOptOut.team_id, func.to_jsonb(PossibleOptOut.numbers)),
        *is_open,
        by=PossibleOptOut.id,
    )
    asked = TeamOnlyQuestion
    question = _list(
        (asked.team_id, asked.number, asked.said_at, asked.reply_id),
        asked.contact_id == contact_id,
        by=asked.contact_id,
    )
    wrote = select(func.unnest(PossibleOptOut.numbers).label("number")).where(*is_open).subquery()
    of_flags = select(func.number_digest(tenant_in_use(), func.number_spellings(wrote.c.number)))
    of_sender = NumberStop.digest.in_(digests(number))
    stops = _list(
        (
            *(func.encode(NumberStop.digest, "hex"), of_sender, NumberStop.scope, NumberStop.team_id),
            *(NumberStop.said_at, NumberStop.origin, NumberStop.reason),
        ),
        of_sender | NumberStop.digest.in_(of_flags),
        by=NumberStop.id,
    )
    row = db.session.execute(select(func.now(), statuses, bars, flags, question, stops)).one()
    return Standing(
        contact_id,
        row[0],
        tuple(
            InTeam(team, Status(status), _time(since), _time(stopped) if stopped else None, Source(source))
            for team, status, since, stopped, source in row[1]
        ),
        tuple(StoredBlock(BlockScope(scope), _time(since), *rest) for scope, since, *rest in row[2]),
        tuple(OpenFlag(flag, team, tuple(numbers)) for flag, team, numbers in row[3]),
        next((Question(team, phone, _time(at), reply) for team, phone, at, reply in row[4]), None),
        tuple(
            KeptStop(digest, own, BlockScope(scope), team, _time(at), StopOrigin(origin), reason)
            for digest, own, scope, team, at, origin, reason in row[5]
        ),
    )


def _list(columns: Sequence[Any], *conditions: ColumnElement[bool], by: Any) -> ScalarSelect[Any]:
    """Rows as one value, a list of lists, so that all of it is one statement and of one moment."""
    rows = func.jsonb_agg(aggregate_order_by(func.jsonb_build_array(*columns), by))
    return select(func.coalesce(rows, func.jsonb_build_array())).where(*conditions).scalar_subquery()


def _time(written: str) -> datetime:
    return datetime.fromisoformat(written)
