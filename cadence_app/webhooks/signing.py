"""The secrets of endpoints, kept encrypted, and the signature of Standard Webhooks made with them."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from datetime import datetime

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import current_app
from standardwebhooks import Webhook

# The specification asks for 24 to 64 random bytes.
_SECRET_BYTES = 32


class SecretLost(ValueError):
    """A stored secret was encrypted under another SECRET_KEY."""


def new_secret() -> str:
    """`whsec_` and 32 random bytes in base64."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}"


def encrypt(secret: str) -> bytes:
    return _fernet().encrypt(secret.encode())


def decrypt(stored: bytes) -> str:
    """Errors: SecretLost."""
    try:
        return _fernet().decrypt(stored).decode()
    except InvalidToken as error:
        raise SecretLost from error


def signed_headers(event_id: str, at: datetime, body: str, signers: Sequence[str]) -> dict[str, str]:
    """The three headers of Standard Webhooks 1.0; each secret adds a signature, apart by a space."""
    signatures = [Webhook(secret).sign(event_id, at, body) for secret in signers]
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _fernet() -> Fernet:
    key = current_app.config["SECRET_KEY"].encode()
    derived = HKDF(SHA256(), length=32, salt=None, info=b"cadence webhook secrets").derive(key)
    return Fernet(base64.urlsafe_b64encode(derived))
