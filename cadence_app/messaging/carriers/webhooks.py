"""The addresses that carriers post to: /webhooks/<carrier>/<key of the account>."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, Request, Response, abort, current_app, request
from sqlalchemy import text

from cadence_app.extensions import csrf, db
from cadence_app.messaging.carriers import intake
from cadence_app.messaging.carriers.events import NotNow, Receipt, Text, Unread
from cadence_app.messaging.carriers.models import Carrier, CarrierAccount
from cadence_app.messaging.carriers.readings import body_of
from cadence_app.messaging.jobs import dispatch
from cadence_app.messaging.media.jobs import fetch_soon
from cadence_app.messaging.providers import aws, bandwidth, telnyx, twilio
from cadence_app.tenancy import use_tenant
from cadence_app.vault import Unreadable

blueprint = Blueprint("carrier_webhooks", __name__)

_FIND_ACCOUNT = text("SELECT tenant_id, account_id FROM find_carrier_account(:key)")
# Telnyx waits two seconds for an answer; the sweep reads what is left.
_SECONDS_TO_READ = 0.5


@dataclass(frozen=True)
class _Scheme:
    """How a carrier's posts are proven and read, and what it wants as an answer."""

    signed: Callable[[CarrierAccount, Request], bool]
    events: Callable[[Request], list[Text | Receipt | Unread]]
    answer: str = ""
    answer_type: str = "text/plain"


_SCHEMES = {
    # An empty TwiML document: nothing to say to the sender.
    Carrier.TWILIO: _Scheme(twilio.signed, twilio.events, "<Response/>", "text/xml"),
    Carrier.TELNYX: _Scheme(telnyx.signed, telnyx.events),
    Carrier.BANDWIDTH: _Scheme(bandwidth.signed, bandwidth.events),
    Carrier.AWS: _Scheme(aws.signed, aws.events),
}


@blueprint.post("/webhooks/<carrier>/<key>")
@csrf.exempt
def receive(carrier: str, key: str) -> Response:
    """404 for an address that is none, 403 for a post that the carrier did not sign, 413 for one too large to
    be proven, and 5xx for one that must come again. Otherwise 200, whatever is in it: what it brought is
    committed by then, and read at once unless that would take long."""
    account = _account(carrier, key)
    tenant_id, scheme = account.tenant_id, _SCHEMES[Carrier(account.carrier)]
    body_of(request)
    try:
        if not scheme.signed(account, request):
            abort(403)
        kept = intake.keep(account, scheme.events(request))
    except Unreadable:
        current_app.logger.exception("the secrets of carrier account %s can't be read", account.id)
        abort(503)
    except NotNow as error:
        current_app.logger.warning("a post for carrier account %s must come again: %s", account.id, error)
        abort(503)
    until = time.monotonic() + _SECONDS_TO_READ
    for event_id in kept:
        received = intake.take_in(event_id) if time.monotonic() < until else None
        if received:
            dispatch(tenant_id, received.reply_id)
            fetch_soon(tenant_id, received.media_ids)
    return Response(scheme.answer, 200, mimetype=scheme.answer_type)


def _account(carrier: str, key: str) -> CarrierAccount:
    found = db.session.execute(_FIND_ACCOUNT, {"key": key.replace("\x00", "")}).one_or_none()
    if found is None:
        abort(404)
    use_tenant(found.tenant_id)
    account = db.session.get_one(CarrierAccount, found.account_id)
    if account.carrier != carrier:
        abort(404)
    return account
