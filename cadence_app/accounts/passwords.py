"""Passwords: asking for one again, changing it, and the link that sets a forgotten one anew."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from cadence_app.accounts import (
    account_mails,
    audit,
    links,
    password_rules,
    service,
    sessions,
    single_sign_on,
    tries,
)
from cadence_app.accounts.models import User
from cadence_app.accounts.tries import Kind
from cadence_app.extensions import db


class WrongPassword(ValueError):
    """Not the password of the user who is signed in."""


class SignInAgain(ValueError):
    """Who has no password has to come from their organisation's sign-in, just now."""


@dataclass(frozen=True)
class Proof:
    """What somebody who is signed in shows besides their session: the password, or, without one, whether they
    were at the organisation's sign-in `just_now`."""

    password: str
    just_now: bool = False


def store(user: User, password: str) -> None:
    """Gives a user a password, in the open transaction. Errors: Refused for one that is no good."""
    user.password_hash = password_rules.hashed(password, service.known_of(user))
    user.password_changed_at = datetime.now(UTC)
    # Its link no longer works: whoever asked for it may have been the one the password is changed against.
    user.new_email = ""


def change(user: User, current: str, new: str, this_session: int) -> None:
    """Changes the password of who knows the current one, and ends their other sessions, in the open
    transaction. Errors: WrongPassword; SignInAgain; TooMany; Refused for one that is no good."""
    require(user, Proof(current))
    store(user, new)
    sessions.end_all(user, but=this_session)
    audit.record(user, "user.password_changed", user.email)
    account_mails.send(user, "password_changed", "Your Cadence password was changed")


def require(user: User, proof: Proof) -> None:
    """Whoever is at this session shows once more that they are its user, before what a thief of the session
    would do first. Errors: WrongPassword; SignInAgain; TooMany."""
    if not user.password_hash:
        if not proof.just_now:
            raise SignInAgain("Sign in through your organization once more, then do this within ten minutes.")
        return
    tried = tries.begin((Kind.REENTRY, service.account_of(user)))
    if not service.password_fits(user, proof.password):
        raise WrongPassword("That is not your password.")
    tried.give_back()


def send_reset_link_to(email: str) -> None:
    """Mails a link to who has this address, and commits. Says nothing of whether there is such a user."""
    user = service.find_by_email(email)
    if user:
        send_reset_link(user)
    db.session.commit()


def send_reset_link(user: User) -> None:
    """Mails a user of the tenant in use a link, in the open transaction, if they sign in with a password."""
    if user.active and not user.invited and single_sign_on.passwords_allowed():
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


def reset(user: User, password: str) -> None:
    """Sets the password of who came by the link, and ends every session of theirs, in the open transaction.
    Errors: Refused for one that is no good."""
    store(user, password)
    sessions.end_all(user)
    audit.record(user, "user.password_reset", user.email)
    account_mails.send(user, "password_changed", "Your Cadence password was changed")
