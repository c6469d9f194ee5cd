"""Secrets that must be read again, such as the key of a webhook: encrypted in the database.

What only has to be recognised, such as a password or a token, is hashed instead.
"""

from __future__ import annotations

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken
from flask import current_app


class Unreadable(ValueError):
    """The secret was encrypted under another SECRET_KEY."""


def encrypt(secret: str) -> str:
    """The secret as a Fernet token (AES-128-CBC with HMAC-SHA256) under a key derived from SECRET_KEY."""
    return _fernet().encrypt(secret.encode()).decode()


def decrypt(token: str) -> str:
    """What `encrypt` was given. Errors: Unreadable."""
    try:
        return _fernet().decrypt(token.encode()).decode()
    except InvalidToken as error:
        raise Unreadable("SECRET_KEY is not the one this was stored under") from error


def _fernet() -> Fernet:
    # A key of its own, so that a cookie's signature says nothing about what is stored.
    key = hashlib.blake2b(current_app.config["SECRET_KEY"].encode(), digest_size=32, person=b"cadence-vault")
    return Fernet(base64.urlsafe_b64encode(key.digest()))
