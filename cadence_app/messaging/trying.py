"""What a text would do, without doing it: for whoever sets up keywords and wonders."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from cadence_app.accounts.models import PossibleOptOutPolicy, Team
from cadence_app.consent import keywords, reading, team_only
from cadence_app.consent.intent import Found
from cadence_app.consent.keyword_scope import asks_team_only, counts_everywhere
from cadence_app.consent.keywords import Keyword, Meaning
from cadence_app.consent.possible import BUSINESS_DAYS_TO_DECIDE
from cadence_app.extensions import db
from cadence_app.messaging.answer_limits import HELP_EVERY
from cadence_app.messaging.auto_replies import asks_in, confirmation_of, text_of
from cadence_app.messaging.beside import beside
from cadence_app.ui.navigation import words_of

_QUOTES = (
    "What it quotes is yours and says nothing about what the sender wants; nothing else in it reads like an "
    "opt out."
)


@dataclass(frozen=True)
class Outcome:
    """`title` says what happens, `why` what in the text does it, `effects` each thing that follows, and
    `answer` is the automatic answer; empty where there is none."""

    title: str
    why: str
    effects: list[str] = field(default_factory=list)
    answer: str = ""


def try_text(team: Team, text: str, opted_out: bool, personal: bool) -> Outcome:
    """What a text to the team would do if its sender were opted in or out there, to its shared or to a
    personal inbox. The rules are consent/service.py's."""
    said = reading.read(text, beside(text, team, personal=personal))
    keyword = said.keyword
    if keyword and keyword.word == keywords.YES and not opted_out:
        return Outcome(
            "Nothing changes",
            "YES opts in only somebody who is opted out. From anybody else it is an answer.",
        )
    if keyword is None and team_only.is_word(text) and asks_in(team):
        return _team_only(team, opted_out)
    if keyword:
        return _keyword(team, keyword, opted_out, personal)
    if said.found:
        return _possible(team, said.found, opted_out, personal)
    why = _QUOTES if said.quotes else _why_none(text)
    return Outcome("Nothing changes", why, ["It stands in the conversation as any text does."])


def _keyword(team: Team, keyword: Keyword, opted_out: bool, personal: bool) -> Outcome:
    whose = "is a built-in keyword" if keyword.built_in else "is a keyword of your organisation"
    why = f"The whole text is {keyword.word.upper()}, which {whose}."
    if keyword.named:
        why = f"The text is {keyword.word.upper()}, which {whose}, and what to stop."
    if keyword.meaning == Meaning.HELP:
        if opted_out:
            return Outcome("Asks for help", why, ["No answer goes out, for the sender is opted out."])
        minutes = HELP_EVERY // timedelta(minutes=1)
        return Outcome(
            "Asks for help",
            why,
            [f"Who asks again within {minutes} minutes gets no second answer."],
            text_of(team, Meaning.HELP, word=keyword.word),
        )
    if keyword.meaning == Meaning.IN:
        if not opted_out:
            return Outcome("Nothing changes", f"{why} The sender is opted in already.")
        effects = [f"Opted in to {team.name}."]
        if personal:
            effects.append("Personal inboxes may text them again.")
        return Outcome("Opts in", why, effects, text_of(team, Meaning.IN, word=keyword.word))
    return _out(team, keyword, why, opted_out, personal)


def _team_only(team: Team, opted_out: bool) -> Outcome:
    words = words_of(team.tenant)
    days = team_only.ANSWER_WITHIN.days
    why = (
        f"TEAM counts as the answer to a confirmation that asks for it, within {days} days and to the number "
        "that asked, unless another keyword came in between."
    )
    if not opted_out:
        return Outcome("Nothing changes", f"{why} The sender is opted in.")
    return Outcome(
        "Stops only this " + words.team,
        why,
        [
            f"Still opted out of {team.name}.",
            f"Every other {words.team} that their opt-out word changed is as it was before, unless somebody "
            "has decided something there since.",
            "What bars personal inboxes, and what a carrier blocks, stays.",
            "To anybody who was not asked it does nothing.",
        ],
    )


def _out(team: Team, keyword: Keyword | None, why: str, opted_out: bool, personal: bool) -> Outcome:
    words = words_of(team.tenant)
    named = _named(team, keyword)
    effects = [f"Opted out of {', '.join(each.name for each in named)}."]
    if counts_everywhere(team.tenant, keyword):
        effects = [f"Opted out of every {words.team} they are in, and of those they join later."]
    elif team not in named:
        effects.append(
            f"Flagged in {team.name} as a possible opt out, for they may not know who texts them from here. "
            f"Who is not in {team.name} yet is opted out of it too."
        )
    if personal:
        effects.append("No personal inbox may text them until they text START to one.")
    if opted_out:
        effects.append(
            "Who stopped by a text before gets another confirmation only if this changes something."
        )
    asks = asks_team_only(team.tenant, keyword, team.id)
    if asks:
        effects.append(
            f"The answer asks whether they meant only {team.name}, if the word changes anything elsewhere. "
            f"TEAM within {team_only.ANSWER_WITHIN.days} days says so; no answer means every {words.team}."
        )
    word = keyword.word if keyword else ""
    elsewhere = named != [team]
    answer = confirmation_of(named, word) if elsewhere else text_of(team, Meaning.OUT, asks, word)
    return Outcome("Opts out", why, effects, answer)


def _named(team: Team, keyword: Keyword | None) -> list[Team]:
    """The teams that a keyword is for, as it would be for a contact of the team and of those it names that
    are open."""
    named = [db.session.get_one(Team, team_id) for team_id in keyword.team_ids] if keyword else []
    open_ones = [each for each in named if each.closed_at is None]
    if len(open_ones) < len(named) or not named:
        open_ones = sorted({*open_ones, team}, key=lambda each: each.id)
    return open_ones


def _possible(team: Team, found: Found, opted_out: bool, personal: bool) -> Outcome:
    why = f"It is no keyword, but “{found.words}” reads like an opt out."
    if not found.words:
        why = f"It is no keyword, but the classifier, version {found.classifier}, reads it as an opt out."
    if found.words and team.tenant.possible_opt_out_policy == PossibleOptOutPolicy.OPT_OUT:
        return _out(team, None, why, opted_out, personal)
    if opted_out:
        return Outcome("Nothing changes", f"{why} The sender is opted out already.")
    return Outcome(
        "A possible opt out",
        why,
        [
            "Bulk, scheduled and automatic texts to the sender are held.",
            "The conversation is flagged until somebody decides, "
            f"due in {BUSINESS_DAYS_TO_DECIDE} business days.",
        ],
    )


def _why_none(text: str) -> str:
    """Names a keyword that stands in a longer text, which is what people ask about."""
    parts = keywords.normalise(text).split()
    inside = next((part for part in parts if part in keywords.BUILT_IN), None) if len(parts) > 1 else None
    if inside:
        return f"{inside.upper()} is only a part of the text. A keyword counts where it is all there is."
    return "It is no keyword, and nothing in it reads like an opt out."
