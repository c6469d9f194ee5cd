"""Bandwidth's webhooks.

Source: Bandwidth's documentation, "Messaging webhooks": a JSON array of events, sent with the basic
authentication that the messaging application holds, and again for a day until it gets a 2xx.
"""

from __future__ import annotations

import hmac
from typing import Any

from flask import Request

from cadence_app.messaging.carriers.events import Malformed, Text, text_of
from cadence_app.messaging.carriers.models import CarrierAccount


def signed(account: CarrierAccount, request: Request) -> bool:
    """Whether the request has the user name and password that were agreed for the account's webhook."""
    given = request.authorization
    if given is None or given.type != "basic":
        return False
    wanted = (account.settings["webhook_user"], account.secret("webhook_password"))
    # Both are compared whatever the first says, so that the time taken does not tell which is wrong.
    matches = [
        hmac.compare_digest((said or "").encode(), right.encode())
        for said, right in zip((given.username, given.password), wanted, strict=True)
    ]
    return all(matches)


def texts(request: Request) -> list[Text]:
    """The texts among the events of a post. Errors: Malformed."""
    events: Any = request.get_json(force=True, silent=True)
    if not isinstance(events, list):
        raise Malformed("the body is no JSON array")
    try:
        return [_text(event) for event in events if event["type"] == "message-received"]
    except (KeyError, TypeError) as error:
        raise Malformed("an event lacks what Bandwidth documents") from error


def _text(event: dict[str, Any]) -> Text:
    message = event["message"]
    return text_of(
        # The number of ours that this copy of a text is for.
        to_number=message["owner"],
        from_number=message["from"],
        body=message.get("text") or "",
        carrier_message_id=message["id"],
        received_at=message.get("time") or event.get("time"),
    )
