"""The provider of the phone simulator: a text is delivered as soon as it is sent, for the simulated phone
shows the texts of the database."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from cadence_app.messaging.providers.base import Sent


class Simulator:
    def send(self, from_number: str, to_number: str, body: str) -> Sent:
        return Sent(f"sim-{uuid.uuid4()}", datetime.now(UTC))
