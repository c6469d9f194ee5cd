"""Inviting somebody by e-mail: they set their own name and password through a link."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import delete, select

from cadence_app.accounts import (
    account_mails,
    audit,
    email_addresses,
    links,
    passwords,
    service,
    sessions,
    tries,
)
from cadence_app.accounts.models import Role, Team, TeamMember, User
from cadence_app.accounts.tries import Kind
from cadence_app.extensions import db
from cadence_app.tenancy import tenant_in_use


def invite(admin: User, email: str, name: str, role: Role, teams: list[Team]) -> User:
    """Makes a user who has yet to accept, with the mail that asks them to, in the open transaction. Whose
    invitation was revoked may be invited again. Other tenants may have invited the same address: it is
    nobody's until one of these is accepted.

    Errors: Refused for an address that is none, that is invited here already, or that somebody has confirmed,
    in whichever tenant; TooMany.
    """
    address = service.normal_address(email)
    user = _revoked(address)
    if user is None:
        _refuse_here(address)
        service.refuse_taken(address)
        user = User(tenant_id=tenant_in_use(), email=address, password_hash="")
        db.session.add(user)
    elif service.is_taken(address):
        raise service.AddressTaken(f"{address} signs in to Cadence already")
    user.name, user.role, user.active = name, role, True
    service.flush_address(address)
    db.session.execute(delete(TeamMember).where(TeamMember.user_id == user.id))
    db.session.add_all(
        TeamMember(tenant_id=user.tenant_id, team_id=team.id, user_id=user.id) for team in teams
    )
    audit.record(
        admin, "user.invited", user.email, role=(None, role), teams=(None, [team.name for team in teams])
    )
    _send(admin, user)
    return user


def resend(admin: User, user: User) -> None:
    """Sends the invitation again, in the open transaction; the link of the one before no longer works.
    Errors: Refused where there is no open invitation, and where the address became somebody's meanwhile;
    TooMany."""
    _require_open(user)
    service.refuse_taken(user.email, but=user)
    audit.record(admin, "user.invitation_resent", user.email)
    _send(admin, user)


def revoke(admin: User, user: User) -> None:
    """Takes the invitation back, in the open transaction: its link no longer works, and the user is not
    active. Errors: Refused where there is no open invitation."""
    _require_open(user)
    user.invited_at, user.active = None, False
    sessions.end_all(user)
    audit.record(admin, "user.invitation_revoked", user.email)


def accept(user: User, name: str, password: str) -> None:
    """Makes an invited person a user, whose address is theirs from now on, in the open transaction. Errors:
    Refused for a password that is no good; AddressTaken where the address became somebody's meanwhile, be it
    in the same moment."""
    _require_open(user)
    user.name = name
    passwords.store(user, password)
    user.invited_at = None
    audit.record(user, "user.invitation_accepted", user.email)
    service.confirm_address(user)


def _require_open(user: User) -> None:
    if not user.invited:
        raise service.Refused(f"there is no open invitation of {user.email}")


def _revoked(address: str) -> User | None:
    """The user of this tenant with this address who was invited, never came, and is not asked any more."""
    return db.session.scalars(
        select(User).where(
            email_addresses.same(User.email, address),
            ~User.active,
            User.invited_at.is_(None),
            User.confirmed_at.is_(None),
        )
    ).one_or_none()


def _refuse_here(address: str) -> None:
    """Errors: Refused where the tenant has a user with this address, and says what to do with them."""
    found = db.session.scalars(select(User).where(email_addresses.same(User.email, address))).one_or_none()
    if found and found.invited:
        raise service.Refused(f"{address} is invited already. Send that invitation again instead")
    if found and not found.active:
        raise service.Refused(f"{address} was here before. Reactivate {found.name} instead")


def _send(admin: User, user: User) -> None:
    tries.begin((Kind.MAIL, f"invitation {user.tenant_id} {email_addresses.folded(user.email)}"))
    # The clock, not the transaction's time: each invitation has a moment, and so a link, of its own.
    user.invited_at = datetime.now(UTC)
    db.session.flush()
    url, expires_at = links.make(user, links.Purpose.INVITATION)
    account_mails.send(
        user,
        "invitation",
        f"{admin.name} invites you to Cadence",
        expires_at,
        admin=admin,
        url=url,
        button="Accept the invitation",
        expires_at=expires_at,
    )
