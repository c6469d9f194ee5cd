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

    def send(self, from_number: str, to_number: str, body: str) -> Sent: ...
