"""The bodies of events."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime

from cadence_app.api.schemas import ChangeOut, ConsentChangedEvent
from cadence_app.consent.models import OptOutChange


def event_of(change: OptOutChange) -> tuple[str, str]:
    """The webhook-id and the body (JSON) of a change. The id is the same at every endpoint."""
    event = ConsentChangedEvent(timestamp=change.changed_at, data=ChangeOut.model_validate(change))
    return f"chg_{change.id}", event.model_dump_json()


def sample_event() -> tuple[str, str]:
    """The webhook-id and the body of a test, which no receiver can take for a change."""
    body = {
        "type": "webhook.test",
        "timestamp": datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "data": {"message": "This is a test from Cadence. Nobody's consent has changed."},
    }
    return f"test_{uuid.uuid4().hex[:16]}", json.dumps(body)
