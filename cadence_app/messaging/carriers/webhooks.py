"""The addresses that carriers post to: /webhooks/<carrier>/<key of the account>."""

from __future__ import annotations

import time

from flask import Blueprint, Response, abort, current_app, request
from sqlalchemy import text

from cadence_app.extensions import csrf, db
from cadence_app.messaging.carriers import intake
from cadence_app.messaging.carriers.models import CarrierAccount
from cadence_app.messaging.carriers.of_inbox import driver_of
from cadence_app.messaging.jobs import dispatch
from cadence_app.messaging.media.jobs import fetch_soon
from cadence_app.messaging.providers.events import NotNow
from cadence_app.messaging.providers.readings import body_of
from cadence_app.tenancy import use_tenant
from cadence_app.vault import Unreadable

blueprint = Blueprint("carrier_webhooks", __name__)

_FIND_ACCOUNT = text("SELECT tenant_id, account_id FROM find_carrier_account(:key)")
# No carrier waits for less than two seconds for an answer (docs/carriers.md); the sweep reads what is left.
_SECONDS_TO_READ = 0.5


@blueprint.post("/webhooks/<carrier>/<key>")
@csrf.exempt
def receive(carrier: str, key: str) -> Response:
    """404 for an address that is none, 403 for a post that the carrier did not sign, 413 for one too large to
    be proven, and 5xx for one that must come again. Otherwise 200, whatever is in it: what it brought is
    committed by then, and read at once unless that would take long."""
    account = _account(carrier, key)
    tenant_id, webhook = account.tenant_id, driver_of(account).webhook or abort(404)
    body_of(request)
    try:
        if not webhook.signed(account, request):
            abort(403)
        kept = intake.keep(account, webhook.events(request))
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
            dispatch(received.reply_id)
            fetch_soon(tenant_id, received.media_ids)
    thanks, content_type = webhook.thanks
    return Response(thanks, 200, mimetype=content_type)


def _account(carrier: str, key: str) -> CarrierAccount:
    found = db.session.execute(_FIND_ACCOUNT, {"key": key.replace("\x00", "")}).one_or_none()
    if found is None:
        abort(404)
    use_tenant(found.tenant_id)
    account = db.session.get_one(CarrierAccount, found.account_id)
    if account.carrier != carrier:
        abort(404)
    return account
