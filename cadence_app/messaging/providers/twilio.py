"""Twilio's webhooks.

Source: Twilio's documentation, "Webhooks request security" and "TwiML for programmable SMS".
"""

from __future__ import annotations

from flask import Request, current_app
from twilio.request_validator import RequestValidator

from cadence_app.consent.keywords import Meaning
from cadence_app.messaging.carriers.events import Malformed, Text, text_of
from cadence_app.messaging.carriers.models import CarrierAccount

# Advanced Opt-Out's word for what it took a text for and answered.
_OPT_OUT_TYPES = {"STOP": Meaning.OUT, "START": Meaning.IN, "HELP": Meaning.HELP}


def signed(account: CarrierAccount, request: Request) -> bool:
    """Whether Twilio signed this form with the account's token: over the public address it was sent to, which
    behind a proxy is not the one we see, and all its fields."""
    address = current_app.config["PUBLIC_URL"] + request.full_path.removesuffix("?")
    signature = request.headers.get("X-Twilio-Signature", "")
    validator = RequestValidator(account.secret("auth_token"))
    return bool(validator.validate(address, request.form, signature))


def texts(request: Request) -> list[Text]:
    """The text in a form; none where it is about something else. Errors: Malformed."""
    form = request.form
    if "MessageSid" not in form and "SmsMessageSid" not in form:
        raise Malformed("there is no MessageSid")
    return [
        text_of(
            to_number=form.get("To"),
            from_number=form.get("From"),
            body=form.get("Body", ""),
            carrier_message_id=form.get("MessageSid") or form.get("SmsMessageSid"),
            received_at=None,
            answered=_OPT_OUT_TYPES.get(form.get("OptOutType", "")),
        )
    ]
