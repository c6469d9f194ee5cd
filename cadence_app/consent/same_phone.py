"""What becomes of consent when two contacts turn out to have the same phone, in two spellings of its number.

Until somebody merges them, both have the stricter status in every team, and nothing of what the phone said is
lost to the one that is texted from now on.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from cadence_app.accounts.audit import CADENCE
from cadence_app.consent import blocks, number_stops
from cadence_app.consent.ledger import Change, note_stop, record_changes
from cadence_app.consent.merge_and_number_change import standing
from cadence_app.consent.models import (
    Block,
    Consent,
    Decision,
    PossibleOptOut,
    Source,
    Status,
    TeamOnlyQuestion,
)
from cadence_app.extensions import db

REASON = "The same phone is opted out here in another spelling of its number, {number}."
_FLAG = (
    *("tenant_id", "team_id", "message_id", "message_ids", "words", "received_at", "due_on", "decision"),
    *("numbers", "said_at"),
)


def stricter(contact_id: int, other_id: int, number: str, other_number: str) -> None:
    """Opts each of two contacts, whom the caller holds, out wherever the other one is, and gives the second
    one the first one's blocks and open flags: that one's number is what the phone is known by from now on.
    A team that only the first one is in, opted out, gets the second one opted out too, lest somebody adds
    them there."""
    everywhere = blocks.stopped_everywhere((contact_id, other_id))
    first, second = _consents(contact_id), _consents(other_id)
    sides = (
        (other_id, second, first, everywhere.get(contact_id), number),
        (contact_id, first, second, everywhere.get(other_id), other_number),
    )
    changes: list[Change] = []
    said: list[datetime | None] = []
    for into_id, own, theirs, stopped, spelling in sides:
        joins = theirs.keys() if into_id == other_id else ()
        for team_id in sorted(own.keys() | set(joins)):
            that = theirs.get(team_id)
            if standing(that.status if that else None, stopped is not None) == Status.OPTED_OUT:
                reason = REASON.format(number=spelling)
                changes.append(
                    Change(into_id, team_id, Status.OPTED_OUT, Source.MERGE, reason=reason, actor=CADENCE)
                )
                said.append(that.stopped_at if that else stopped)
    record_changes(changes)
    for change, stopped_at in zip(changes, said, strict=True):
        if stopped_at:
            note_stop(change.contact_id, change.team_id, stopped_at)
    blocks.give_to(other_id, contact_id)
    _copy_flags(other_id, contact_id)
    respell(other_id, number, other_number)


def respell(contact_id: int, number: str, new: str) -> None:
    """What is kept of a number beside its contact is of the same one in another spelling from now on."""
    theirs = Block.contact_id == contact_id, Block.number == number
    copied = (
        *(Block.tenant_id, Block.contact_id, Block.scope, Block.inbox_id, Block.team_id),
        *(Block.reason, Block.since),
    )
    columns = [*(column.key for column in copied), "number"]
    same = select(*copied, literal(new)).where(*theirs)
    db.session.execute(upsert(Block).from_select(columns, same).on_conflict_do_nothing())
    db.session.execute(delete(Block).where(*theirs))
    db.session.execute(
        update(TeamOnlyQuestion)
        .where(TeamOnlyQuestion.contact_id == contact_id, TeamOnlyQuestion.number == number)
        .values(number=new)
    )


def barred_in(contact_id: int) -> set[int]:
    """The ids of the teams of a contact in which their number was stopped before it was theirs."""
    found = number_stops.reasons([(contact_id, team_id) for team_id in _consents(contact_id)])
    return {team_id for _, team_id in found}


def opt_out_where_barred(contact_id: int, before: set[int]) -> None:
    """Opts a contact out wherever they are opted in and their number, in its present spelling, turns out to
    have been stopped; `before` are the teams of which that was known."""
    opted_in = [
        (contact_id, team_id)
        for team_id, stored in sorted(_consents(contact_id).items())
        if stored.status == Status.OPTED_IN and team_id not in before
    ]
    found = number_stops.reasons(opted_in)
    record_changes(
        [
            Change(*pair, Status.OPTED_OUT, Source.NUMBER_CHANGE, reason=reason, actor=CADENCE)
            for pair, reason in found.items()
        ]
    )
    for _, team_id in found:
        note_stop(contact_id, team_id)


def _consents(contact_id: int) -> dict[int, Consent]:
    query = select(Consent).where(Consent.contact_id == contact_id)
    return {
        each.team_id: each for each in db.session.scalars(query.execution_options(populate_existing=True))
    }


def _copy_flags(contact_id: int, from_id: int) -> None:
    """Words that nobody has decided about hold both; each is decided for itself."""
    columns = [getattr(PossibleOptOut, name) for name in _FLAG]
    in_team = select(Consent.team_id).where(Consent.contact_id == contact_id)
    theirs = select(literal(contact_id), *columns).where(
        PossibleOptOut.contact_id == from_id,
        PossibleOptOut.decision == Decision.OPEN,
        PossibleOptOut.team_id.in_(in_team),
    )
    copied = upsert(PossibleOptOut).from_select(["contact_id", *_FLAG], theirs)
    db.session.execute(copied.on_conflict_do_nothing())
