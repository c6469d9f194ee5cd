"""The provider of the phone simulator: a text is delivered as soon as it is sent, for the simulated phone
shows the texts of the database."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from cadence_app.messaging.providers.base import Driver, Outgoing, Sent


class Simulator:
    def __init__(self, account: Any = None) -> None:
        """It has no accounts."""

    def send(self, text: Outgoing) -> Sent:
        return Sent(f"sim-{uuid.uuid4()}", datetime.now(UTC))

    def find(self, text: Outgoing, known: Collection[str]) -> Sent | None:
        """None: a text whose receipt was never stored was on no phone either."""
        return None


DRIVER = Driver(code="simulator", name="Phone simulator", client=Simulator)
