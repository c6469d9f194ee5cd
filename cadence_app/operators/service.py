"""Operators' accounts, and what an operator may do to a tenant. The caller commits."""

from __future__ import annotations

import hashlib
import secrets
import time

from sqlalchemy import func, select

from cadence_app.accounts import audit, email_addresses, password_rules, tries
from cadence_app.accounts.audit import Actor
from cadence_app.accounts.known_devices import Known
from cadence_app.accounts.models import Navigation, SecondFactorPolicy, Tenant
from cadence_app.accounts.password_rules import MIN_OPERATOR_PASSWORD
from cadence_app.accounts.passwords import WrongPassword
from cadence_app.accounts.service import Refused, create_tenant, normal_address
from cadence_app.accounts.tries import Kind, TooMany
from cadence_app.extensions import db
from cadence_app.operators import log
from cadence_app.operators.models import Operator
from cadence_app.tenancy import use_tenant

MAX_NAME = 200
SESSION_SECONDS = 12 * 3600


def create_operator(email: str, name: str, password: str) -> Operator:
    """Errors: Refused for an address that is none or is taken, and for a password that is no good."""
    address = normal_address(email)
    hashed = password_rules.hashed(password, [name, address], least=MIN_OPERATOR_PASSWORD)
    if _by_email(address):
        raise Refused(f"{address} is an operator already")
    operator = Operator(email=address, name=name, password_hash=hashed)
    db.session.add(operator)
    log.record(None, "made", address)
    db.session.flush()
    return operator


def stop_operator(email: str) -> None:
    """Ends an operator's account and whatever is signed in with it. Errors: Refused."""
    operator = named(email)
    operator.active = False
    log.record(None, "stopped", operator.email)


def set_password(email: str, password: str) -> None:
    """Gives an operator another password, at the command line alone, and ends what is signed in with the one
    of before. Errors: Refused for one that is no good."""
    operator = named(email)
    about = [operator.name, operator.email]
    operator.password_hash = password_rules.hashed(password, about, least=MIN_OPERATOR_PASSWORD)
    end_sessions(operator)
    log.record(None, "password_set", operator.email)


def show_password(email: str, password: str, ip: str, known: Known) -> Operator | None:
    """The active operator with this address and password, who has yet to show a code. Failures are counted as
    those of users are (accounts/signing_in.py). Errors: TooMany, and the password was not looked at."""
    operator = _by_email(email)
    device = known.number(account_of(operator), operator.password_hash) if operator else None
    strangers = [
        (Kind.PASSWORD, f"operator {email_addresses.folded(email)}"),
        (Kind.NETWORK, tries.network_of(ip)),
    ]
    tried = tries.begin(*([(Kind.DEVICE, device)] if device else strangers))
    # Checked where there is none too, so that the time taken does not tell.
    fits = password_rules.fits(operator.password_hash if operator else "", password)
    if not (operator and fits and operator.active):
        return None
    tried.give_back()
    return operator


def note_failure(email: str, ip: str, early: TooMany | None) -> None:
    """Notes in the log of operators, and commits, that a sign-in failed or came too early; for an address
    that no operator has, only the server's log tells of it."""
    operator = _by_email(email)
    if operator and early is None:
        log.record(log.STRANGER, "sign_in_failed", f"{operator.email}, from {ip}")
    elif operator:
        log.record_now_and_then("sign_in_failed_too_often", f"{operator.email}, from {ip}")
    db.session.commit()


def note_wrong_code(operator: Operator, ip: str, early: TooMany | None) -> None:
    """Notes, and commits, that who has shown an operator's password did not show a code: somebody else knows
    the password, or the operator mistyped."""
    if early is None:
        log.record(log.STRANGER, "code_failed", f"{operator.email}, from {ip}")
    else:
        log.record_now_and_then("code_failed_too_often", f"{operator.email}, from {ip}")
    db.session.commit()


def sign_in(operator: Operator, ip: str) -> None:
    """Notes that an operator has shown all that was asked of them."""
    operator.last_sign_in_at = func.now()
    operator.session_key = operator.session_key or secrets.token_hex(32)
    log.record(operator, "signed_in", f"{operator.email}, from {ip}")


def require(operator: Operator, password: str) -> None:
    """Whoever is at this session shows the password once more. Errors: WrongPassword; TooMany."""
    tried = tries.begin((Kind.REENTRY, account_of(operator)))
    if not password_rules.fits(operator.password_hash, password):
        raise WrongPassword("That is not your password.")
    tried.give_back()


def account_of(operator: Operator) -> str:
    """What failures at an operator's account are counted by."""
    return f"operator {operator.id}"


def end_sessions(operator: Operator) -> None:
    """Ends everything that is signed in with this account, copies of its cookies too."""
    operator.session_key = secrets.token_hex(32)


def session_of(operator: Operator, until: int) -> str:
    """What the session holds: it ends with the account, with the password, when the second factor changes,
    with a sign-out, and at a time (seconds since 1970)."""
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


def make_tenant(
    actor: Actor,
    name: str,
    navigation: Navigation,
    time_zone: str,
    second_factor: SecondFactorPolicy = SecondFactorPolicy.ADMINS,
) -> Tenant:
    """Its admins must have a second factor unless something else is asked for (OWASP ASVS 4.0.3, 4.3.1).
    Errors: Refused."""
    tenant = create_tenant(_checked(name), navigation, time_zone)
    tenant.second_factor = second_factor
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


def named(email: str) -> Operator:
    """The operator with this address. Errors: Refused."""
    operator = _by_email(email)
    if operator is None:
        raise Refused(f"there is no operator {email}")
    return operator


def operator_with(operator_id: int) -> Operator | None:
    return db.session.get(Operator, operator_id)


def _by_email(email: str) -> Operator | None:
    return db.session.scalars(
        select(Operator).where(email_addresses.same(Operator.email, email))
    ).one_or_none()
