"""Sign-in, and making tenants, teams and users."""

from __future__ import annotations

from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from email_validator import EmailNotValidError, validate_email
from sqlalchemy import func, select, text

from cadence_app.accounts import demo_sign_ins
from cadence_app.accounts.models import Navigation, Role, Team, TeamMember, Tenant, User
from cadence_app.extensions import db
from cadence_app.tenancy import tenant_in_use, use_tenant

_FIND_SIGN_IN = text("SELECT tenant_id, user_id FROM find_sign_in(:email)")
MIN_PASSWORD = 10
_hasher = PasswordHasher()


class Refused(ValueError):
    """A value that can't be used; the text says why, for the person who gave it."""

    @property
    def sentence(self) -> str:
        """The text as a page says it."""
        text = str(self).removesuffix(".")
        return f"{text[:1].upper()}{text[1:]}."


def sign_in(email: str, password: str) -> User | None:
    """The active user with this e-mail address and password; the session then works for their tenant."""
    user = find_by_email(email)
    # Checked where there is no such user too, so that the time taken does not tell.
    fits = password_fits(user, password)
    return user if user and fits and user.is_active and not user.invited else None


def find_by_email(email: str) -> User | None:
    """The user with this e-mail address, whichever tenant's; the session then works for that tenant."""
    found = db.session.execute(_FIND_SIGN_IN, {"email": email.strip()}).one_or_none()
    return load_user(found.tenant_id, found.user_id) if found else None


def password_fits(user: User | None, password: str) -> bool:
    """Whether this is the user's password; it takes as long for nobody, and for who has none. The demo's is
    nobody's but in development mode."""
    known = user.password_hash if user else ""
    try:
        _hasher.verify(known or _nobodys_hash(), password)
    except (VerifyMismatchError, InvalidHashError):
        return False
    return known != "" and not demo_sign_ins.refused(password)


def hash_password(password: str) -> str:
    """Errors: Refused for a short one."""
    if len(password) < MIN_PASSWORD:
        raise Refused(f"the password needs at least {MIN_PASSWORD} characters")
    return _hasher.hash(password)


def load_user(tenant_id: int, user_id: int) -> User | None:
    """A user by both ids; the session then works for that tenant."""
    use_tenant(tenant_id)
    return db.session.get(User, user_id)


def create_tenant(name: str, navigation: Navigation, time_zone: str) -> Tenant:
    """Errors: Refused for an unknown zone or a name that is taken."""
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise Refused(f"there is no time zone {time_zone}") from error
    if db.session.scalar(select(Tenant.id).where(Tenant.name == name)):
        raise Refused(f"there is a tenant {name} already")
    tenant = Tenant(name=name, navigation=navigation, time_zone=time_zone)
    db.session.add(tenant)
    db.session.flush()
    use_tenant(tenant.id)
    return tenant


def find_tenant(name: str) -> Tenant:
    """The tenant of this name, which the session then works for. Errors: Refused."""
    tenant = db.session.scalars(select(Tenant).where(Tenant.name == name)).one_or_none()
    if tenant is None:
        raise Refused(f"there is no tenant {name}")
    use_tenant(tenant.id)
    return tenant


def create_team(name: str, code: str) -> Team:
    """Errors: Refused for a name or code that the tenant has already."""
    if db.session.scalar(select(Team.id).where((Team.name == name) | (Team.code == code))):
        raise Refused(f"there is a team named {name} or with the code {code} already")
    team = Team(tenant_id=tenant_in_use(), name=name, code=code)
    db.session.add(team)
    db.session.flush()
    return team


def find_team(code: str) -> Team:
    """The team with this code in the tenant in use. Errors: Refused."""
    team = db.session.scalars(select(Team).where(Team.code == code)).one_or_none()
    if team is None:
        raise Refused(f"there is no team with the code {code}")
    return team


def find_user(email: str) -> User:
    """The user with this address in the tenant in use. Errors: Refused."""
    user = db.session.scalars(select(User).where(func.lower(User.email) == email.lower())).one_or_none()
    if user is None:
        raise Refused(f"there is no user {email}")
    return user


def all_teams() -> list[Team]:
    """Every team of the tenant, by name."""
    return list(db.session.scalars(select(Team).order_by(Team.name)))


def create_user(email: str, name: str, password: str, role: Role, teams: list[Team]) -> User:
    """Errors: Refused for an address that is none or is taken (in any tenant), and a short password."""
    address = normal_address(email)
    password_hash = hash_password(password)
    refuse_taken(address)
    user = User(tenant_id=tenant_in_use(), email=address, name=name, role=role, password_hash=password_hash)
    db.session.add(user)
    db.session.flush()
    db.session.add_all(
        TeamMember(tenant_id=user.tenant_id, team_id=team.id, user_id=user.id) for team in teams
    )
    db.session.flush()
    return user


def normal_address(email: str) -> str:
    """An e-mail address as it is stored. Errors: Refused for one that is none."""
    try:
        return validate_email(email, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as error:
        raise Refused(str(error)) from error


def refuse_taken(address: str) -> None:
    """Errors: Refused for an address that somebody has, in any tenant."""
    if db.session.execute(_FIND_SIGN_IN, {"email": address}).one_or_none():
        raise Refused(f"{address} signs in to Cadence already")


@cache
def _nobodys_hash() -> str:
    return _hasher.hash("nobody")
