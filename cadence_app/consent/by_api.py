"""Changes that another system makes: many at once, each judged by itself, under the rules for users.

An integration must never opt in, without a word, somebody who had stopped by their own text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select

from cadence_app.accounts.models import Team
from cadence_app.consent import possible
from cadence_app.consent.ledger import Change, among, lock_contacts, record_changes
from cadence_app.consent.models import Block, BlockScope, Consent, Source, Status
from cadence_app.consent.service import needs_reason
from cadence_app.extensions import db


@dataclass(frozen=True)
class Wanted:
    """A status that a contact of the tenant is to have in one of its teams."""

    contact_id: int
    team_id: int
    status: Status
    reason: str = ""


class Result(StrEnum):
    """`duplicate`: an earlier one of the same call was for this contact and team, and that one counts.
    `team_closed`: nobody joins a closed team; the status of those who are in it can still change."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REASON_REQUIRED = "reason_required"
    DUPLICATE = "duplicate"
    TEAM_CLOSED = "team_closed"


@dataclass(frozen=True)
class Outcome:
    """`change_id` is the history row of a CHANGED one."""

    result: Result
    change_id: int | None = None


def set_by_api(wanted: Sequence[Wanted], actor: str) -> list[Outcome]:
    """Applies what may be applied, in this transaction; the answers are in the order of what was wanted.

    `actor` is what the history says did it. Everything is judged by the statuses as they are under the
    lock. Errors: ValueError, from the ledger, for a contact or team that the tenant does not have.
    """
    lock_contacts(sorted({each.contact_id for each in wanted}))
    pairs = sorted({(each.contact_id, each.team_id) for each in wanted})
    current = _consents(pairs)
    closed = _closed({team_id for _, team_id in pairs})
    stopped_everywhere = _stopped_everywhere({contact_id for contact_id, _ in pairs})

    outcomes: list[Outcome | None] = [None] * len(wanted)
    seen: set[tuple[int, int]] = set()
    changes: dict[int, Change] = {}
    for index, each in enumerate(wanted):
        pair = (each.contact_id, each.team_id)
        known, reason = current.get(pair), each.reason.strip()
        stopped = needs_reason(known) if known else each.contact_id in stopped_everywhere
        if pair in seen:
            outcomes[index] = Outcome(Result.DUPLICATE)
        elif known is None and each.team_id in closed:
            outcomes[index] = Outcome(Result.TEAM_CLOSED)
        elif each.status == Status.OPTED_IN and stopped and not reason:
            outcomes[index] = Outcome(Result.REASON_REQUIRED)
        else:
            changes[index] = Change(*pair, each.status, Source.API, reason=reason, actor=actor)
        seen.add(pair)
    for index, change_id in zip(changes, record_changes(list(changes.values())), strict=True):
        outcomes[index] = Outcome(Result.CHANGED if change_id else Result.UNCHANGED, change_id)
    possible.settle_opted_out(
        [
            (change.contact_id, change.team_id)
            for change in changes.values()
            if change.status == Status.OPTED_OUT
        ]
    )
    return [outcome for outcome in outcomes if outcome]


def _consents(pairs: list[tuple[int, int]]) -> dict[tuple[int, int], Consent]:
    query = (
        select(Consent)
        .where(among(Consent.contact_id, Consent.team_id, pairs))
        .execution_options(populate_existing=True)
    )
    return {(consent.contact_id, consent.team_id): consent for consent in db.session.scalars(query)}


def _closed(team_ids: set[int]) -> set[int]:
    return set(db.session.scalars(select(Team.id).where(Team.id.in_(team_ids), Team.closed_at.is_not(None))))


def _stopped_everywhere(contact_ids: set[int]) -> set[int]:
    """Those of the contacts whose own words opted them out of teams they join later too."""
    query = select(Block.contact_id).where(
        Block.contact_id.in_(contact_ids), Block.scope == BlockScope.ORGANISATION
    )
    return set(db.session.scalars(query))
