"""Passwords: checking one, changing it, and the link that sets a forgotten one anew."""

from __future__ import annotations

from datetime import UTC, datetime

from cadence_app.accounts import account_mails, audit, links, service, sessions, single_sign_on
from cadence_app.accounts.models import User
from cadence_app.extensions import db


def store(user: User, password: str) -> None:
    """Gives a user a password, in the open transaction. Errors: Refused for a short one."""
    user.password_hash = service.hash_password(password)
    user.password_changed_at = datetime.now(UTC)


def change(user: User, current: str, new: str, this_session: int) -> None:
    """Changes the password of who knows the current one, and ends their other sessions, in the open
    transaction. Errors: WrongPassword; Refused for a short one."""
    require(user, current)
    store(user, new)
    sessions.end_all(user, but=this_session)
    audit.record(user, "user.password_changed", user.email)
    account_mails.send(user, "password_changed", "Your Cadence password was changed")


def require(user: User, password: str) -> None:
    """Errors: WrongPassword."""
    if not service.password_fits(user, password):
        raise WrongPassword("That is not your password.")


class WrongPassword(ValueError):
    """Not the password of the user who is signed in."""


def send_reset_link(email: str) -> None:
    """Mails a link to who has this address and signs in with a password, and commits. Says nothing of
    whether there is such a user."""
    user = service.find_by_email(email)
    if user and user.active and not user.invited and single_sign_on.passwords_allowed():
        url, expires_at = links.make(user, links.Purpose.RESET)
        account_mails.send(
            user,
            "password_reset",
            "Set a new Cadence password",
            expires_at,
            url=url,
            button="Set a new password",
            expires_at=expires_at,
        )
        audit.record(user, "user.password_reset_requested", user.email)
    db.session.commit()


def reset(user: User, password: str) -> None:
    """Sets the password of who came by the link, and ends every session of theirs, in the open transaction.
    Errors: Refused for a short one."""
    store(user, password)
    sessions.end_all(user)
    audit.record(user, "user.password_reset", user.email)
    account_mails.send(user, "password_changed", "Your Cadence password was changed")
