"""One-time codes of an authenticator app (TOTP, RFC 6238) and recovery codes: what users and operators
share."""

from __future__ import annotations

import hashlib
import secrets
import time
from typing import Any, Protocol

import pyotp
import segno
from sqlalchemy import CursorResult, update

from cadence_app.extensions import db
from cadence_app.vault import decrypt

CODES = 10
_ISSUER = "Cadence"
_STEP_SECONDS = 30
# A clock may be one step off, either way.
_DRIFT = 1
# Without letters and digits that are read for each other; 16 of 30 are 78 bits.
_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ2345679"


class WrongCode(ValueError):
    """Not a code of now, or one that was used already."""


class Holder(Protocol):
    """A row of who has a second factor: its secret, encrypted, and the step of the last code taken."""

    id: int
    second_factor_secret: str
    second_factor_step: int


def new_secret() -> str:
    return pyotp.random_base32()


def in_groups(secret: str) -> str:
    """A secret as people type it into an app."""
    return " ".join(secret[i : i + 4] for i in range(0, len(secret), 4))


def qr_code(email: str, secret: str) -> str:
    """What the authenticator app scans, as a data: address of an SVG image."""
    uri = pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=_ISSUER)
    return segno.make(uri, error="m").svg_data_uri(scale=5, border=4, light="#fff")


def first_step(secret: str, code: str) -> int:
    """The step that the first code of a new secret is of. Errors: WrongCode."""
    step = _step_of(secret, code)
    if step is None:
        raise WrongCode("That is not the code of now. Wait for the next one and try again.")
    return step


def take(holder: Holder, code: str) -> bool:
    """Takes a code of the holder's app, once, in the open transaction; False for one that is wrong or was
    taken. Errors: Unreadable where SECRET_KEY was changed."""
    step = _step_of(decrypt(holder.second_factor_secret), code)
    if step is None:
        return False
    # The row's lock lets one of two through who bring the same code at once.
    row: Any = type(holder)
    taking = update(row).where(row.id == holder.id, row.second_factor_step < step)
    return changed(db.session.execute(taking.values(second_factor_step=step))) == 1


def new_codes() -> list[str]:
    """Recovery codes, as they are shown once."""
    return [
        "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4)) for _ in range(CODES)
    ]


def hash_of(code: str) -> bytes:
    """Of a code as it was shown or as people type it: in any case, with or without hyphens and spaces."""
    plain = "".join(char for char in code.upper() if char.isalnum())
    return hashlib.sha256(plain.encode(errors="replace")).digest()


def changed(result: object) -> int:
    """How many rows a statement changed."""
    assert isinstance(result, CursorResult)  # noqa: S101 - tells the type checker that there is a rowcount
    return result.rowcount


def _step_of(secret: str, code: str) -> int | None:
    """The step of time that this is the code of, among now and those beside it; the latest, should two be."""
    given = "".join(code.split())
    now = int(time.time()) // _STEP_SECONDS
    app = pyotp.TOTP(secret)
    for step in range(now + _DRIFT, now - _DRIFT - 1, -1):
        if pyotp.utils.strings_equal(given, app.generate_otp(step)):
            return step
    return None
