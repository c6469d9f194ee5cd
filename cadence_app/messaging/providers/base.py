"""What Cadence asks of whoever carries a text."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class Sent:
    """A provider's receipt: its id of the text, and when it was delivered, None where nobody knows yet."""

    provider_message_id: str
    delivered_at: datetime | None


class NotTaken(Exception):
    """The provider surely did not take the text and may take it later: it is busy, or could not be reached.
    `wait_seconds` is how long it asks us to wait, where it does."""

    def __init__(self, why: str, wait_seconds: float | None = None) -> None:
        super().__init__(why)
        self.wait_seconds = wait_seconds


class Refused(Exception):
    """The provider will never take this text: its code for that and plain words. `blocks` tells that it
    blocks the number, whose owner stopped it."""

    def __init__(self, code: str, words: str, blocks: bool = False) -> None:
        super().__init__(words)
        self.code, self.words, self.blocks = code, words, blocks


class CannotTell(Exception):
    """The provider has no way to say whether a text went, or not yet."""


@dataclass(frozen=True)
class Outgoing:
    """A text to hand over: numbers are E.164, `key` is the text's own, `since` is when we began to, and
    `media` are public addresses of its files."""

    from_number: str
    to_number: str
    body: str
    key: str
    since: datetime | None
    media: tuple[str, ...] = ()


@dataclass(frozen=True)
class MediaPlace:
    """Where a file that came with a text is to be fetched. `own` is whether that is the carrier's API itself,
    and `user` are the name and password it wants, which go nowhere else."""

    url: str
    own: bool
    user: tuple[str, str] | None = None


class Provider(Protocol):
    """One way to send a text."""

    def send(self, text: Outgoing) -> Sent:
        """Hands a text over. Its key comes back with what the provider tells of it.

        Errors: NotTaken, Refused; with any other it is unknown whether the text was taken.
        """

    def find(self, text: Outgoing, known: Collection[str]) -> Sent | None:
        """The receipt of a text that was handed over some time ago; None where the provider surely has none.
        `known` are the provider's ids of the other texts between these numbers.

        Errors: CannotTell, and any other where it could not be asked just now.
        """
