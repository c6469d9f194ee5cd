"""Telling whoever follows possible opt outs that words were decided to be one, or are open again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Settled:
    """A flag whose words, in the texts of these ids, count as an opt out of the team by now; `user_id` is who
    decided, None where no user did. Where `asked_since` (UTC) is set they wait for a person again instead,
    who wrote them then."""

    contact_id: int
    team_id: int
    text_ids: tuple[int, ...]
    user_id: int | None = None
    asked_since: datetime | None = None


_followers: list[Callable[[Sequence[Settled]], None]] = []


def follow(told: Callable[[Sequence[Settled]], None]) -> None:
    """Has `told` called with flags that are settled, in the transaction that does, which holds the
    contacts."""
    if told not in _followers:
        _followers.append(told)


def tell(settled: Sequence[Settled]) -> None:
    for told in _followers if settled else ():
        told(settled)
