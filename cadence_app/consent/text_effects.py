"""What a text does to consent, as plain values: decided in deciding.py, written in by_text.py.

Each is about the contact who texted, the phone they texted from and the time the provider had it.
"""

from __future__ import annotations

from dataclasses import dataclass

from cadence_app.consent.intent import Found
from cadence_app.consent.models import BlockScope, Status


@dataclass(frozen=True)
class OptOut:
    """Out of these teams by their own words, and flags there are decided. `by_policy`: by words that read
    like an opt out, which the tenant lets count."""

    team_ids: tuple[int, ...]
    by_policy: bool = False


@dataclass(frozen=True)
class KeepStop:
    """The number keeps the stop, whoever has it: of these teams, of personal inboxes, of the organisation."""

    team_ids: tuple[int, ...]
    personal: bool
    everywhere: bool


@dataclass(frozen=True)
class BlockByWords:
    """Personal inboxes, or teams they join later, are barred by their own words."""

    scope: BlockScope


@dataclass(frozen=True)
class BlockedByCarrier:
    """The carrier, or the toll-free network, blocks the number at these inboxes."""

    inbox_ids: tuple[int, ...]


@dataclass(frozen=True)
class UnblockedByCarrier:
    """It blocks the number at these inboxes no more."""

    inbox_ids: tuple[int, ...]


@dataclass(frozen=True)
class LiftStops:
    """The number's stops of the team and of the organisation end, and, if `personal`, those of personal
    inboxes; with them what bars the contact because of them."""

    personal: bool


@dataclass(frozen=True)
class LiftBlock:
    """What barred personal inboxes, or teams they join later, by their own words ends."""

    scope: BlockScope


@dataclass(frozen=True)
class OptIn:
    """Into the team that was texted, by their own words; what they have said of it since a question stands
    although the status was that already."""


@dataclass(frozen=True)
class First:
    """The first status that they get in the team, and the reason. `stopped` is whether a stop of theirs, or
    of who had the number before, made it so, which an opt in must answer."""

    status: Status
    reason: str
    stopped: bool


@dataclass(frozen=True)
class Flag:
    """A possible opt out of the team that was texted, for a person to decide."""

    found: Found


@dataclass(frozen=True)
class WordsCount:
    """Words that read like an opt out, of who is out of the team already: nobody will be asked, so they are
    a stop."""


@dataclass(frozen=True)
class AskTeamOnly:
    """The confirmation asks whether only the team that was texted was meant, and how they stood elsewhere is
    kept for the answer."""


@dataclass(frozen=True)
class ForgetQuestion:
    """An earlier question is not open any more."""


@dataclass(frozen=True)
class OnlyThisTeam:
    """The answer TEAM: the other teams are what they were before the word, but for what was decided since."""


Effect = (
    OptOut
    | KeepStop
    | BlockByWords
    | BlockedByCarrier
    | UnblockedByCarrier
    | LiftStops
    | LiftBlock
    | OptIn
    | First
    | Flag
    | WordsCount
    | AskTeamOnly
    | ForgetQuestion
    | OnlyThisTeam
)
