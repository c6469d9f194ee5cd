"""Telling whoever follows texts, such as a campaign, what became of one, and who has answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from cadence_app.messaging.models import Conversation, Message

_followers: list[Callable[[Sequence[Message]], None]] = []
_hearers: list[Callable[[Conversation, datetime], None]] = []


def follow(told: Callable[[Sequence[Message]], None]) -> None:
    """Has `told` called with outbound texts whose states have changed, in the transaction of the change."""
    if told not in _followers:
        _followers.append(told)


def tell(messages: Sequence[Message]) -> None:
    for told in _followers:
        told(messages)


def hear_answers(told: Callable[[Conversation, datetime], None]) -> None:
    """Has `told` called with the conversation of each text that a person wrote and that wants reading, and
    when they wrote it (UTC), in the transaction that takes it in and holds the contact."""
    if told not in _hearers:
        _hearers.append(told)


def tell_answer(conversation: Conversation, written_at: datetime) -> None:
    for told in _hearers:
        told(conversation, written_at)
