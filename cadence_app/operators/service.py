"""Operators' accounts, and what an operator may do to a tenant. The caller commits."""

from __future__ import annotations

import hashlib
import secrets
import time
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from email_validator import EmailNotValidError, validate_email
from sqlalchemy import func, select

from cadence_app.accounts import audit
from cadence_app.accounts.audit import Actor
from cadence_app.accounts.models import Navigation, Tenant
from cadence_app.accounts.service import Refused, create_tenant
from cadence_app.extensions import db
from cadence_app.operators.models import Operator
from cadence_app.tenancy import use_tenant

# More than a user's, for an operator is over every tenant.
MIN_PASSWORD = 14
MAX_NAME = 200
SESSION_SECONDS = 12 * 3600
_hasher = PasswordHasher()


def create_operator(email: str, name: str, password: str) -> Operator:
    """Errors: Refused for an address that is none or is taken, and a short password."""
    try:
        address = validate_email(email, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as error:
        raise Refused(str(error)) from error
    if len(password) < MIN_PASSWORD:
        raise Refused(f"an operator's password needs at least {MIN_PASSWORD} characters")
    if _by_email(address):
        raise Refused(f"{address} is an operator already")
    operator = Operator(email=address, name=name, password_hash=_hasher.hash(password))
    db.session.add(operator)
    db.session.flush()
    return operator


def stop_operator(email: str) -> None:
    """Ends an operator's account and whatever is signed in with it. Errors: Refused."""
    operator = _by_email(email)
    if operator is None:
        raise Refused(f"there is no operator {email}")
    operator.active = False


def sign_in(email: str, password: str) -> Operator | None:
    """The active operator with this address and password."""
    operator = _by_email(email.strip())
    try:
        # Checked where there is none too, so that the time taken does not tell.
        _hasher.verify(operator.password_hash if operator else _nobodys_hash(), password)
    except (VerifyMismatchError, InvalidHashError):
        return None
    if operator is None or not operator.active:
        return None
    operator.last_sign_in_at = func.now()
    operator.session_key = operator.session_key or secrets.token_hex(32)
    return operator


def sign_out(operator: Operator) -> None:
    """Ends everything that is signed in with this account, copies of its cookies too."""
    operator.session_key = secrets.token_hex(32)


def session_of(operator: Operator, until: int) -> str:
    """What the session holds: it ends with the account, with the password, with a sign-out, and at a time
    (seconds since 1970)."""
    state = f"{operator.password_hash} {operator.session_key}"
    return f"{operator.id}:{until}:{hashlib.sha256(state.encode()).hexdigest()[:32]}"


def session_end() -> int:
    """When a session that begins now is over, in seconds since 1970."""
    return int(time.time() + SESSION_SECONDS)


def operator_of(held: str) -> Operator | None:
    """Whose session it is. The cookie that holds it is signed, so its time is the one that we gave it."""
    operator_id, _, rest = held.partition(":")
    until = rest.partition(":")[0]
    if not (operator_id.isdecimal() and until.isdecimal()) or int(until) <= time.time():
        return None
    operator = db.session.get(Operator, int(operator_id))
    if operator is None or not operator.active or not operator.session_key:
        return None
    return operator if session_of(operator, int(until)) == held else None


def make_tenant(actor: Actor, name: str, navigation: Navigation, time_zone: str) -> Tenant:
    """Errors: Refused."""
    tenant = create_tenant(_checked(name), navigation, time_zone)
    audit.record(actor, "organisation.made", tenant.name, time_zone=(None, time_zone))
    return tenant


def rename(actor: Actor, tenant: Tenant, name: str) -> None:
    """Errors: Refused for no name and for one that is taken."""
    before, name = tenant.name, _checked(name)
    if name == before:
        return
    if db.session.scalar(select(Tenant.id).where(Tenant.name == name, Tenant.id != tenant.id)):
        raise Refused(f"there is a tenant {name} already")
    tenant.name = name
    audit.record(actor, "organisation.renamed", name, name=(before, name))


def suspend(actor: Actor, tenant: Tenant) -> None:
    """From now on nobody signs in, no token works and no schedule runs, and nothing is sent but the
    confirmation of an opt out. What comes in is recorded as ever: a STOP counts whoever pays."""
    if tenant.suspended_at is None:
        tenant.suspended_at = func.now()
        audit.record(actor, "organisation.suspended", tenant.name)


def resume(actor: Actor, tenant: Tenant) -> None:
    if tenant.suspended_at is not None:
        tenant.suspended_at = None
        audit.record(actor, "organisation.resumed", tenant.name)


def tenant_with(tenant_id: int) -> Tenant | None:
    """The tenant of this id, which the session then works for."""
    tenant = db.session.get(Tenant, tenant_id)
    if tenant:
        use_tenant(tenant.id)
    return tenant


def _checked(name: str) -> str:
    name = name.strip()
    if not name or len(name) > MAX_NAME or "\x00" in name:
        raise Refused(f"a name has 1 to {MAX_NAME} characters")
    return name


def _by_email(email: str) -> Operator | None:
    return db.session.scalars(
        select(Operator).where(func.lower(Operator.email) == email.lower())
    ).one_or_none()


@cache
def _nobodys_hash() -> str:
    return _hasher.hash("nobody")
