"""What a text that comes in does to consent: the one place where that is decided, of values alone.

It reads nothing and writes nothing; what a text may do is in text_effects.py. Who gets one decides by how its
sender stands (standing.py) and has it written (by_text.py); who only tries one (messaging/keyword_trial.py)
decides by how somebody would stand.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from cadence_app.consent import keywords, reading
from cadence_app.consent.intent import Found
from cadence_app.consent.keywords import Keyword, Meaning
from cadence_app.consent.models import BlockScope, Source, Status
from cadence_app.consent.reading import Beside, Said
from cadence_app.consent.standing import (
    Standing,
    StoredBlock,
    out_of_later_teams,
    spelled,
    stopped_because,
)
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

# How long TEAM answers the question. People answer within hours; much later it may be about something else.
ANSWER_WITHIN = timedelta(days=7)
# The reason of a first status that another phone of theirs gives.
OTHER_PHONE = (
    "Sent from another number of theirs, so it opts in nothing: consent is for the number that is texted."
)


class Note(StrEnum):
    """What whoever reads the conversation should know of a text; the sentences are the caller's.

    HAD_STOPPED: it changes nothing, and they had stopped by their own words. SENT_BEFORE_STOP: an opt in from
    before their last opt-out word. SENT_BEFORE_OPT_OUT: from before others opted them out. OTHER_PHONE: from
    a number at which they are not texted. CARRIER_BLOCKS, NETWORK_BLOCKS: opted in, while the carrier or the
    toll-free network blocks the number. ONLY_THIS_TEAM: they meant the team that was texted. ANSWER_TOO_LATE:
    TEAM, after ANSWER_WITHIN.
    """

    HAD_STOPPED = "had_stopped"
    SENT_BEFORE_STOP = "sent_before_stop"
    SENT_BEFORE_OPT_OUT = "sent_before_opt_out"
    OTHER_PHONE = "other_phone"
    CARRIER_BLOCKS = "carrier_blocks"
    NETWORK_BLOCKS = "network_blocks"
    ONLY_THIS_TEAM = "only_this_team"
    ANSWER_TOO_LATE = "answer_too_late"


@dataclass(frozen=True)
class Arrival:
    """A text that has come in. `personal` and `toll_free` are about the inbox it was sent to; `received_at`
    is when the provider received it (UTC). `number` is the phone that sent it, and `texted` whether that is
    the number which the contact is texted at. `carrier_meaning` is what the inbox's carrier took it for and
    acted on, `carrier_lifts` whether it lifts its own block for this text, and `carrier_inboxes` are the ids
    of the inboxes that share the scope of what it blocks. `answers_team_only` is whether it is TEAM, and
    this inbox has asked the contact whether only its team was meant. `beside` is what it is read beside."""

    team_id: int
    inbox_id: int
    words: str
    personal: bool
    toll_free: bool
    received_at: datetime
    number: str
    texted: bool = True
    carrier_meaning: Meaning | None = None
    carrier_lifts: bool = False
    carrier_inboxes: tuple[int, ...] = ()
    answers_team_only: bool = False
    beside: Beside = field(default_factory=Beside)


@dataclass(frozen=True)
class Policy:
    """What the tenant has chosen: whether any keyword counts in every team (`everywhere`, on the day at
    hand), whether the confirmation of such a one asks if only one team was meant, and whether words that read
    like an opt out are one by themselves."""

    everywhere: bool = False
    asks_team_only: bool = False
    words_opt_out: bool = False

    def counts_everywhere(self, keyword: Keyword | None) -> bool:
        """Whether an opt out by this keyword, or by words that are none, is one of every team."""
        return self.everywhere or bool(keyword and keyword.every_team)

    def asks(self, keyword: Keyword | None, team_id: int) -> bool:
        """Whether an opt out by this keyword may ask if only the team that was texted was meant: where it
        counts for every team by the policy, and neither by the word itself nor by another team's name."""
        if keyword is None or keyword.every_team or keyword.team_ids not in {(), (team_id,)}:
            return False
        return self.asks_team_only and self.everywhere


@dataclass(frozen=True)
class Decided:
    """What a text does: `effects`, in the order in which they are written; the automatic `answer` it gets;
    and a `note`. `said` is how it was read, `keyword` the one that counts, and `opted_out` whether they are
    out of the team that was texted in the end. The confirmation of an opt out is of `team_ids`, where it
    named others than the team that was texted, and asks if only that was meant if `asks_team_only`."""

    said: Said = field(default_factory=Said)
    keyword: Keyword | None = None
    effects: tuple[Effect, ...] = ()
    opted_out: bool = False
    answer: Meaning | None = None
    note: Note | None = None
    asks_team_only: bool = False
    team_ids: tuple[int, ...] = ()


def decide(stored: Standing, arrival: Arrival, policy: Policy) -> Decided:
    """What a text does to the consent of its sender, who stands so, in the order of the rules: the answer to
    a question, else a keyword, else words that read like an opt out, else a first text."""
    own = stored.in_team(arrival.team_id)
    if arrival.answers_team_only and (answered := _only_this_team(stored, arrival)):
        return answered
    said = _said(arrival)
    keyword, found = said.keyword, said.found
    if keyword and keyword.word == keywords.YES and not (own and own.opted_out):
        keyword = None
    if keyword and keyword.meaning == Meaning.OUT:
        return replace(_opt_out(stored, arrival, policy, keyword), said=said)
    if keyword and keyword.meaning == Meaning.IN:
        return replace(_opt_in(stored, arrival, keyword), said=said)
    # Phrases are words that anybody can read; what a classifier takes for an opt out a person must confirm.
    if found and found.words and policy.words_opt_out:
        return replace(_opt_out(stored, arrival, policy, None), said=said)
    first = None if own else first_status(stopped_because(stored.bars, arrival.team_id), arrival.texted)
    opted_out = own.opted_out if own else first is not None and first.status == Status.OPTED_OUT
    return Decided(
        said,
        keyword,
        (*([first] if first else []), *([_read(found, opted_out)] if found else [])),
        opted_out,
        answer=keyword.meaning if keyword else None,
        note=Note.OTHER_PHONE if first and not arrival.texted else None,
    )


def first_status(stopped: str | None, texted: bool = True, other_phone: str = OTHER_PHONE) -> First:
    """The first status of somebody in a team: opted in, unless a stop, for the reason in `stopped`, says
    otherwise, or it is by a number at which they are not `texted`, for the reason `other_phone`."""
    if texted and stopped is None:
        return First(Status.OPTED_IN, "", stopped=False)
    return First(Status.OPTED_OUT, other_phone if stopped is None else stopped, stopped=stopped is not None)


def _said(arrival: Arrival) -> Said:
    """What a text says. What its carrier took for an opt out is one, for it blocks the number by now; any
    other meaning that the carrier found counts where we find none."""
    said = reading.read(arrival.words, arrival.beside)
    meaning, own = arrival.carrier_meaning, said.keyword
    if meaning is None or (own and (own.meaning == meaning or meaning != Meaning.OUT)):
        return said
    return Said(Keyword(keywords.normalise(arrival.words), meaning))


def _opt_out(stored: Standing, arrival: Arrival, policy: Policy, keyword: Keyword | None) -> Decided:
    """An opt out by a keyword or, by the tenant's choice, by words that read like one."""
    own = stored.in_team(arrival.team_id)
    named = _named(stored, arrival, keyword) if keyword and keyword.team_ids else (arrival.team_id,)
    everywhere = policy.counts_everywhere(keyword)
    team_ids = named
    # Their latest word counts; whatever an earlier one asked is not open any more.
    effects: list[Effect] = [ForgetQuestion()] if stored.question else []
    if everywhere:
        team_ids = tuple(sorted({arrival.team_id, *named, *(each.team_id for each in stored.statuses)}))
        effects.append(BlockByWords(BlockScope.ORGANISATION))
    effects.append(KeepStop(team_ids, arrival.personal, everywhere))
    if arrival.personal:
        effects.append(BlockByWords(BlockScope.PERSONAL))
    if blocked := _blocked_by_carrier(arrival, keyword):
        effects.append(BlockedByCarrier(blocked))
    effects.append(OptOut(team_ids, by_policy=keyword is None))
    if arrival.team_id not in team_ids:
        # They may not know which team writes to them from here.
        effects.append(_read(Found(), own is not None and own.opted_out))
    done = Decided(
        keyword=keyword,
        effects=tuple(effects),
        opted_out=arrival.team_id in team_ids or (own is not None and own.opted_out),
    )
    changes = any((known := stored.in_team(each)) is None or not known.opted_out for each in team_ids)
    if not changes and all(stored.had_stopped(each) for each in named):
        return replace(done, note=Note.HAD_STOPPED)
    asks = policy.asks(keyword, arrival.team_id) and arrival.carrier_meaning is None
    if asks and _gives_back(stored, arrival.team_id):
        asked = (*done.effects, AskTeamOnly())
        return replace(done, effects=asked, answer=Meaning.OUT, asks_team_only=True)
    return replace(done, answer=Meaning.OUT, team_ids=named if named != (arrival.team_id,) else ())


def _named(stored: Standing, arrival: Arrival, keyword: Keyword) -> tuple[int, ...]:
    """The teams that an out word with names beside it is for. The team that was texted is one of them where
    its carrier blocks the number now, where nobody has said anything of it yet (consent that nobody gave is
    never recorded), and where a team that is named is closed, for it sends no texts by itself."""
    closed = arrival.beside.names.closed & set(keyword.team_ids)
    named = {each for each in keyword.team_ids if each not in closed or stored.in_team(each)}
    unsaid = stored.in_team(arrival.team_id) is None
    if closed or unsaid or arrival.carrier_meaning == Meaning.OUT:
        named.add(arrival.team_id)
    return tuple(sorted(named))


def _blocked_by_carrier(arrival: Arrival, keyword: Keyword | None) -> tuple[int, ...]:
    """The inboxes at which the carrier blocks the number for this text: the toll-free network reads the bare
    word only."""
    bare = keyword.word if keyword and not keyword.named else ""
    network = arrival.toll_free and bare in keywords.TOLL_FREE_BLOCK_WORDS
    acted = arrival.carrier_inboxes if arrival.carrier_meaning == Meaning.OUT else ()
    return tuple(dict.fromkeys((*((arrival.inbox_id,) if network else ()), *acted)))


def _gives_back(stored: Standing, team_id: int) -> bool:
    """Whether there is anything outside the team that the answer TEAM could give back."""
    opted_in = any(not each.opted_out for each in stored.elsewhere(team_id))
    return opted_in or out_of_later_teams(stored.bars) is None


def _only_this_team(stored: Standing, arrival: Arrival) -> Decided | None:
    """What TEAM does as the answer to the question of their latest word; None where it is no answer to it."""
    question, own = stored.question, stored.in_team(arrival.team_id)
    if question is None or not (own and own.opted_out) or arrival.received_at < question.said_at:
        return None
    if (question.team_id, question.number) != (arrival.team_id, arrival.number):
        return None
    if arrival.received_at > question.said_at + ANSWER_WITHIN:
        return Decided(opted_out=True, note=Note.ANSWER_TOO_LATE)
    return Decided(opted_out=True, effects=(OnlyThisTeam(),), note=Note.ONLY_THIS_TEAM)


def _opt_in(stored: Standing, arrival: Arrival, keyword: Keyword) -> Decided:
    own, at = stored.in_team(arrival.team_id), arrival.received_at
    stays = Decided(keyword=keyword, opted_out=own is not None and own.opted_out)
    if own and own.stopped_at and at < own.stopped_at:
        return replace(stays, note=Note.SENT_BEFORE_STOP)
    effects: list[Effect] = []
    if lifted := _unblocked_by_carrier(arrival):
        effects.append(UnblockedByCarrier(lifted))
    if _has_stopped(stored, arrival):
        effects.append(LiftStops(arrival.personal))
    if not arrival.texted:
        return replace(stays, effects=tuple(effects), note=Note.OTHER_PHONE)
    # Their own words are from when they said them, which stopped_at tells, and not from when they were read.
    if own and own.opted_out and own.source != Source.KEYWORD and at < own.since:
        return replace(stays, effects=tuple(effects), note=Note.SENT_BEFORE_OPT_OUT)
    if stored.question and stored.question.team_id == arrival.team_id:
        # A question that was asked here has been answered by this.
        effects.append(ForgetQuestion())
    # Teams they join from now on are as for anybody; those they are opted out of stay so.
    for scope in (BlockScope.ORGANISATION, *([BlockScope.PERSONAL] if arrival.personal else [])):
        if any(bar.scope == scope and not bar.number and bar.since <= at for bar in stored.bars):
            effects.append(LiftBlock(scope))
    left = [bar for bar in stored.bars if not _lifts(arrival, bar)]
    if (own is None or own.opted_out) and _stopped_since(arrival, left):
        # They were not in this team when they stopped it, or had not this number: no status says so.
        first = None if own else first_status(stopped_because(left, arrival.team_id))
        done = (*effects, *([first] if first else []))
        out = own is not None or (first is not None and first.status == Status.OPTED_OUT)
        return replace(stays, effects=done, opted_out=out, note=Note.SENT_BEFORE_STOP)
    changes = own is None or own.opted_out
    if changes or stored.question:
        effects.append(OptIn())
    blocked = any(
        (bar.scope, bar.inbox_id, bar.number) == (BlockScope.CARRIER_NUMBER, arrival.inbox_id, arrival.number)
        for bar in left
    )
    still = Note.NETWORK_BLOCKS if arrival.toll_free else Note.CARRIER_BLOCKS
    return Decided(
        keyword=keyword,
        effects=tuple(effects),
        answer=Meaning.IN if changes else None,
        note=still if blocked else None,
    )


def _unblocked_by_carrier(arrival: Arrival) -> tuple[int, ...]:
    """The inboxes at which the carrier lifts its block for this text."""
    if not arrival.toll_free:
        return arrival.carrier_inboxes if arrival.carrier_lifts else ()
    # The network reads the bare word only, not one that we undress.
    bare = arrival.words.strip().casefold() in keywords.TOLL_FREE_UNBLOCK_WORDS
    return (arrival.inbox_id,) if bare else ()


def _has_stopped(stored: Standing, arrival: Arrival) -> bool:
    """Whether the phone has stopped anything that its START lifts now."""
    scopes = {BlockScope.ORGANISATION, *([BlockScope.PERSONAL] if arrival.personal else [])}
    stops = any(
        each.of_sender
        and each.said_at <= arrival.received_at
        and (each.scope in scopes or each.team_id == arrival.team_id)
        for each in stored.stops
    )
    bars = (bar for bar in spelled(stored.bars, arrival.number) if bar.scope != BlockScope.CARRIER_NUMBER)
    return stops or any(_lifts(arrival, bar) for bar in bars)


def _lifts(arrival: Arrival, bar: StoredBlock) -> bool:
    """Whether an opt in, from the number that is texted, ends a bar."""
    if bar.scope == BlockScope.CARRIER_NUMBER:
        return bar.inbox_id in _unblocked_by_carrier(arrival) and bool(spelled([bar], arrival.number))
    if bar.since > arrival.received_at or (bar.number and not spelled([bar], arrival.number)):
        return False
    of_all = bar.scope == BlockScope.ORGANISATION or (arrival.personal and bar.scope == BlockScope.PERSONAL)
    return of_all or bar.team_id == arrival.team_id


def _stopped_since(arrival: Arrival, left: list[StoredBlock]) -> bool:
    """Whether the phone, or this person, stopped the team or all of them after this text, an opt in that came
    late, was sent: what it lifts is lifted."""
    of_number = spelled(left, arrival.number)
    return out_of_later_teams(left) is not None or any(
        bar.came_with_number and bar.team_id in (None, arrival.team_id) for bar in of_number
    )


def _read(found: Found, opted_out: bool) -> Effect:
    """Words that read like an opt out: flagged, but for who is out, of whom nobody will be asked."""
    return WordsCount() if opted_out else Flag(found)
