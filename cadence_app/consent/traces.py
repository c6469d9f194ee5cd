"""What consent keeps of a person: status and history, how they agreed, what bars them beside it, what they
may have meant, and the stops of their numbers, which outlast them."""

from __future__ import annotations

from sqlalchemy import delete, false, func, or_, select, update

from cadence_app.accounts.models import Team
from cadence_app.consent import blocks, merge_and_number_change, possible, team_only
from cadence_app.consent.evidence_models import Evidence, RetiredEvidence, SealedEvidence
from cadence_app.consent.ledger import leave_teams
from cadence_app.consent.models import (
    Block,
    Consent,
    Decision,
    NumberStop,
    OptOutChange,
    PossibleOptOut,
    TeamOnlyQuestion,
    TeamOnlyStatus,
)
from cadence_app.consent.number_stops import digests
from cadence_app.consent.seal_models import RetiredChange, SealedChange
from cadence_app.extensions import db
from cadence_app.traces import (
    PERSON,
    Fate,
    HandedOut,
    Kept,
    Leaving,
    Merging,
    Person,
    Rows,
    Size,
    Traces,
    instant,
    register,
)

_TABLES = (
    Kept(
        *(OptOutChange, Fate.EMPTIED, Fate.WITH_RECORD, Fate.STAYS, "history"),
        because="Proof of what was decided, without names, ContactId, number and words: the legal reason is"
        " in their place (GDPR article 17(3)(b) and (e); docs/proof.md). In a merge, history says under whose"
        " id it was written.",
    ),
    Kept(
        *(Evidence, Fate.EMPTIED, Fate.WITH_RECORD, Fate.STAYS, "evidence"),
        because="Proof that there was evidence, of what kind and day and who entered it, without its words,"
        " page, IP address and number: the legal reason is in their place (GDPR article 17(3)(b) and (e);"
        " docs/proof.md). In a merge, it says under whose id it was recorded.",
    ),
    Kept(Consent, Fate.DELETED, Fate.WITH_RECORD, Fate.DELETED, "statuses"),
    Kept(Block, Fate.DELETED, Fate.WITH_RECORD, Fate.MOVED, PERSON),
    Kept(
        *(PossibleOptOut, Fate.EMPTIED, Fate.WITH_RECORD, Fate.MOVED, "possible_opt_outs"),
        because="That a text was decided on in time (47 CFR 64.1200(a)(10)), without its words.",
    ),
    Kept(TeamOnlyQuestion, Fate.DELETED, Fate.WITH_RECORD, Fate.DELETED, PERSON),
    Kept(
        *(TeamOnlyStatus, Fate.DELETED, Fate.WITH_RECORD, Fate.DELETED, ""),
        because="For seven days, the status before a word of theirs, which is in the history.",
    ),
    Kept(
        *(NumberStop, Fate.STAYS, Fate.STAYS, Fate.STAYS, "stops"),
        because="So that nobody texts the number from here again (47 CFR 64.1200(a)(10), GDPR article"
        " 17(3)(b)): a keyed digest, whose key is not in the database.",
    ),
    Kept(
        *(SealedChange, Fate.STAYS, Fate.STAYS, Fate.STAYS, ""),
        because="A digest: it proves that nothing else was altered (GDPR article 17(3)(e); docs/proof.md).",
    ),
    Kept(
        *(RetiredChange, Fate.STAYS, Fate.STAYS, Fate.STAYS, ""),
        because="A digest, and who erased a row, when and why (GDPR article 17(3)(e); docs/proof.md).",
    ),
    Kept(
        *(SealedEvidence, Fate.STAYS, Fate.STAYS, Fate.STAYS, ""),
        because="A digest: it proves that nothing else was altered (GDPR article 17(3)(e); docs/proof.md).",
    ),
    Kept(
        *(RetiredEvidence, Fate.STAYS, Fate.STAYS, Fate.STAYS, ""),
        because="A digest, and who erased a row, when and why (GDPR article 17(3)(e); docs/proof.md).",
    ),
)
_TOLD = {
    "history": "every change of the consent to be texted",
    "evidence": "how they agreed to be texted, as it was recorded",
    "statuses": "the consent as it is now",
    "possible_opt_outs": "the texts that read like an opt out and what was decided about them",
    "stops": "what their numbers had said stop to, whoever has them",
}


def _empty(leaving: Leaving) -> None:
    """The history itself and the evidence are retired by erasing.py, with the legal reason."""
    team_only.forget(leaving.ids)
    flags = PossibleOptOut.contact_id.in_(leaving.ids)
    still_open = flags, PossibleOptOut.decision == Decision.OPEN
    open_in = db.session.execute(select(PossibleOptOut.contact_id, PossibleOptOut.team_id).where(*still_open))
    possible.settle_opted_out([(row.contact_id, row.team_id) for row in open_in])
    db.session.execute(update(PossibleOptOut).where(flags).values(words="", phrases="", numbers=[]))
    leave_teams(leaving.ids)
    db.session.execute(delete(Block).where(Block.contact_id.in_(leaving.ids)))


def _move(merging: Merging) -> None:
    merge_and_number_change.merge(merging)


def _hand_out(person: Person) -> HandedOut:
    question = team_only.question_of(person.ids[0])
    return HandedOut(
        {
            "history": _history(person),
            "evidence": _evidence(person),
            "statuses": _statuses(person),
            "possible_opt_outs": _flags(person),
            "stops": _stops(person),
        },
        {
            "asked_which_teams_to_stop": instant(question.said_at) if question else "",
            "blocks": [
                {
                    "scope": block.scope,
                    "since": instant(block.since),
                    "number": block.number,
                    "reason": block.reason,
                }
                for block in blocks.blocks_of(person.ids[0])
            ],
        },
    )


def _size_of(person: Person) -> Size:
    rows = 0
    for kind in (OptOutChange, Evidence):
        count = select(func.count()).select_from(kind).where(kind.contact_id.in_(person.ids))
        rows += db.session.scalars(count).one()
    return Size(rows)


def _history(person: Person) -> Rows:
    query = (
        select(OptOutChange, Team.name)
        .join(Team, Team.id == OptOutChange.team_id)
        .where(OptOutChange.contact_id.in_(person.ids))
        .order_by(OptOutChange.changed_at, OptOutChange.id)
    )
    return [
        {
            "row": change.id,
            "at": instant(change.changed_at),
            "status": change.status,
            "team": team,
            "team_code": change.team_code,
            "source": change.source,
            "by": change.user_name,
            "words": change.words,
            "reason": change.reason,
            "first_name": change.first_name,
            "last_name": change.last_name,
            "contact_id": change.external_id,
            "number": change.number,
        }
        for change, team in db.session.execute(query)
    ]


def _evidence(person: Person) -> Rows:
    query = select(Evidence).join(Evidence.team).where(Evidence.contact_id.in_(person.ids))
    return [
        {
            "row": row.id,
            "recorded_at": instant(row.recorded_at),
            "team": row.team.name,
            "method": row.method,
            "way": row.way,
            "agreed_on": row.agreed_on.isoformat() if row.agreed_on else "",
            "agreed_at": instant(row.agreed_at),
            "words": row.words,
            "page_url": row.page_url,
            "sha256": row.sha256.hex() if row.sha256 else "",
            "ip": row.ip,
            "number": row.number,
            "collected_by": row.collected_by,
            "entered_by": row.user_name,
            "origin": row.origin,
        }
        for row in db.session.scalars(query.order_by(Evidence.recorded_at, Evidence.id))
    ]


def _statuses(person: Person) -> Rows:
    query = select(Consent).join(Consent.team).where(Consent.contact_id.in_(person.ids)).order_by(Team.name)
    return [
        {"team": consent.team.name, "status": consent.status, "since": instant(consent.since)}
        for consent in db.session.scalars(query)
    ]


def _flags(person: Person) -> Rows:
    query = (
        select(PossibleOptOut, Team.name)
        .join(Team, Team.id == PossibleOptOut.team_id)
        .where(PossibleOptOut.contact_id.in_(person.ids))
        .order_by(PossibleOptOut.id)
    )
    return [
        {
            "at": instant(flag.received_at),
            "team": team,
            "words": flag.words,
            "from_numbers": sorted(set(flag.numbers)),
            "flagged_by_words": flag.phrases,
            "flagged_by_classifier_version": flag.classifier,
            "due_on": flag.due_on.isoformat(),
            "decision": flag.decision,
            "decided_at": instant(flag.decided_at),
            "decided_by": flag.decided_by.name if flag.decided_by else "",
        }
        for flag, team in db.session.execute(query)
    ]


def _stops(person: Person) -> Rows:
    query = (
        select(NumberStop, Team.name)
        .outerjoin(Team, Team.id == NumberStop.team_id)
        .where(or_(false(), *(NumberStop.digest.in_(digests(number)) for number in person.numbers)))
        .order_by(NumberStop.id)
    )
    return [
        {"scope": stop.scope, "team": team or "", "said_at": instant(stop.said_at), "reason": stop.reason}
        for stop, team in db.session.execute(query)
    ]


register(Traces(*("consent", _TABLES, _TOLD), empty=_empty, move=_move, hand_out=_hand_out, size=_size_of))
