"""Sign-in, and making tenants, teams and users."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from cadence_app.accounts import demo_sign_ins, email_addresses, password_rules
from cadence_app.accounts.models import Navigation, Role, Team, TeamMember, Tenant, User
from cadence_app.accounts.refusals import Refused as Refused
from cadence_app.extensions import db
from cadence_app.tenancy import tenant_in_use, use_tenant


class AddressTaken(Refused):
    """An address that somebody else has confirmed, in whichever tenant."""


_FIND_SIGN_IN = text("SELECT tenant_id, user_id FROM find_sign_in(:email)")


def find_by_email(email: str) -> User | None:
    """The active user who has confirmed this e-mail address, whichever tenant's; the session then works for
    that tenant."""
    found = db.session.execute(_FIND_SIGN_IN, {"email": email.strip()}).one_or_none()
    return load_user(found.tenant_id, found.user_id) if found else None


def password_fits(user: User | None, password: str) -> bool:
    """Whether this is the user's password; it takes as long for nobody, and for who has none. The demo's is
    nobody's but in development mode."""
    known = user.password_hash if user else ""
    return password_rules.fits(known, password) and not demo_sign_ins.refused(password)


def account_of(user: User) -> str:
    """What failures at a user's account are counted by, whatever address it has by then."""
    return f"user {user.id}"


def known_of(user: User) -> list[str]:
    """What others know of a user, and is no good in a password."""
    return [user.name, user.email, user.tenant.name]


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
    user = db.session.scalars(select(User).where(email_addresses.same(User.email, email))).one_or_none()
    if user is None:
        raise Refused(f"there is no user {email}")
    return user


def all_teams() -> list[Team]:
    """Every team of the tenant, by name."""
    return list(db.session.scalars(select(Team).order_by(Team.name)))


def create_user(email: str, name: str, password: str, role: Role, teams: list[Team]) -> User:
    """A user whose address an operator vouches for. Errors: Refused for an address that is none or is taken,
    and for a password that is no good."""
    address = normal_address(email)
    tenant = db.session.get_one(Tenant, tenant_in_use())
    password_hash = password_rules.hashed(password, [name, address, tenant.name])
    refuse_taken(address)
    user = User(tenant_id=tenant_in_use(), email=address, name=name, role=role, password_hash=password_hash)
    db.session.add(user)
    confirm_address(user)
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


def refuse_taken(address: str, but: User | None = None) -> None:
    """Errors: AddressTaken for an address that somebody other than `but` has confirmed, in any tenant;
    Refused for one that another user of this tenant has, confirmed or not."""
    mine = but.id if but else None
    if is_taken(address, but):
        raise AddressTaken(f"{address} signs in to Cadence already")
    here = select(User.id).where(email_addresses.same(User.email, address), User.id.is_distinct_from(mine))
    if db.session.scalar(here):
        raise Refused(f"somebody has {address} already: see the users, invited and deactivated ones too")


def is_taken(address: str, but: User | None = None) -> bool:
    """Whether an active user of any tenant has confirmed this address, other than `but`."""
    found = db.session.execute(_FIND_SIGN_IN, {"email": address}).one_or_none()
    return found is not None and (but is None or found.user_id != but.id)


def confirm_address(user: User) -> None:
    """The user's address is theirs from now on, and nobody else's, in the open transaction. Errors:
    AddressTaken where somebody else confirmed it meanwhile; what the session did since its last commit is
    undone then."""
    email = user.email
    user.confirmed_at = datetime.now(UTC)
    flush_address(email)


def flush_address(email: str) -> None:
    """Writes what the session has, by which somebody takes this address. Errors: AddressTaken, as above."""
    try:
        db.session.flush()
    except IntegrityError as error:
        db.session.rollback()
        if "_email" not in str(error.orig):
            raise
        raise AddressTaken(f"{email} signs in to Cadence already") from error
