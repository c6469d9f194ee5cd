"""A tenant's single sign-on: its settings, and who it signs in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import delete, select, text
from sqlalchemy.exc import IntegrityError

from cadence_app.accounts import audit, email_addresses, issuers, service
from cadence_app.accounts.issuers import Vouched
from cadence_app.accounts.models import Role, User
from cadence_app.accounts.oidc import Client, Identity
from cadence_app.accounts.sign_in_models import SingleSignOn, SingleSignOnDomain
from cadence_app.extensions import db
from cadence_app.tenancy import tenant_in_use, use_tenant
from cadence_app.vault import decrypt, encrypt

_FIND = text("SELECT find_single_sign_on(:domain)")
_OTHERS_HAVE = text("SELECT others_have_domain(:domain)")


class NotLetIn(ValueError):
    """Whom the provider knows and Cadence does not let in; the text says why, for that person."""


class DomainTaken(ValueError):
    """A domain that another organisation here signs in by, or has users of; the text names it."""


@dataclass(frozen=True)
class Settings:
    """What an admin chooses. `secret` is None to keep the one that is stored. `speaks_for` are those of the
    domains whose addresses are taken from the provider although it does not say that they are verified."""

    issuer: str
    client_id: str
    secret: str | None
    domains: list[str]
    passwords_allowed: bool
    creates_users: bool
    speaks_for: list[str]


def of_tenant() -> SingleSignOn | None:
    """The single sign-on of the tenant in use."""
    return db.session.get(SingleSignOn, tenant_in_use())


def of_email(email: str) -> SingleSignOn | None:
    """That of an address's domain; the database session then works for its tenant. It depends on the domain
    only, so it does not tell whether there is such a user."""
    tenant_id = db.session.scalar(_FIND, {"domain": _domain(email)})
    if tenant_id is None:
        return None
    use_tenant(tenant_id)
    return of_tenant()


def of_user(user: User) -> SingleSignOn | None:
    """That of a user's tenant, which is the one in use."""
    return db.session.get(SingleSignOn, user.tenant_id)


def domains() -> list[str]:
    return list(db.session.scalars(select(SingleSignOnDomain.domain).order_by(SingleSignOnDomain.domain)))


def spoken_for() -> list[str]:
    """The domains that an admin confirmed the provider speaks for."""
    confirmed = SingleSignOnDomain.confirmed_at.is_not(None)
    query = select(SingleSignOnDomain.domain).where(confirmed).order_by(SingleSignOnDomain.domain)
    return list(db.session.scalars(query))


def confirmations() -> list[tuple[str, str, datetime]]:
    """The domains that the provider speaks for, each with who confirmed it and when."""
    query = (
        select(SingleSignOnDomain.domain, User.name, SingleSignOnDomain.confirmed_at)
        .join(User, User.id == SingleSignOnDomain.confirmed_by_id)
        .order_by(SingleSignOnDomain.domain)
    )
    return [(domain, name, at) for domain, name, at in db.session.execute(query) if at]


def passwords_allowed() -> bool:
    """Whether the users of the tenant in use may sign in with a password."""
    found = of_tenant()
    return found is None or found.passwords_allowed


def client(found: SingleSignOn) -> Client:
    """What talks to the provider. Errors: Unreadable where SECRET_KEY was changed."""
    return Client(found.issuer, found.client_id, decrypt(found.client_secret))


def save(admin: User, settings: Settings) -> SingleSignOn:
    """Stores the settings and commits. Another issuer forgets who everybody was at the one before, and what
    was confirmed of it; its own domains are confirmed by saving again. Errors: DomainTaken; nothing is stored
    then."""
    found = of_tenant()
    before = _described(found)
    if found is None:
        found = SingleSignOn(tenant_id=admin.tenant_id, client_secret="", issuer=settings.issuer)
        db.session.add(found)
    if found.issuer != settings.issuer:
        _forget_subjects()
    found.issuer, found.client_id = settings.issuer, settings.client_id
    found.passwords_allowed, found.creates_users = settings.passwords_allowed, settings.creates_users
    if settings.secret is not None:
        found.client_secret = encrypt(settings.secret)
    db.session.flush()
    # What was confirmed of one provider is not said of another, even if it is left standing in the form.
    moved = before.get("issuer", settings.issuer) != settings.issuer
    _store_domains(settings.domains)
    _confirm_domains(admin, [] if moved else settings.speaks_for)
    after = _described(found)
    audit.record(
        admin,
        "single_sign_on.changed",
        settings.issuer,
        **{name: (before.get(name), value) for name, value in after.items()},
        **({"client_secret": ("kept", "changed")} if settings.secret is not None else {}),
    )
    db.session.commit()
    return found


def allow_passwords() -> None:
    """An operator lets the tenant's users sign in with passwords again, in the open transaction."""
    found = of_tenant()
    if found and not found.passwords_allowed:
        found.passwords_allowed = True
        audit.record(None, "single_sign_on.changed", found.issuer, passwords_allowed=(False, True))


def allow_domain(domain: str) -> None:
    """An operator gives the tenant a domain that users of others have too, in the open transaction. Errors:
    DomainTaken where another tenant signs in by it."""
    before, domain = domains(), domain.strip().lower().lstrip("@")
    if domain in before:
        return
    if db.session.scalar(_FIND, {"domain": domain}):
        raise DomainTaken(domain)
    db.session.add(SingleSignOnDomain(domain=domain, tenant_id=tenant_in_use()))
    audit.record(None, "single_sign_on.changed", domain, domains=(before, [*before, domain]))


def remove(admin: User) -> None:
    """Turns single sign-on off and commits: everybody signs in with a password again."""
    found = of_tenant()
    if found:
        audit.record(admin, "single_sign_on.removed", found.issuer)
        _forget_subjects()
        db.session.execute(delete(SingleSignOnDomain))
        db.session.delete(found)
    db.session.commit()


def let_in(found: SingleSignOn, identity: Identity) -> User:
    """The user of this tenant that the provider tells of: by its own name for them, and only the first time
    by e-mail address. Made, as an agent of no team, where the admin wants that. In the open transaction.
    Errors: NotLetIn."""
    user = _by_subject(identity) or _by_email(found, identity)
    if not user.is_active:
        raise NotLetIn(f"{user.email} may not sign in any more. Ask an admin of {found.tenant.name}.")
    if user.invited:
        user.invited_at = None
        audit.record(user, "user.invitation_accepted", user.email)
    user.single_sign_on_subject = identity.subject
    if user.confirmed_at is None:
        _confirm(user)
    return user


def _confirm(user: User) -> None:
    """The address's domain is the organisation's, whose provider has verified it."""
    try:
        service.confirm_address(user)
    except service.AddressTaken as taken:
        raise NotLetIn(f"{taken}.") from taken


def _by_subject(identity: Identity) -> User | None:
    for subject in dict.fromkeys((identity.subject, identity.former_subject)):
        known = db.session.scalars(select(User).where(User.single_sign_on_subject == subject)).one_or_none()
        if known:
            return known
    return None


def _by_email(found: SingleSignOn, identity: Identity) -> User:
    """Errors: NotLetIn where the address is not one that counts."""
    _require_address(found, identity)
    user = db.session.scalars(
        select(User).where(email_addresses.same(User.email, identity.email))
    ).one_or_none()
    if user and user.single_sign_on_subject:
        raise NotLetIn(f"{identity.email} was somebody else at your organization's sign-in before.")
    if user:
        return user
    if not found.creates_users:
        raise NotLetIn(
            f"{identity.email} is no user of {found.tenant.name} in Cadence yet. Ask an admin to invite you."
        )
    return _make(found, identity)


def _require_address(found: SingleSignOn, identity: Identity) -> None:
    """Whether the provider's word for an address counts: it says so of this person, or an admin confirmed
    that it speaks for the domain and it says nothing against it. Errors: NotLetIn."""
    domain = _domain(identity.email)
    if not identity.email:
        raise NotLetIn("Your organization's sign-in did not tell your e-mail address.")
    if domain not in domains():
        raise NotLetIn(f"{identity.email} is not an address of {found.tenant.name}.")
    if identity.vouched == Vouched.YES:
        return
    confirmed = domain in spoken_for() and issuers.belongs_to_one(found.issuer)
    if identity.vouched == Vouched.NO or not confirmed:
        raise NotLetIn("Your organization's sign-in has not verified your e-mail address.")
    if identity.guest:
        raise NotLetIn(
            "You are a guest in your organization's sign-in. Ask an admin to let you in otherwise."
        )


def _make(found: SingleSignOn, identity: Identity) -> User:
    try:
        address = service.normal_address(identity.email)
        service.refuse_taken(address)
    except service.Refused as refusal:
        raise NotLetIn(f"{identity.email} can't be used here.") from refusal
    user = User(
        tenant_id=found.tenant_id,
        email=address,
        name=identity.name or address,
        role=Role.AGENT,
        password_hash="",
        active=True,
    )
    db.session.add(user)
    _confirm(user)
    audit.record(user, "user.made_by_single_sign_on", user.email, role=(None, user.role))
    return user


def _domain(email: str) -> str:
    return email.strip().rpartition("@")[2].lower()


def _store_domains(wanted: list[str]) -> None:
    """One that is the tenant's already stays so, for an operator may have allowed it."""
    before = set(domains())
    db.session.execute(delete(SingleSignOnDomain).where(SingleSignOnDomain.domain.not_in(wanted)))
    for domain in wanted:
        if domain in before:
            continue
        if db.session.scalar(_OTHERS_HAVE, {"domain": domain}):
            db.session.rollback()
            raise DomainTaken(domain)
        try:
            with db.session.begin_nested():
                db.session.add(SingleSignOnDomain(domain=domain, tenant_id=tenant_in_use()))
        except IntegrityError as error:
            db.session.rollback()
            raise DomainTaken(domain) from error


def _confirm_domains(admin: User, wanted: list[str]) -> None:
    """Notes who confirmed each domain, and when, for as long as it stays so."""
    for row in db.session.scalars(select(SingleSignOnDomain)):
        if row.domain not in wanted:
            row.confirmed_at = row.confirmed_by_id = None
        elif row.confirmed_at is None:
            row.confirmed_at, row.confirmed_by_id = datetime.now(UTC), admin.id


def _forget_subjects() -> None:
    for user in db.session.scalars(select(User).where(User.single_sign_on_subject.is_not(None))):
        user.single_sign_on_subject = None


def _described(found: SingleSignOn | None) -> dict[str, object]:
    """What the audit log tells of the settings."""
    if found is None:
        return {}
    return {
        "issuer": found.issuer,
        "client_id": found.client_id,
        "domains": domains(),
        "speaks_for": spoken_for(),
        "passwords_allowed": found.passwords_allowed,
        "creates_users": found.creates_users,
    }
