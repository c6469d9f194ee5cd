"""The rules of consent: who may change a status, what a contact's text means, who may be texted.

Everything here runs inside the caller's transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select

from cadence_app.accounts.models import PossibleOptOutPolicy, Team, Tenant, User
from cadence_app.consent import blocks, keywords, number_stops, possible, reading, team_only
from cadence_app.consent.intent import Found
from cadence_app.consent.joining import record_first
from cadence_app.consent.keyword_scope import asks_team_only, counts_everywhere
from cadence_app.consent.keywords import Keyword, Meaning
from cadence_app.consent.ledger import (
    Change,
    lock_contacts,
    note_stop,
    record_change,
    record_changes,
    with_merged,
)
from cadence_app.consent.models import BlockScope, Consent, Decision, OptOutChange, Source, Status
from cadence_app.consent.reading import Beside, Said
from cadence_app.extensions import db
from cadence_app.tenancy import tenant_in_use

_STILL_BLOCKED = (
    "Opted in here, but the toll-free network still blocks this number until they text START or UNSTOP."
)
_CARRIER_BLOCKS = "Opted in here, but the carrier still blocks this number until they text START."
_SENT_BEFORE = "Sent before the contact's last opt-out word, so it changes nothing."
_OTHER_PHONE = (
    "Sent from another number of theirs, so it opts in nothing: consent is for the number that is texted."
)


class ReasonRequired(ValueError):
    """The contact, or somebody who had their number before, stopped by their own words; opting them in takes
    a written reason."""


@dataclass(frozen=True)
class Arrival:
    """A text that has come in. `personal` and `toll_free` are about the inbox it was sent to; `received_at`
    is when the provider received it (UTC). `number` is the phone that sent it, and `texted` whether that is
    the number which the contact is texted at. `carrier_meaning` is what the inbox's carrier took it for and
    acted on, `carrier_lifts` whether it lifts its own block for this text, and `carrier_inboxes` are the ids
    of the inboxes that share the scope of what it blocks. `answers_team_only` is whether it is TEAM, and
    this inbox has asked the contact whether only its team was meant. `beside` is what it is read beside."""

    contact_id: int
    team_id: int
    inbox_id: int
    message_id: int
    words: str
    personal: bool
    toll_free: bool
    received_at: datetime
    number: str
    texted: bool
    carrier_meaning: Meaning | None = None
    carrier_lifts: bool = False
    carrier_inboxes: tuple[int, ...] = ()
    answers_team_only: bool = False
    beside: Beside = field(default_factory=Beside)


@dataclass(frozen=True)
class Reading:
    """What a text did: the keyword it was, the automatic answer it gets, what an agent who reads the
    conversation should know, whether the answer asks if only this team was meant, and the ids of the teams
    that an opt out named, which are those to confirm; none for the team that was texted."""

    keyword: Keyword | None = None
    answer: Meaning | None = None
    note: str = ""
    asks_team_only: bool = False
    team_ids: tuple[int, ...] = ()


def consent_of(contact_id: int, team_id: int) -> Consent | None:
    """The stored status as it is now; it can't change while the caller holds the contact (lock_contacts)."""
    return db.session.scalars(
        select(Consent)
        .where(Consent.contact_id == contact_id, Consent.team_id == team_id)
        .execution_options(populate_existing=True)
    ).one_or_none()


def needs_reason(consent: Consent | None) -> bool:
    """Whether opting this contact in takes a written reason: they stopped by their own words, or somebody who
    had their number before did."""
    if consent is None or not consent.opted_out:
        return False
    return bool(consent.stopped_at or number_stops.reason(consent.contact_id, consent.team_id))


def set_by_user(user: User, contact_id: int, team_id: int, status: Status, reason: str = "") -> int | None:
    """A user's change of the toggle. Returns the history row's id, None where nothing changed.

    Errors: ReasonRequired, from the status as it is under the lock and not as the user's page showed it.
    """
    lock_contacts(possible.with_holders([contact_id]))
    if status == Status.OPTED_IN and not reason.strip() and needs_reason(consent_of(contact_id, team_id)):
        raise ReasonRequired
    change_id = record_change(
        Change(contact_id, team_id, status, Source.TOGGLE, user_id=user.id, reason=reason.strip())
    )
    if status == Status.OPTED_OUT:
        possible.decide(contact_id, [team_id], Decision.OPTED_OUT, user.id)
    elif change_id and reason.strip():
        number_stops.answered([(contact_id, team_id)])
    return change_id


def read_text(arrival: Arrival) -> Reading:
    """Applies what a contact's text means for consent, in the order of the rules: a keyword, else a first
    text, else words that read like an opt out."""
    lock_contacts([arrival.contact_id])
    consent = consent_of(arrival.contact_id, arrival.team_id)
    if arrival.answers_team_only and (answered := _only_this_team(arrival, consent)):
        return answered
    said = _said(arrival)
    keyword = said.keyword
    if keyword and keyword.word == keywords.YES and not (consent and consent.opted_out):
        keyword = None
    if keyword and keyword.meaning == Meaning.OUT:
        return _opt_out(arrival, consent, keyword)
    if keyword and keyword.meaning == Meaning.IN:
        return _opt_in(arrival, consent, keyword)
    found = said.found if keyword is None else None
    # Phrases are words that anybody can read; what a classifier takes for an opt out a person must confirm.
    if found and found.words and _tenant().possible_opt_out_policy == PossibleOptOutPolicy.OPT_OUT:
        return _opt_out(arrival, consent, None)
    if consent is None:
        _first(arrival)
    if found:
        _flag(arrival, found)
    note = _OTHER_PHONE if consent is None and not arrival.texted else ""
    return Reading(keyword, keyword.meaning if keyword else None, note)


def _said(arrival: Arrival) -> Said:
    """What a text says. What its carrier took for an opt out is one, for it blocks the number by now; any
    other meaning that the carrier found counts where we find none."""
    said = reading.read(arrival.words, arrival.beside)
    meaning, own = arrival.carrier_meaning, said.keyword
    if meaning is None or (own and (own.meaning == meaning or meaning != Meaning.OUT)):
        return said
    return Said(Keyword(keywords.normalise(arrival.words), meaning))


def history(contact_id: int, team_ids: list[int], limit: int = 100) -> list[OptOutChange]:
    """A contact's changes in these teams, and those of the contacts merged into them, newest first."""
    return list(
        db.session.scalars(
            select(OptOutChange)
            .where(OptOutChange.contact_id.in_(with_merged(contact_id)), OptOutChange.team_id.in_(team_ids))
            .order_by(OptOutChange.changed_at.desc(), OptOutChange.id.desc())
            .limit(limit)
        )
    )


def _opt_out(arrival: Arrival, consent: Consent | None, keyword: Keyword | None) -> Reading:
    """Opts a contact out by a keyword or, by the tenant's choice, by words that read like an opt out."""
    named = _named(arrival, consent, keyword) if keyword and keyword.team_ids else (arrival.team_id,)
    had_stopped = all(needs_reason(consent_of(arrival.contact_id, team_id)) for team_id in named)
    # Their latest word counts; whatever an earlier one asked is not open any more.
    team_only.forget([arrival.contact_id])
    asks = asks_team_only(_tenant(), keyword, arrival.team_id) and arrival.carrier_meaning is None
    before = team_only.elsewhere(arrival.contact_id, arrival.team_id, arrival.number) if asks else None
    team_ids = list(named)
    everywhere = counts_everywhere(_tenant(), keyword)
    if everywhere:
        others = select(Consent.team_id).where(Consent.contact_id == arrival.contact_id)
        team_ids = sorted({arrival.team_id, *named, *db.session.scalars(others)})
        blocks.block_by_words(arrival.contact_id, BlockScope.ORGANISATION, arrival.received_at)
    number_stops.keep(
        arrival.number,
        arrival.received_at,
        team_ids,
        personal=arrival.personal,
        everywhere=everywhere,
    )
    if arrival.personal:
        blocks.block_by_words(arrival.contact_id, BlockScope.PERSONAL, arrival.received_at)
    bare = keyword is not None and not keyword.named
    if arrival.toll_free and keyword and bare and keyword.word in keywords.TOLL_FREE_BLOCK_WORDS:
        blocks.block_number(arrival.contact_id, arrival.inbox_id, arrival.number)
    if arrival.carrier_meaning == Meaning.OUT:
        for inbox_id in arrival.carrier_inboxes:
            blocks.block_number(arrival.contact_id, inbox_id, arrival.number)
    reason = "" if keyword else "These words read like an opt out; set to count as one."
    changed = _stop_in(arrival, team_ids, reason)
    if arrival.team_id not in team_ids:
        # They may not know which team writes to them from here.
        _flag(arrival, Found())
    if not changed and had_stopped:
        return Reading(keyword, note="No confirmation: they had stopped already.")
    if before is None or not before.gives_back:
        return Reading(keyword, Meaning.OUT, team_ids=named if named != (arrival.team_id,) else ())
    team_only.ask(
        before,
        arrival.contact_id,
        arrival.team_id,
        arrival.message_id,
        arrival.number,
        arrival.received_at,
    )
    return Reading(keyword, Meaning.OUT, asks_team_only=True)


def _named(arrival: Arrival, consent: Consent | None, keyword: Keyword) -> tuple[int, ...]:
    """The teams that an out word with names beside it is for. The team that was texted is one of them where
    its carrier blocks the number now, where nobody has said anything of it yet (consent that nobody gave is
    never recorded), and where a team that is named is closed, for it sends no texts by itself."""
    rows = db.session.execute(select(Team.id, Team.closed_at).where(Team.id.in_(keyword.team_ids))).all()
    named = {row.id for row in rows if row.closed_at is None}
    closed = {row.id for row in rows if row.closed_at}
    named |= {team_id for team_id in closed if consent_of(arrival.contact_id, team_id)}
    if closed or consent is None or arrival.carrier_meaning == Meaning.OUT:
        named.add(arrival.team_id)
    return tuple(sorted(named))


def _only_this_team(arrival: Arrival, consent: Consent | None) -> Reading | None:
    """What TEAM does as the answer to the question of their latest word; None where it is no answer to it."""
    question = team_only.question_of(arrival.contact_id)
    if question is None or not (consent and consent.opted_out):
        return None
    if (question.team_id, question.number) != (arrival.team_id, arrival.number):
        return None
    said = team_only.answer(question, arrival.message_id, arrival.words, arrival.received_at)
    return Reading(note=said) if said else None


def _opt_in(arrival: Arrival, consent: Consent | None, keyword: Keyword) -> Reading:
    if consent and consent.stopped_at and arrival.received_at < consent.stopped_at:
        return Reading(keyword, note=_SENT_BEFORE)
    if arrival.toll_free and arrival.words.strip().casefold() in keywords.TOLL_FREE_UNBLOCK_WORDS:
        # The network reads the bare word only, not one that we undress.
        blocks.unblock_number(arrival.inbox_id, arrival.number)
    if not arrival.toll_free and arrival.carrier_lifts:
        for inbox_id in arrival.carrier_inboxes:
            blocks.unblock_number(inbox_id, arrival.number)
    number_stops.lift(
        arrival.contact_id, arrival.number, arrival.received_at, arrival.team_id, personal=arrival.personal
    )
    if not arrival.texted:
        return Reading(keyword, note=_OTHER_PHONE)
    # Their own words are from when they said them, which stopped_at tells, and not from when they were read.
    by_others = consent and consent.opted_out and consent.change.source != Source.KEYWORD
    if consent and by_others and arrival.received_at < consent.since:
        return Reading(keyword, note="Sent before they were opted out here, so it changes nothing.")
    note = ""
    # A question that was asked here has been answered by this.
    question = team_only.question_of(arrival.contact_id)
    if question and question.team_id == arrival.team_id:
        team_only.forget([arrival.contact_id])
    # Teams they join from now on are as for anybody; those they are opted out of stay so.
    blocks.unblock_by_words(arrival.contact_id, BlockScope.ORGANISATION, arrival.received_at)
    if arrival.personal:
        blocks.unblock_by_words(arrival.contact_id, BlockScope.PERSONAL, arrival.received_at)
    if not (consent and not consent.opted_out) and _stopped_since(arrival):
        # They were not in this team when they stopped it, or had not this number: no status says so.
        if consent is None:
            _first(arrival)
        return Reading(keyword, note=_SENT_BEFORE)
    if blocks.blocked(arrival.contact_id, BlockScope.CARRIER_NUMBER, arrival.inbox_id, arrival.number):
        note = _STILL_BLOCKED if arrival.toll_free else _CARRIER_BLOCKS
    change_id = record_change(_own_words(arrival, arrival.team_id, Status.OPTED_IN))
    return Reading(keyword, Meaning.IN if change_id else None, note)


def _stopped_since(arrival: Arrival) -> bool:
    """Whether the phone, or this person, stopped the team or all of them after this text, an opt in that came
    late, was sent: what it lifts is lifted."""
    return blocks.stops_everywhere(arrival.contact_id) or number_stops.said_since(
        arrival.contact_id, arrival.number, arrival.team_id
    )


def _first(arrival: Arrival) -> None:
    """The first status that a contact gets in a team by a text."""
    record_first(
        Change(
            arrival.contact_id,
            arrival.team_id,
            Status.OPTED_IN,
            Source.COLD_INBOUND,
            message_id=arrival.message_id,
            words=arrival.words,
            number=arrival.number,
        ),
        None if arrival.texted else _OTHER_PHONE,
    )


def _flag(arrival: Arrival, found: Found) -> None:
    consent = consent_of(arrival.contact_id, arrival.team_id)
    if consent and consent.opted_out:
        # Nobody will be asked what they meant, so it counts.
        possible.words_count(arrival.contact_id, arrival.team_id, [arrival.number], arrival.received_at)
    else:
        possible.flag(
            *(arrival.contact_id, arrival.team_id, arrival.message_id, arrival.words, _tenant().zone),
            *(arrival.received_at, found, arrival.number),
        )


def _stop_in(arrival: Arrival, team_ids: list[int], reason: str) -> bool:
    """Opts the contact out in these teams by their own words; whether any status changed."""
    changes = [_own_words(arrival, team_id, Status.OPTED_OUT, reason) for team_id in team_ids]
    change_ids = record_changes(changes)
    for team_id, change_id in zip(team_ids, change_ids, strict=True):
        if change_id is None:
            note_stop(arrival.contact_id, team_id, arrival.received_at)
    possible.decide(arrival.contact_id, team_ids, Decision.OPTED_OUT, None)
    return any(change_id is not None for change_id in change_ids)


def _own_words(arrival: Arrival, team_id: int, status: Status, reason: str = "") -> Change:
    return Change(
        arrival.contact_id,
        team_id,
        status,
        Source.KEYWORD,
        message_id=arrival.message_id,
        words=arrival.words,
        reason=reason,
        said_at=arrival.received_at,
        number=arrival.number,
    )


def _tenant() -> Tenant:
    return db.session.get_one(Tenant, tenant_in_use())
