"""Who is an admin of the tenant now, and how that is changed by one person at a time."""

from __future__ import annotations

from sqlalchemy import func, select

from cadence_app.accounts.models import Role, Tenant, User
from cadence_app.accounts.service import Refused
from cadence_app.extensions import db
from cadence_app.tenancy import tenant_in_use

# User.acts_as_admin, for a query.
ACTING = (User.active, User.role == Role.ADMIN, User.invited_at.is_(None))
_AS_IT_IS = ["active", "role", "invited_at"]


def acting() -> list[User]:
    """The tenant's admins, by name."""
    return list(db.session.scalars(select(User).where(*ACTING).order_by(User.name, User.id)))


def hold_admins(actor: User, user: User | None = None) -> None:
    """Whoever changes who is an admin, or what an admin leaves to go on by itself, waits here for whoever
    else does, and sees what they did. Errors: Refused where the actor may not do it any more."""
    hold()
    db.session.refresh(actor, _AS_IT_IS)
    if user is not None and user is not actor:
        db.session.refresh(user, _AS_IT_IS)
    if not actor.acts_as_admin:
        raise Refused("You are no admin any more.")


def hold() -> None:
    """The same where nobody asks for it: a command, or Cadence by itself."""
    db.session.execute(select(Tenant.id).where(Tenant.id == tenant_in_use()).with_for_update(key_share=True))


def refuse_last_admin(user: User) -> None:
    """Errors: Refused where nobody else is an active admin. Call hold_admins() first."""
    others = select(func.count()).where(User.id != user.id, *ACTING)
    if user.active and not user.invited and db.session.scalars(others).one() == 0:
        raise Refused(f"{user.name} is the last active admin. Make somebody else an admin first.")
