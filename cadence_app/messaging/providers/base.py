"""What Cadence asks of whoever carries a text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class Sent:
    """A provider's receipt: its id of the text, and when it delivered it."""

    provider_message_id: str
    delivered_at: datetime


class Provider(Protocol):
    """One way to send a text: numbers are E.164."""

    def send(self, from_number: str, to_number: str, body: str, key: str) -> Sent:
        """Hands a text over. `key` is the text's own: the same one twice is the same text, which a provider
        that can tell sends once."""

    def find(self, from_number: str, to_number: str, key: str) -> Sent | None:
        """The receipt of a text that was handed over with this key; None where the provider surely has none.
        Errors: any, where the provider can't tell."""
