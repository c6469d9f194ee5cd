"""The second factor of operators, without which none of them gets further than setting it up: the codes are
those of users (accounts/one_time_codes.py). The caller commits."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import func, update

from cadence_app.accounts import one_time_codes, tries
from cadence_app.accounts.one_time_codes import WrongCode
from cadence_app.accounts.refusals import Refused
from cadence_app.accounts.tries import Kind
from cadence_app.extensions import db
from cadence_app.operators import log, service
from cadence_app.operators.models import Operator
from cadence_app.vault import encrypt


def turn_on(operator: Operator, secret: str, code: str, password: str) -> list[str]:
    """Turns it on for who knows the password and shows a code of the secret. Every session of before ends,
    for none showed a code. Returns the recovery codes, which are nowhere else. Errors: WrongCode;
    WrongPassword; TooMany."""
    service.require(operator, password)
    operator.second_factor_step = one_time_codes.first_step(secret, code)
    operator.second_factor_secret, operator.second_factor_since = encrypt(secret), datetime.now(UTC)
    service.end_sessions(operator)
    log.record(operator, "second_factor_on", operator.email)
    return _make_codes(operator)


def renew_codes(operator: Operator, password: str) -> list[str]:
    """New recovery codes for who knows the password; the old ones no longer work. Errors: WrongPassword;
    TooMany."""
    service.require(operator, password)
    log.record(operator, "recovery_codes_renewed", operator.email)
    return _make_codes(operator)


def check(operator: Operator, code: str, device: str | None) -> None:
    """Takes a code of the app or a recovery code, each once. Errors: WrongCode; TooMany; Unreadable where
    SECRET_KEY was changed."""
    tried = tries.begin((Kind.CODE, device or service.account_of(operator)))
    if not (one_time_codes.take(operator, code) or _take_recovery_code(operator, code)):
        raise WrongCode("That code is not right, or was used already.")
    tried.give_back()


def reset(email: str) -> None:
    """Takes the second factor away from who lost it, at the command line alone, and ends what is signed in.
    They set up a new one when they next sign in. Errors: Refused."""
    operator = service.named(email)
    if not operator.has_second_factor:
        raise Refused(f"{operator.email} has no second factor yet")
    operator.second_factor_secret, operator.second_factor_since, operator.recovery_codes = "", None, []
    service.end_sessions(operator)
    log.record(None, "second_factor_reset", operator.email)


def _make_codes(operator: Operator) -> list[str]:
    codes = one_time_codes.new_codes()
    operator.recovery_codes = [one_time_codes.hash_of(code) for code in codes]
    return codes


def _take_recovery_code(operator: Operator, code: str) -> bool:
    given = one_time_codes.hash_of(code)
    taking = update(Operator).where(Operator.id == operator.id, Operator.recovery_codes.any_() == given)
    left = func.array_remove(Operator.recovery_codes, given)
    if one_time_codes.changed(db.session.execute(taking.values(recovery_codes=left))) == 0:
        return False
    db.session.refresh(operator)
    log.record(operator, "recovery_code_used", f"{operator.email}, {len(operator.recovery_codes)} left")
    return True
