"""The second factor: codes of an authenticator app (TOTP, RFC 6238), and recovery codes in its stead."""

from __future__ import annotations

import hashlib
import secrets
import time
from datetime import UTC, datetime

import pyotp
import segno
from sqlalchemy import CursorResult, delete, func, select, update

from cadence_app.accounts import account_mails, audit, passwords, sessions
from cadence_app.accounts.models import User
from cadence_app.accounts.sign_in_models import RecoveryCode
from cadence_app.extensions import db
from cadence_app.vault import decrypt, encrypt

_ISSUER = "Cadence"
_STEP_SECONDS = 30
# A clock may be one step off, either way.
_DRIFT = 1
_CODES = 10
# Without letters and digits that are read for each other; 16 of 30 are 78 bits.
_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ2345679"


class WrongCode(ValueError):
    """Not a code of now, or one that was used already."""


def new_secret() -> str:
    return pyotp.random_base32()


def qr_code(user: User, secret: str) -> str:
    """What the authenticator app scans, as a data: address of an SVG image."""
    uri = pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=_ISSUER)
    return segno.make(uri, error="m").svg_data_uri(scale=5, border=4, light="#fff")


def turn_on(user: User, secret: str, code: str) -> list[str]:
    """Turns the second factor on for who shows a code of the secret, in the open transaction. Returns the
    recovery codes, which are nowhere else. Errors: WrongCode."""
    step = _step_of(secret, code)
    if step is None:
        raise WrongCode("That is not the code of now. Wait for the next one and try again.")
    user.second_factor_secret, user.second_factor_step = encrypt(secret), step
    user.second_factor_since = datetime.now(UTC)
    audit.record(user, "user.second_factor_on", user.email)
    _tell(user, "A second factor is now asked for when you sign in with your password.")
    return _make_codes(user)


def turn_off(user: User, password: str) -> None:
    """Turns it off for who knows the password, in the open transaction. Errors: WrongPassword."""
    passwords.require(user, password)
    _clear(user)
    audit.record(user, "user.second_factor_off", user.email)
    _tell(user, "You turned your second factor off. Your password alone signs you in.")


def renew_codes(user: User, password: str) -> list[str]:
    """New recovery codes for who knows the password, in the open transaction; the old ones no longer work.
    Errors: WrongPassword."""
    passwords.require(user, password)
    audit.record(user, "user.recovery_codes_renewed", user.email)
    _tell(user, "Your recovery codes were made anew. The old ones no longer work.")
    return _make_codes(user)


def reset(admin: User, user: User) -> None:
    """An admin takes the second factor away from who lost it, and ends their sessions, in the open
    transaction. Nothing happens where there is none."""
    if not user.has_second_factor:
        return
    _clear(user)
    sessions.end_all(user)
    audit.record(admin, "user.second_factor_reset", user.email)
    _tell(user, f"{admin.name} took your second factor away, as you asked or because it was lost.")


def check(user: User, code: str) -> None:
    """Takes a code of the app or a recovery code, each once, and commits. Errors: WrongCode; Unreadable
    where SECRET_KEY was changed."""
    if not (_take_app_code(user, code) or _take_recovery_code(user, code)):
        raise WrongCode("That code is not right, or was used already.")
    db.session.commit()


def codes_left(user: User) -> int:
    query = select(func.count()).where(RecoveryCode.user_id == user.id, RecoveryCode.used_at.is_(None))
    return db.session.scalar(query) or 0


def _take_app_code(user: User, code: str) -> bool:
    step = _step_of(decrypt(user.second_factor_secret), code)
    if step is None:
        return False
    # The row's lock lets one of two through who bring the same code at once.
    taking = update(User).where(User.id == user.id, User.second_factor_step < step)
    return _rows(db.session.execute(taking.values(second_factor_step=step))) == 1


def _take_recovery_code(user: User, code: str) -> bool:
    taking = update(RecoveryCode).where(
        RecoveryCode.user_id == user.id, RecoveryCode.code_hash == _hash(code), RecoveryCode.used_at.is_(None)
    )
    if _rows(db.session.execute(taking.values(used_at=func.now()))) == 0:
        return False
    audit.record(user, "user.recovery_code_used", f"{user.email}, {codes_left(user)} left")
    return True


def _step_of(secret: str, code: str) -> int | None:
    """The step of time that this is the code of, among now and those beside it; the latest, should two be."""
    given = "".join(code.split())
    now = int(time.time()) // _STEP_SECONDS
    app = pyotp.TOTP(secret)
    for step in range(now + _DRIFT, now - _DRIFT - 1, -1):
        if pyotp.utils.strings_equal(given, app.generate_otp(step)):
            return step
    return None


def _make_codes(user: User) -> list[str]:
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    codes = [
        "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))
        for _ in range(_CODES)
    ]
    db.session.add_all(
        RecoveryCode(tenant_id=user.tenant_id, user_id=user.id, code_hash=_hash(code)) for code in codes
    )
    return codes


def _clear(user: User) -> None:
    user.second_factor_secret, user.second_factor_since = "", None
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))


def _tell(user: User, what: str) -> None:
    account_mails.send(user, "second_factor_changed", "Your second factor in Cadence", what=what)


def _hash(code: str) -> bytes:
    """Of a code as it was shown or as people type it: in any case, with or without hyphens and spaces."""
    plain = "".join(char for char in code.upper() if char.isalnum())
    return hashlib.sha256(plain.encode(errors="replace")).digest()


def _rows(result: object) -> int:
    assert isinstance(result, CursorResult)  # noqa: S101 - tells the type checker that there is a rowcount
    return result.rowcount
