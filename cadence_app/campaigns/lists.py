"""The lists of a campaign, by their names in addresses: what became of each, and who is left out and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select

from cadence_app.campaigns import reasons, results
from cadence_app.campaigns.models import Campaign, Recipient, RecipientState
from cadence_app.campaigns.results import Outcome
from cadence_app.extensions import db

LEFT_OUT = "left-out"
STATES = {
    RecipientState.LEFT_OUT: "Left out",
    RecipientState.WAITING: "Waiting",
    RecipientState.SENDING: "Being sent",
    RecipientState.SENT: "Sent, not known whether delivered",
    RecipientState.DELIVERED: "Delivered",
    RecipientState.FAILED: "Failed",
    RecipientState.SUPPRESSED: "Not sent",
    RecipientState.CANCELLED: "Cancelled before their turn",
}
_OUTCOMES = {
    Outcome.EVERYONE: "Everyone",
    Outcome.SENT: "Sent",
    Outcome.DELIVERED: "Delivered",
    Outcome.ANSWERED: "Answered",
    Outcome.FAILED: "Failed",
    Outcome.OPTED_OUT: "Opted out",
    Outcome.WAITING: "Waiting",
    Outcome.NOT_SENT: "Not sent",
}
# Those that stand side by side above a list; before a campaign begins, nothing has become of anybody.
_SIDE_BY_SIDE = (
    *(Outcome.EVERYONE, Outcome.ANSWERED, Outcome.FAILED, Outcome.OPTED_OUT),
    *(Outcome.WAITING, Outcome.NOT_SENT),
)


@dataclass(frozen=True)
class Listed:
    """One list: its title, the conditions on Recipient and the order."""

    title: str
    conditions: tuple[ColumnElement[bool], ...]
    order: Sequence[Any] = (Recipient.id,)


@dataclass(frozen=True)
class Tab:
    """One of the lists that stand side by side, and how many are in it."""

    name: str
    title: str
    count: int


def lists_of(campaign: Campaign, team: str) -> dict[str, Listed]:
    """Every list of a campaign; `team` is what a team is called here. The latest answer stands first."""
    mine, out = Recipient.campaign_id == campaign.id, Recipient.state == RecipientState.LEFT_OUT
    latest: Sequence[Any] = (Recipient.answered_at.desc(), Recipient.id.desc())
    return {
        **{
            outcome.value: Listed(
                title,
                results.condition(campaign, outcome),
                latest if outcome == Outcome.ANSWERED else (Recipient.id,),
            )
            for outcome, title in _OUTCOMES.items()
        },
        LEFT_OUT: Listed("Left out", (mine, out)),
        **{
            reason.value: Listed(title, (mine, out, Recipient.reason == reason))
            for reason, title in reasons.words_of(campaign, team).items()
        },
    }


def tabs_of(campaign: Campaign, name: str) -> tuple[list[Tab], int | None]:
    """The lists beside the one of this name, and how many are in that one, where it is an outcome or all who
    are left out; else None."""
    figures = results.figures_of(campaign)
    left_out = count((Recipient.campaign_id == campaign.id, Recipient.state == RecipientState.LEFT_OUT))
    shown = _SIDE_BY_SIDE[:1] if campaign.editable else _SIDE_BY_SIDE
    tabs = [Tab(outcome.value, _OUTCOMES[outcome], figures[outcome]) for outcome in shown]
    tabs.append(Tab(LEFT_OUT, "Left out", left_out))
    counts = {outcome.value: figure for outcome, figure in figures.items()} | {LEFT_OUT: left_out}
    return tabs, counts.get(name)


def count(conditions: Sequence[ColumnElement[bool]]) -> int:
    return db.session.scalars(select(func.count()).select_from(Recipient).where(*conditions)).one()
