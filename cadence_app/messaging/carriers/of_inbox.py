"""Who carries the texts of an inbox, and of an account."""

from __future__ import annotations

from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging import providers
from cadence_app.messaging.carriers.models import CarrierAccount
from cadence_app.messaging.providers.base import Driver, Provider


def driver_of(account: CarrierAccount) -> Driver:
    """The carrier of an account. Errors: KeyError for one this installation does not know."""
    return providers.driver(account.carrier)


def account_of(inbox: Inbox) -> CarrierAccount | None:
    """The account that carries an inbox's texts, where it has one."""
    return db.session.get(CarrierAccount, inbox.carrier_account_id) if inbox.carrier_account_id else None


def carrier_of(inbox: Inbox) -> Driver:
    """Who carries this inbox's texts: the carrier of its account, or else the one it names. Errors: KeyError
    for one this installation does not know."""
    account = account_of(inbox)
    return driver_of(account) if account else providers.driver(inbox.provider)


def provider_of(inbox: Inbox) -> Provider:
    """What sends this inbox's texts. Errors: KeyError as in carrier_of()."""
    return carrier_of(inbox).client(account_of(inbox))


def lasting_provider_of(inbox: Inbox) -> Provider:
    """The same, for use in any thread and after the session's transaction. Errors: as of provider_of()."""
    account = account_of(inbox)
    if account is not None:
        # Its values stay as they are now: what is of the session would be read anew, by any thread.
        db.session.expunge(account)
        return driver_of(account).client(account)
    return carrier_of(inbox).client(None)
