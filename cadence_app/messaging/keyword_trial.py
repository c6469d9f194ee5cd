"""What a text would do, without doing it: for whoever sets up keywords and wonders.

It is decided where a real one is (consent/deciding.py), of somebody who would stand so. Here it is only said.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from cadence_app.accounts.models import Team
from cadence_app.consent import keywords, team_only
from cadence_app.consent.deciding import ANSWER_WITHIN, Arrival, Decided, Policy, decide
from cadence_app.consent.intent import Found
from cadence_app.consent.keyword_scope import policy_of
from cadence_app.consent.keywords import Meaning
from cadence_app.consent.models import BlockScope, Source, Status, StopOrigin
from cadence_app.consent.naming import Names
from cadence_app.consent.possible import BUSINESS_DAYS_TO_DECIDE
from cadence_app.consent.standing import InTeam, KeptStop, Question, Standing, StoredBlock
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
from cadence_app.extensions import db
from cadence_app.messaging.answer_limits import HELP_EVERY
from cadence_app.messaging.auto_replies import answer_of, asks_in
from cadence_app.messaging.reading_context import beside
from cadence_app.ui.navigation import words_of

_QUOTES = (
    "What it quotes is yours and says nothing about what the sender wants; nothing else in it reads like an "
    "opt out."
)
# Nobody's: numbers with 555-01 are kept for stories.
_PHONE = "+12025550123"
_AGO = timedelta(days=1)


@dataclass(frozen=True)
class Outcome:
    """`title` says what happens, `why` what in the text does it, `effects` each thing that follows, and
    `answer` is the automatic answer; empty where there is none. `decided` is what was decided."""

    title: str
    why: str
    effects: list[str] = field(default_factory=list)
    answer: str = ""
    decided: Decided = field(default_factory=Decided)

    @property
    def changes(self) -> bool:
        """Whether it does anything but stand in the conversation."""
        return bool(self.decided.effects or self.decided.keyword)


def try_text(team: Team, text: str, opted_out: bool, personal: bool) -> Outcome:
    """What a text to the team would do if its sender were opted in or out there, to its shared or to a
    personal inbox: of somebody who is in the open teams that it names too, and whom a user opted out."""
    arrival = arrival_of(team, text, personal)
    stored = _standing(team, arrival.beside.names, opted_out)
    if team_only.is_word(text) and asks_in(team):
        asked = Question(team.id, _PHONE, stored.at - _AGO, reply_id=None)
        stored, arrival = replace(stored, question=asked), replace(arrival, answers_team_only=True)
    policy = policy_of(team.tenant, stored.at)
    keyword = decide(stored, arrival, policy).keyword
    if keyword and keyword.meaning == Meaning.IN:
        stored = _with_all_that_start_lifts(stored, team)
    return outcome_of(team, stored, arrival, policy)


def outcome_of(team: Team, stored: Standing, arrival: Arrival, policy: Policy) -> Outcome:
    """What a text to the team does where its sender stands so, in sentences."""
    decided = decide(stored, arrival, policy)
    effects = list(_effects(team, stored, decided))
    if decided.keyword and decided.keyword.meaning == Meaning.HELP:
        if decided.opted_out:
            effects.append("No answer goes out, for the sender is opted out.")
        else:
            minutes = HELP_EVERY // timedelta(minutes=1)
            effects.append(f"Who asks again within {minutes} minutes gets no second answer.")
    if not decided.keyword and not decided.effects:
        effects.append("It stands in the conversation as any text does.")
    if decided.answer == Meaning.OUT and _not_confirmed_twice(team, stored, arrival, policy):
        effects.append(
            "Who stopped by a text before gets another confirmation only if this changes something."
        )
    withheld = decided.answer == Meaning.HELP and decided.opted_out
    return Outcome(
        _title(team, decided),
        _why(stored, arrival, decided),
        effects,
        "" if withheld else answer_of(team, decided),
        decided,
    )


def arrival_of(team: Team, text: str, personal: bool) -> Arrival:
    """A text to a shared or a personal inbox of the team that comes now, from the number that is texted."""
    return Arrival(
        team_id=team.id,
        inbox_id=0,
        words=text,
        personal=personal,
        toll_free=False,
        received_at=datetime.now(UTC),
        number=_PHONE,
        beside=beside(text, team, personal=personal),
    )


def _standing(team: Team, names: Names, opted_out: bool) -> Standing:
    now = datetime.now(UTC)
    mine = InTeam(team.id, Status.OPTED_IN, now - _AGO, None, Source.MANUAL_ADD)
    if opted_out:
        mine = replace(mine, status=Status.OPTED_OUT, source=Source.TOGGLE)
    others = (
        InTeam(each.team_id, Status.OPTED_IN, now - _AGO, None, Source.MANUAL_ADD)
        for each in names.teams
        if each.team_id != team.id and each.team_id not in names.closed
    )
    return Standing(contact_id=0, at=now, statuses=(mine, *others))


def _with_all_that_start_lifts(stored: Standing, team: Team) -> Standing:
    """Somebody with whatever an opt in may end, so that the page can say it: an earlier stop leaves it to who
    is opted in as well, if a user opted them in or somebody else had the number."""
    since = stored.at - _AGO
    stop = KeptStop("", True, BlockScope.TEAM, team.id, since, StopOrigin.TEXT, "")
    bars = (StoredBlock(BlockScope.ORGANISATION, since), StoredBlock(BlockScope.PERSONAL, since))
    return replace(stored, bars=bars, stops=(stop,))


def _not_confirmed_twice(team: Team, stored: Standing, arrival: Arrival, policy: Policy) -> bool:
    """Whether an opted-out sender would get no confirmation had they stopped by a text before."""
    own = stored.in_team(team.id)
    if own is None or not own.opted_out:
        return False
    stopped = replace(own, stopped_at=stored.at - _AGO)
    before = replace(stored, statuses=(stopped, *stored.elsewhere(team.id)))
    return decide(before, arrival, policy).answer is None


def _title(team: Team, decided: Decided) -> str:
    effects = {type(effect) for effect in decided.effects}
    if OnlyThisTeam in effects:
        return f"Stops only this {words_of(team.tenant).team}"
    if OptOut in effects:
        return "Opts out"
    if decided.answer == Meaning.IN:
        return "Opts in"
    if decided.answer == Meaning.HELP:
        return "Asks for help"
    if Flag in effects:
        return "A possible opt out"
    if effects & {LiftStops, LiftBlock, UnblockedByCarrier}:
        return "Ends what an earlier stop left"
    if First in effects:
        return "Opts out" if decided.opted_out else "Opts in"
    return "Nothing changes"


def _why(stored: Standing, arrival: Arrival, decided: Decided) -> str:
    """What in the text does what it does."""
    own = stored.in_team(arrival.team_id)
    opted_out = own is not None and own.opted_out
    said, keyword = decided.said, decided.keyword
    if arrival.answers_team_only:
        why = (
            "TEAM counts as the answer to a confirmation that asks for it, within "
            f"{ANSWER_WITHIN.days} days and to the number that asked, unless another keyword came in between."
        )
        return why if opted_out else f"{why} The sender is opted in."
    if said.keyword and keyword is None:
        return "YES opts in only somebody who is opted out. From anybody else it is an answer."
    if keyword:
        whose = "is a built-in keyword" if keyword.built_in else "is a keyword of your organization"
        why = f"The whole text is {keyword.word.upper()}, which {whose}."
        if keyword.named:
            why = f"The text is {keyword.word.upper()}, which {whose}, and what to stop."
        opted_in = keyword.meaning == Meaning.IN and own is not None and not opted_out
        return f"{why} The sender is opted in already." if opted_in else why
    if said.found:
        why = _why_found(said.found)
        counts = any(isinstance(effect, OptOut) for effect in decided.effects)
        return f"{why} The sender is opted out already." if opted_out and not counts else why
    return _QUOTES if said.quotes else _why_none(arrival.words)


def _effects(team: Team, stored: Standing, decided: Decided) -> Iterator[str]:
    """Each thing that follows, as a sentence."""
    for effect in decided.effects:
        yield from _said_of(effect, team, stored, decided)


def _said_of(effect: Effect, team: Team, stored: Standing, decided: Decided) -> Iterator[str]:
    words = words_of(team.tenant)
    match effect:
        case OptOut(team_ids):
            everywhere = BlockByWords(BlockScope.ORGANISATION) in decided.effects
            names = ", ".join(db.session.get_one(Team, each).name for each in team_ids)
            yield (
                f"Opted out of every {words.team} they are in, and of those they join later."
                if everywhere
                else f"Opted out of {names}."
            )
        case BlockByWords(BlockScope.PERSONAL):
            yield "No personal inbox may text them until they text START to one."
        case BlockedByCarrier():
            yield "The carrier blocks their number here until they text START."
        case UnblockedByCarrier():
            yield "The carrier blocks their number here no more."
        case LiftStops():
            yield (
                f"If the phone had stopped {team.name} or the whole organization, that ends, for whoever has "
                "the number next too."
            )
        case LiftBlock(BlockScope.ORGANISATION):
            yield f"If they were kept out of {words.teams} they join later, that ends."
        case LiftBlock():
            yield "Personal inboxes may text them again."
        case OptIn() if decided.answer == Meaning.IN:
            yield f"Opted in to {team.name}."
        case First(status, reason):
            gets = "Opted in to" if status == Status.OPTED_IN else "Opted out of"
            yield f"{gets} {team.name}, for it is their first text. {reason}".strip()
        case Flag() if decided.keyword:
            yield (
                f"Flagged in {team.name} as a possible opt out, for they may not know who texts them from "
                f"here. Who is not in {team.name} yet is opted out of it too."
            )
        case Flag():
            yield "Bulk, scheduled and automatic texts to the sender are held."
            yield (
                "The conversation is flagged until somebody decides, "
                f"due in {BUSINESS_DAYS_TO_DECIDE} business days."
            )
        case WordsCount():
            yield f"It is a stop of {team.name} by their own words: a user opts them in only with a reason."
        case AskTeamOnly():
            yield (
                f"The answer asks whether they meant only {team.name}, if the word changes anything "
                f"elsewhere. TEAM within {ANSWER_WITHIN.days} days says so; no answer means every "
                f"{words.team}."
            )
        case OnlyThisTeam():
            yield f"Still opted out of {team.name}."
            yield (
                f"Every other {words.team} that their opt-out word changed is as it was before, unless "
                "somebody has decided something there since."
            )
            yield "What bars personal inboxes, and what a carrier blocks, stays."
            yield "To anybody who was not asked it does nothing."
        case ForgetQuestion():
            yield f"The question whether they meant one {words.team} only is not open any more."
        case KeepStop() | BlockByWords() | OptIn():
            # What follows from them stands beside them.
            pass


def _why_found(found: Found) -> str:
    if found.words:
        return f"It is no keyword, but “{found.words}” reads like an opt out."
    return f"It is no keyword, but the classifier, version {found.classifier}, reads it as an opt out."


def _why_none(text: str) -> str:
    """Names a keyword that stands in a longer text, which is what people ask about."""
    parts = keywords.normalise(text).split()
    inside = next((part for part in parts if part in keywords.BUILT_IN), None) if len(parts) > 1 else None
    if inside:
        return f"{inside.upper()} is only a part of the text. A keyword counts where it is all there is."
    return "It is no keyword, and nothing in it reads like an opt out."
