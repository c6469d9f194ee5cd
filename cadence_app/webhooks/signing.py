"""The secrets of endpoints, and the signature of Standard Webhooks made with them."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from datetime import datetime

from standardwebhooks import Webhook

# The specification asks for 24 to 64 random bytes.
_SECRET_BYTES = 32


def new_secret() -> str:
    """`whsec_` and 32 random bytes in base64."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}"


def signed_headers(event_id: str, at: datetime, body: str, signers: Sequence[str]) -> dict[str, str]:
    """The three headers of Standard Webhooks 1.0; each secret adds a signature, apart by a space."""
    signatures = [Webhook(secret).sign(event_id, at, body) for secret in signers]
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
