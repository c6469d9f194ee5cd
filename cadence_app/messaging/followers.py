"""Telling whoever follows texts, such as a campaign, what became of one."""

from __future__ import annotations

from collections.abc import Callable

from cadence_app.messaging.models import Message

_followers: list[Callable[[Message], None]] = []


def follow(told: Callable[[Message], None]) -> None:
    """Has `told` called with each outbound text whose state has changed, in the transaction of the change."""
    if told not in _followers:
        _followers.append(told)


def tell(message: Message) -> None:
    for told in _followers:
        told(message)
