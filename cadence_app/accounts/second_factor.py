"""The second factor of users: codes of an authenticator app, and recovery codes in its stead."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import delete, func, select, update

from cadence_app.accounts import account_mails, audit, one_time_codes, passwords, sessions, tries
from cadence_app.accounts.models import User
from cadence_app.accounts.one_time_codes import WrongCode
from cadence_app.accounts.passwords import Proof
from cadence_app.accounts.service import account_of
from cadence_app.accounts.sign_in_models import RecoveryCode
from cadence_app.accounts.tries import Kind
from cadence_app.extensions import db
from cadence_app.vault import encrypt


def turn_on(user: User, secret: str, code: str, proof: Proof, this_session: int) -> list[str]:
    """Turns the second factor on for who shows who they are and a code of the secret, and ends their other
    sessions, which showed none, in the open transaction. Returns the recovery codes, which are nowhere else.
    Errors: WrongCode; WrongPassword; SignInAgain; TooMany."""
    passwords.require(user, proof)
    user.second_factor_step = one_time_codes.first_step(secret, code)
    user.second_factor_secret, user.second_factor_since = encrypt(secret), datetime.now(UTC)
    sessions.end_all(user, but=this_session)
    audit.record(user, "user.second_factor_on", user.email)
    _tell(user, "A second factor is now asked for when you sign in with your password.")
    return _make_codes(user)


def turn_off(user: User, proof: Proof) -> None:
    """Turns it off for who shows who they are, in the open transaction. Errors: WrongPassword; SignInAgain;
    TooMany."""
    passwords.require(user, proof)
    _clear(user)
    audit.record(user, "user.second_factor_off", user.email)
    _tell(user, "You turned your second factor off. Your password alone signs you in.")


def renew_codes(user: User, proof: Proof) -> list[str]:
    """New recovery codes for who shows who they are, in the open transaction; the old ones no longer work.
    Errors: WrongPassword; SignInAgain; TooMany."""
    passwords.require(user, proof)
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


def check(user: User, code: str, device: str | None = None) -> None:
    """Takes a code of the app or a recovery code, each once, and commits. `device` is the number of one that
    this user is known on. Errors: WrongCode; TooMany; Unreadable where SECRET_KEY was changed."""
    tried = tries.begin((Kind.CODE, device or account_of(user)))
    if not (one_time_codes.take(user, code) or _take_recovery_code(user, code)):
        raise WrongCode("That code is not right, or was used already.")
    db.session.commit()
    tried.give_back()


def codes_left(user: User) -> int:
    query = select(func.count()).where(RecoveryCode.user_id == user.id, RecoveryCode.used_at.is_(None))
    return db.session.scalar(query) or 0


def _take_recovery_code(user: User, code: str) -> bool:
    taking = update(RecoveryCode).where(
        RecoveryCode.user_id == user.id,
        RecoveryCode.code_hash == one_time_codes.hash_of(code),
        RecoveryCode.used_at.is_(None),
    )
    if one_time_codes.changed(db.session.execute(taking.values(used_at=func.now()))) == 0:
        return False
    audit.record(user, "user.recovery_code_used", f"{user.email}, {codes_left(user)} left")
    return True


def _make_codes(user: User) -> list[str]:
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    codes = one_time_codes.new_codes()
    db.session.add_all(
        RecoveryCode(tenant_id=user.tenant_id, user_id=user.id, code_hash=one_time_codes.hash_of(code))
        for code in codes
    )
    return codes


def _clear(user: User) -> None:
    user.second_factor_secret, user.second_factor_since = "", None
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))


def _tell(user: User, what: str) -> None:
    account_mails.send(user, "second_factor_changed", "Your second factor in Cadence", what=what)
