"""Secrets that must be read again, such as the key of a webhook: encrypted in the database.

What only has to be recognised, such as a password or a token, is hashed instead. A column that holds what
encrypt() returned says so with `info=ENCRYPTED`, so that a change of keys finds it (key_rotation.py).
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from cadence_app import secret_keys

# For mapped_column(info=ENCRYPTED).
ENCRYPTED: dict[Any, Any] = {"encrypted": True}
# How every Fernet token begins: its version, and a time before the year 2106 (its spec, "Token Format").
TOKEN_START = "gAAAAA"  # noqa: S105


class Unreadable(ValueError):
    """The secret was encrypted under a key that is none of the known ones."""


def encrypt(secret: str) -> str:
    """The secret as a Fernet token (AES-128-CBC with HMAC-SHA256) under a key derived from SECRET_KEY."""
    return _current().encrypt(secret.encode()).decode()


def decrypt(token: str) -> str:
    """What `encrypt` was given, under the current key or an old one. Errors: Unreadable."""
    try:
        return _all().decrypt(token.encode()).decode()
    except InvalidToken as error:
        raise Unreadable("SECRET_KEY is not the one this was stored under") from error


def is_current(token: str) -> bool:
    """Whether the current key alone reads it."""
    try:
        _current().decrypt(token.encode())
    except InvalidToken:
        return False
    return True


def renewed(token: str) -> str:
    """The same secret under the current key, with the time at which it was first encrypted. Errors:
    Unreadable."""
    try:
        return _all().rotate(token.encode()).decode()
    except InvalidToken as error:
        raise Unreadable("no known key reads this") from error


def _current() -> Fernet:
    return _fernet(secret_keys.decrypting()[0])


def _all() -> MultiFernet:
    return MultiFernet([_fernet(key) for key in secret_keys.decrypting()])


def _fernet(secret: str) -> Fernet:
    # A key of its own, so that a cookie's signature says nothing about what is stored.
    key = hashlib.blake2b(secret.encode(), digest_size=32, person=b"cadence-vault")
    return Fernet(base64.urlsafe_b64encode(key.digest()))
