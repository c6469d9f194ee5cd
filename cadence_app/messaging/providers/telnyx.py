"""Telnyx's webhooks.

Source: Telnyx's documentation, "Receiving webhooks for messaging": an Ed25519 signature over the timestamp, a
bar and the raw body, by the public key of the account's portal; five minutes' tolerance.
"""

from __future__ import annotations

import base64
import time
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from flask import Request

from cadence_app.messaging.carriers.events import Malformed, Text, text_of
from cadence_app.messaging.carriers.models import CarrierAccount

_TOLERANCE_SECONDS = 300


def signed(account: CarrierAccount, request: Request) -> bool:
    """Whether Telnyx signed this body within the last five minutes."""
    stamp = request.headers.get("telnyx-timestamp", "")
    if not (stamp.isascii() and stamp.isdigit()) or abs(time.time() - int(stamp)) > _TOLERANCE_SECONDS:
        return False
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(account.settings["public_key"]))
        signature = base64.b64decode(request.headers.get("telnyx-signature-ed25519", ""), validate=True)
        key.verify(signature, f"{stamp}|".encode() + request.get_data())
    except (InvalidSignature, ValueError):
        return False
    return True


def texts(request: Request) -> list[Text]:
    """The text in an event; none where the event is about something else. Errors: Malformed."""
    event: Any = request.get_json(force=True, silent=True)
    try:
        data = event["data"]
        if data["event_type"] != "message.received":
            return []
        payload = data["payload"]
        return [
            text_of(
                to_number=receiver["phone_number"],
                from_number=payload["from"]["phone_number"],
                body=payload.get("text") or "",
                carrier_message_id=payload["id"],
                received_at=payload.get("received_at") or data.get("occurred_at"),
            )
            for receiver in payload["to"][:1]
        ]
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise Malformed("the event lacks what Telnyx documents") from error
