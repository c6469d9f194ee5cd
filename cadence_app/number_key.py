"""The key of the digests by which a number's stop is told again after whoever had the number is gone.

It is made once and never changed: with another key no kept stop would be found. So the database holds a check
value of it, and nothing works for a tenant under another key. It is never in the database itself, so that who
has only the database can't find the numbers by trying them all.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from flask import current_app
from sqlalchemy import Connection, text

# Which setting of a transaction the database's number_digest() reads.
KEY_SETTING = "cadence.number_key"
_FILE = "number_key"
_CHECK = text("SELECT digest = number_digest(0, 'the key') FROM number_key_check")


class WrongKey(RuntimeError):
    """The key is not the one that the database's stopped numbers are kept under."""

    def __init__(self) -> None:
        super().__init__(
            "The key of stopped numbers is not the one that this database was filled with, so numbers that"
            " must not be texted would not be known. Set CADENCE_NUMBER_KEY to that key: it is in the file"
            " number_key in the data folder of the machine that ran first, and in that folder's backups."
        )


def load_or_make(data_dir: Path, before: str | None) -> str:
    """CADENCE_NUMBER_KEY, or the key in the data folder, which is made where there is none.

    `before` is the SECRET_KEY of an installation from when numbers were hashed with that by default: it
    becomes the key then, and stays it whatever happens to SECRET_KEY. None for a new installation.
    """
    if key := os.environ.get("CADENCE_NUMBER_KEY"):
        return key
    path = data_dir / _FILE
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        # Written aside and linked, so that of two programs that start together both read the same key.
        aside = data_dir / f"{_FILE}.{secrets.token_hex(4)}"
        fd = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "w") as file:
            file.write(before or secrets.token_hex(32))
        try:
            os.link(aside, path)
        except FileExistsError:
            pass
        finally:
            aside.unlink()
    return path.read_text()


def hex_key() -> str:
    """The key as the database takes it: 64 hexadecimal digits."""
    return hashlib.sha256(f"cadence numbers {current_app.config['NUMBER_KEY']}".encode()).hexdigest()


def check(connection: Connection) -> None:
    """Errors: WrongKey. The transaction has the key set; one check in the life of a process is enough."""
    if current_app.extensions.get(KEY_SETTING):
        return
    if connection.scalar(_CHECK) is False:
        raise WrongKey
    current_app.extensions[KEY_SETTING] = True
