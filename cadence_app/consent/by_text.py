"""Writes what a text does to consent: STOP, START, TEAM, words that read like an opt out, a first text.

What it does is decided in deciding.py. Here each effect goes to the one place that writes it, in the order in
which it was decided, inside the caller's transaction, which holds the contact.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from cadence_app.consent import blocks, number_stops, possible, team_only
from cadence_app.consent.deciding import Arrival, Decided
from cadence_app.consent.ledger import Change, note_stop, note_stops, record_changes
from cadence_app.consent.models import Decision, Source, Status
from cadence_app.consent.standing import Standing
from cadence_app.consent.text_effects import (
    AskTeamOnly,
    BlockByWords,
    BlockedByCarrier,
    Effect,
    First,
    Flag,
    ForgetQuestion,
    KeepStop,
    LiftBlock,
    LiftStops,
    OnlyThisTeam,
    OptIn,
    OptOut,
    UnblockedByCarrier,
    WordsCount,
)

_READ_LIKE_ONE = "These words read like an opt out; set to count as one."


def write(
    decided: Decided,
    stored: Standing,
    arrival: Arrival,
    *,
    message_id: int,
    zone: ZoneInfo,
    held: Mapping[int, Any],
) -> None:
    """Writes what was decided of a text, `message_id`, by how its sender stands. `held` is what
    contact_rows.lock_contacts() said of them; `zone` is the tenant's, in which days are counted."""
    for effect in decided.effects:
        _write(effect, stored, arrival, message_id, zone, held)


def _write(
    effect: Effect,
    stored: Standing,
    arrival: Arrival,
    message_id: int,
    zone: ZoneInfo,
    held: Mapping[int, Any],
) -> None:
    contact_id, team_id = stored.contact_id, arrival.team_id
    number, at = arrival.number, arrival.received_at

    def change(team: int, status: Status, source: Source = Source.KEYWORD, reason: str = "") -> Change:
        return Change(
            *(contact_id, team, status, source),
            message_id=message_id,
            words=arrival.words,
            reason=reason,
            said_at=at if source == Source.KEYWORD else None,
            number=number,
        )

    match effect:
        case OptOut(team_ids, by_policy):
            reason = _READ_LIKE_ONE if by_policy else ""
            changes = [change(each, Status.OPTED_OUT, reason=reason) for each in team_ids]
            done = zip(team_ids, record_changes(changes, held), strict=True)
            if again := [(contact_id, each) for each, change_id in done if change_id is None]:
                note_stops(again, at)
            if any(flag.team_id in team_ids for flag in stored.flags):
                possible.decide(contact_id, list(team_ids), Decision.OPTED_OUT, None)
        case KeepStop(team_ids, personal, everywhere):
            number_stops.keep(number, at, team_ids, personal=personal, everywhere=everywhere)
        case BlockByWords(scope):
            blocks.block_by_words(contact_id, scope, at)
        case BlockedByCarrier(inbox_ids):
            blocks.block_number_at(contact_id, inbox_ids, number)
        case UnblockedByCarrier(inbox_ids):
            blocks.unblock_number_at(inbox_ids, number)
        case LiftStops(personal):
            number_stops.lift(contact_id, number, at, team_id, personal=personal)
        case LiftBlock(scope):
            blocks.unblock_by_words(contact_id, scope, at)
        case OptIn():
            record_changes([change(team_id, Status.OPTED_IN)], held)
        case First(status, reason, stopped):
            record_changes([change(team_id, status, Source.COLD_INBOUND, reason)], held)
            if stopped:
                note_stop(contact_id, team_id)
        case Flag(found):
            possible.flag(
                *(contact_id, team_id, message_id, arrival.words, zone),
                *(at, found, number, stored.at),
            )
        case WordsCount():
            possible.words_count(contact_id, team_id, [number], at)
        case AskTeamOnly():
            team_only.ask(stored, team_id, message_id, number, at)
        case ForgetQuestion():
            team_only.forget([contact_id])
        case OnlyThisTeam():
            team_only.give_back(contact_id, message_id, arrival.words, held)
