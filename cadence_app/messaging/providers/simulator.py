"""The provider of the phone simulator: a text is delivered as soon as it is sent, for the simulated phone
shows the texts of the database."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from cadence_app.messaging.providers.base import Sent


class Simulator:
    def send(self, from_number: str, to_number: str, body: str, key: str) -> Sent:
        return Sent(f"sim-{uuid.uuid4()}", datetime.now(UTC))

    def find(self, from_number: str, to_number: str, key: str) -> Sent | None:
        """None: a text whose receipt was never stored was on no phone either."""
        return None
