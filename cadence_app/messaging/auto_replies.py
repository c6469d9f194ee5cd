"""The three texts Cadence sends by itself, and their defaults.

47 CFR 64.1200(a)(12): one confirmation of an opt out, with no marketing in it. CTIA's messaging principles
ask every program for its name and for how to get help and how to stop.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from cadence_app.accounts.models import KeywordPolicy, Team
from cadence_app.consent.deciding import Decided
from cadence_app.consent.keywords import Meaning
from cadence_app.consent.own_keywords import answer_to
from cadence_app.extensions import db
from cadence_app.messaging.models import MessageKind

# 47 CFR 64.1200(a)(12): within five minutes of the request.
CONFIRM_WITHIN = timedelta(minutes=5)
# Three texts in GSM-7: enough for the organisation, what happened, and the way back.
MAX_AUTO_REPLY = 459

KINDS = {
    Meaning.OUT: MessageKind.OPT_OUT_REPLY,
    Meaning.IN: MessageKind.OPT_IN_REPLY,
    Meaning.HELP: MessageKind.HELP_REPLY,
}


def answer_of(team: Team, decided: Decided) -> str:
    """The automatic answer of a team to a text that gets one, as was decided."""
    if decided.answer is None:
        return ""
    word = decided.keyword.word if decided.keyword else ""
    if decided.team_ids:
        return confirmation_of([db.session.get_one(Team, each) for each in decided.team_ids], word)
    return text_of(team, decided.answer, decided.asks_team_only, word)


def text_of(team: Team, meaning: Meaning, asks_team_only: bool = False, word: str = "") -> str:
    """What the team answers to a keyword, the normalised `word`: that word's own answer, else the team's
    text, or the default; and after it the question where the confirmation of an opt out asks one."""
    own = {Meaning.OUT: team.opt_out_text, Meaning.IN: team.opt_in_text, Meaning.HELP: team.help_text}
    text = (word and answer_to(word, team.id)) or own[meaning] or default_text(team, meaning)
    return f"{text} {question(team)}" if asks_team_only else text


def confirmation_of(teams: Sequence[Team], word: str) -> str:
    """The confirmation of an opt out that named these teams: the one's own, or one that names them all."""
    if len(teams) == 1:
        return text_of(teams[0], Meaning.OUT, word=word)
    names = [team.name for team in teams]
    return _confirmation(f"{teams[0].tenant.name} {', '.join(names[:-1])} and {names[-1]}")


def question(team: Team) -> str:
    """What a confirmation adds that asks whether only this team was meant (consent/team_only.py)."""
    return f"Reply TEAM to stop only texts from {team.name}."


def asks_in(team: Team) -> bool:
    """Whether confirmations of this team may ask it: the words of its organisation count everywhere, now or
    from a day on."""
    tenant = team.tenant
    return tenant.ask_team_only and tenant.keyword_policy == KeywordPolicy.ORGANISATION


def default_text(team: Team, meaning: Meaning) -> str:
    """What is answered where the team has no text of its own; it names the organisation."""
    sender = f"{team.tenant.name} {team.name}"
    if meaning == Meaning.OUT:
        return _confirmation(sender)
    if meaning == Meaning.IN:
        return f"{sender}: Welcome back. You will get our texts again. Reply HELP for help, STOP to opt out."
    return (
        f"{sender}: This is a two-way line; a person reads your replies. Reply STOP to opt out at any time."
    )


def _confirmation(sender: str) -> str:
    return f"{sender}: You are opted out and will get no more texts from us. Reply START to opt back in."
