"""Changing one's e-mail address: the new one counts once its link was followed. The caller commits."""

from __future__ import annotations

from cadence_app.accounts import account_mails, audit, links, passwords, service, single_sign_on, tries
from cadence_app.accounts.models import User
from cadence_app.accounts.passwords import Proof
from cadence_app.accounts.refusals import Refused
from cadence_app.accounts.tries import Kind


def ask(user: User, email: str, proof: Proof) -> None:
    """Mails a link to the new address, and word of it to the one in use. Whether somebody else has the
    address is told to who reads its mail alone.

    Errors: WrongPassword; SignInAgain; TooMany; Refused for an address that is none or the one in use, and
    where the organisation's sign-in says who has which.
    """
    address = service.normal_address(email)
    if address == user.email:
        raise Refused(f"{address} is your address already")
    if not single_sign_on.passwords_allowed():
        raise Refused("your organization's sign-in says what your address is")
    passwords.require(user, proof)
    tries.begin((Kind.MAIL, service.account_of(user)))
    user.new_email = address
    url, expires_at = links.make(user, links.Purpose.ADDRESS)
    account_mails.send(
        user,
        "address_confirm",
        "Confirm your e-mail address for Cadence",
        expires_at,
        to=address,
        url=url,
        button="Confirm the address",
        expires_at=expires_at,
    )
    account_mails.send(user, "address_asked", "Your e-mail address in Cadence is about to change")
    audit.record(user, "user.address_change_asked", user.email, new_address=(None, address))


def cancel(user: User) -> None:
    """Drops the address that waits; its link no longer works."""
    if user.new_email:
        audit.record(user, "user.address_change_dropped", user.email, new_address=(user.new_email, None))
        user.new_email = ""


def confirm(user: User) -> None:
    """Gives who came by the link the new address. Errors: AddressTaken where somebody else has it."""
    old, new = user.email, user.new_email
    service.refuse_taken(new, but=user)
    audit.record(user, "user.address_changed", new, email=(old, new))
    account_mails.send(user, "address_changed", "Your e-mail address in Cadence was changed")
    user.email, user.new_email = new, ""
    service.confirm_address(user)
