"""Changes that another system makes: many at once, each judged by itself, under the rules for users.

An integration must never opt in, without a word, somebody who had stopped by their own text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import select

from cadence_app.accounts.models import Team
from cadence_app.consent import blocks, evidence_by_api, number_stops, possible
from cadence_app.consent.contact_rows import among, lock_contacts
from cadence_app.consent.evidence import Given
from cadence_app.consent.evidence_by_api import Kept
from cadence_app.consent.ledger import Change, note_stops, record_changes
from cadence_app.consent.models import Consent, Source, Status
from cadence_app.extensions import db
from cadence_app.phone_numbers import spellings


@dataclass(frozen=True)
class Wanted:
    """A status that a contact of the tenant is to have in one of its teams. `number` (E.164), where it is not
    empty, is the one of theirs that it was given for. `given` says how they agreed to an opt in; it is kept
    for somebody who is opted in already, too, and for whom a stop of their number opts out instead."""

    contact_id: int
    team_id: int
    status: Status
    reason: str = ""
    number: str = ""
    given: Given | None = None


class Result(StrEnum):
    """`duplicate`: another one of the same call was for this contact and team, and that one counts.
    `team_closed`: nobody joins a closed team; the status of those who are in it can still change.
    `other_number`: an opt in for a number of theirs that is not the one texted; consent is for that one.
    `number_stopped`: a number of theirs was stopped before it was theirs, and no reason was given, so they
    are opted out."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REASON_REQUIRED = "reason_required"
    DUPLICATE = "duplicate"
    TEAM_CLOSED = "team_closed"
    OTHER_NUMBER = "other_number"
    NUMBER_STOPPED = "number_stopped"


@dataclass(frozen=True)
class Outcome:
    """`change_id` is the history row of a CHANGED one, and of a NUMBER_STOPPED one that changed something.
    `proof` is what became of how they agreed, where that was given and kept."""

    result: Result
    change_id: int | None = None
    proof: Kept | None = None


def set_by_api(wanted: Sequence[Wanted], actor: str) -> list[Outcome]:
    """Applies what may be applied, in this transaction; the answers are in the order of what was wanted.

    `actor` is what the history says did it. Everything is judged by the statuses as they are under the
    lock. Of several for one contact and team, an opt out counts wherever it stands, else the first.
    Errors: ValueError, from the ledger, for a contact or team that the tenant does not have.
    """
    held = lock_contacts(possible.with_holders({each.contact_id for each in wanted}))
    pairs = sorted({(each.contact_id, each.team_id) for each in wanted})
    current = _consents(pairs)
    closed = _closed({team_id for _, team_id in pairs})
    stopped_everywhere = blocks.stopped_everywhere({contact_id for contact_id, _ in pairs})

    number_stopped = number_stops.reasons(pairs)
    outcomes: list[Outcome | None] = [None] * len(wanted)
    counts = _which_counts(wanted)
    changes: dict[int, Change] = {}
    instead: set[int] = set()
    for index, each in enumerate(wanted):
        pair = (each.contact_id, each.team_id)
        known, reason = current.get(pair), each.reason.strip()
        stopped = known.stopped_at if known else each.contact_id in stopped_everywhere
        opts_in = each.status == Status.OPTED_IN and not (known and not known.opted_out)
        if counts[pair] != index:
            outcomes[index] = Outcome(Result.DUPLICATE)
        elif known is None and each.team_id in closed:
            outcomes[index] = Outcome(Result.TEAM_CLOSED)
        elif each.status == Status.OPTED_IN and each.number and not _texted(each, held):
            outcomes[index] = Outcome(Result.OTHER_NUMBER)
        elif opts_in and not reason and pair in number_stopped:
            instead.add(index)
            changes[index] = Change(
                *pair, Status.OPTED_OUT, Source.API, reason=number_stopped[pair], actor=actor
            )
        elif opts_in and not reason and stopped:
            outcomes[index] = Outcome(Result.REASON_REQUIRED)
        else:
            changes[index] = Change(
                *(*pair, each.status, Source.API),
                reason=reason,
                actor=actor,
                number=each.number or None,
            )
    for index, change_id in zip(changes, record_changes(list(changes.values())), strict=True):
        result = Result.CHANGED if change_id else Result.UNCHANGED
        outcomes[index] = Outcome(Result.NUMBER_STOPPED if index in instead else result, change_id)
    if instead:
        note_stops([(changes[index].contact_id, changes[index].team_id) for index in sorted(instead)])
    number_stops.answered(
        [
            (changes[index].contact_id, changes[index].team_id)
            for index, outcome in enumerate(outcomes)
            if outcome
            and outcome.change_id
            and changes[index].status == Status.OPTED_IN
            and changes[index].reason
        ]
    )
    given = {
        (change.contact_id, change.team_id): proof
        for index, change in changes.items()
        if wanted[index].status == Status.OPTED_IN and (proof := wanted[index].given)
    }
    kept = evidence_by_api.keep(given, actor)
    for index, change in changes.items():
        if outcome := outcomes[index]:
            outcomes[index] = replace(outcome, proof=kept.get((change.contact_id, change.team_id)))
    possible.settle_opted_out(
        [
            (change.contact_id, change.team_id)
            for change in changes.values()
            if change.status == Status.OPTED_OUT
        ]
    )
    return [outcome for outcome in outcomes if outcome]


def _which_counts(wanted: Sequence[Wanted]) -> dict[tuple[int, int], int]:
    """Which of those wanted for a contact and team counts: the first that opts out, else the first."""
    chosen: dict[tuple[int, int], int] = {}
    for index, each in enumerate(wanted):
        before = chosen.setdefault((each.contact_id, each.team_id), index)
        if each.status == Status.OPTED_OUT and wanted[before].status == Status.OPTED_IN:
            chosen[each.contact_id, each.team_id] = index
    return chosen


def _texted(wanted: Wanted, held: dict[int, Any]) -> bool:
    """Whether the contact, among those held, is texted at the number it was given for."""
    known = held.get(wanted.contact_id)
    return known is not None and known.number in spellings(wanted.number)


def _consents(pairs: list[tuple[int, int]]) -> dict[tuple[int, int], Consent]:
    query = (
        select(Consent)
        .where(among(Consent.contact_id, Consent.team_id, pairs))
        .execution_options(populate_existing=True)
    )
    return {(consent.contact_id, consent.team_id): consent for consent in db.session.scalars(query)}


def _closed(team_ids: set[int]) -> set[int]:
    return set(db.session.scalars(select(Team.id).where(Team.id.in_(team_ids), Team.closed_at.is_not(None))))
