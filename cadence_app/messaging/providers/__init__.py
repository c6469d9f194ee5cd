"""Who carries a text: one file a provider."""

from __future__ import annotations

from collections.abc import Callable

from cadence_app.extensions import db
from cadence_app.messaging.carriers.models import Carrier, CarrierAccount
from cadence_app.messaging.models import Inbox
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


def provider_of(inbox: Inbox) -> Provider:
    """Who carries this inbox's texts: its carrier account, or else the provider it names. Errors: KeyError
    for one this installation does not know."""
    if inbox.carrier_account_id:
        account = db.session.get_one(CarrierAccount, inbox.carrier_account_id)
        return _CARRIERS[Carrier(account.carrier)](account)
    return _PROVIDERS[inbox.provider]


def register(name: str, provider: Provider) -> None:
    """Makes a provider known by a name that inboxes have."""
    _PROVIDERS[name] = provider
