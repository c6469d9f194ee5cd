"""Who carries a text: one file a provider."""

from __future__ import annotations

from collections.abc import Callable

from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.carriers.models import Carrier, CarrierAccount
from cadence_app.messaging.providers import aws, bandwidth, telnyx, twilio
from cadence_app.messaging.providers.base import Provider
from cadence_app.messaging.providers.simulator import Simulator

_PROVIDERS: dict[str, Provider] = {"simulator": Simulator()}
_CARRIERS: dict[Carrier, Callable[[CarrierAccount], Provider]] = {
    Carrier.TWILIO: twilio.Twilio,
    Carrier.TELNYX: telnyx.Telnyx,
    Carrier.BANDWIDTH: bandwidth.Bandwidth,
    Carrier.AWS: aws.Aws,
}
# AWS takes files only from a bucket of the sender's own (SendMediaMessage, AWS's API reference).
_TEXT_ONLY = {Carrier.AWS}


def provider_of(inbox: Inbox) -> Provider:
    """Who carries this inbox's texts: its carrier account, or else the provider it names. Errors: KeyError
    for one this installation does not know."""
    if inbox.carrier_account_id:
        account = db.session.get_one(CarrierAccount, inbox.carrier_account_id)
        return _CARRIERS[Carrier(account.carrier)](account)
    return _PROVIDERS[inbox.provider]


def sends_files(inbox: Inbox) -> bool:
    """Whether who carries this inbox's texts takes files with them."""
    account = db.session.get(CarrierAccount, inbox.carrier_account_id) if inbox.carrier_account_id else None
    return account is None or account.carrier not in _TEXT_ONLY


def register(name: str, provider: Provider) -> None:
    """Makes a provider known by a name that inboxes have."""
    _PROVIDERS[name] = provider
