"""Encrypts the passwords and keys of destinations, which are used and never shown."""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import current_app

_PURPOSE = b"cadence destinations"


class Unreadable(Exception):
    """The text was encrypted under another SECRET_KEY."""


def lock(secret: str) -> str:
    return _fernet().encrypt(secret.encode()).decode()


def unlock(locked: str) -> str:
    """Errors: Unreadable."""
    try:
        return _fernet().decrypt(locked.encode()).decode()
    except InvalidToken as error:
        raise Unreadable from error


def _fernet() -> Fernet:
    """A key of its own, derived from SECRET_KEY, so that nothing else is done with it."""
    key = HKDF(SHA256(), length=32, salt=None, info=_PURPOSE).derive(
        current_app.config["SECRET_KEY"].encode()
    )
    return Fernet(base64.urlsafe_b64encode(key))
