"""What each carrier's account needs, and what its users call it."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass

from cadence_app.messaging.carriers.models import Carrier, KeywordAnswers


@dataclass(frozen=True)
class Field:
    """One value of an account. A `secret` one is never shown again; `right` is a check of its form."""

    name: str
    label: str
    hint: str
    secret: bool = False
    right: Callable[[str], bool] = bool


@dataclass(frozen=True)
class CarrierKind:
    """A carrier: how it is called, what is asked for, who may answer keywords (the first is the usual one),
    and where its webhook address goes."""

    name: str
    fields: tuple[Field, ...]
    answers: tuple[KeywordAnswers, ...]
    where: str


def _account_sid(value: str) -> bool:
    return re.fullmatch("AC[0-9a-fA-F]{32}", value) is not None


def _ed25519_key(value: str) -> bool:
    try:
        return len(base64.b64decode(value, validate=True)) == 32
    except (binascii.Error, ValueError):
        return False


CARRIERS = {
    Carrier.TWILIO: CarrierKind(
        "Twilio",
        (
            Field(
                "account_sid",
                "Account SID",
                "Begins with AC, on the console's first page",
                False,
                _account_sid,
            ),
            Field(
                "auth_token", "Auth token", "Beside the account SID. It also proves what Twilio sends", True
            ),
        ),
        (KeywordAnswers.BUILT_IN, KeywordAnswers.TOLD, KeywordAnswers.OURS),
        "In Twilio's console, open the number or the Messaging Service and enter it under A message comes "
        "in, as a webhook with HTTP POST.",
    ),
    Carrier.TELNYX: CarrierKind(
        "Telnyx",
        (
            Field("public_key", "Public key", "Under Keys & Credentials in the portal", False, _ed25519_key),
            Field("messaging_profile_id", "Messaging profile ID", "The profile that the numbers are in"),
            Field("api_key", "API key", "Under API Keys in the portal", True),
        ),
        (KeywordAnswers.BUILT_IN, KeywordAnswers.OURS),
        "In Telnyx's portal, open the messaging profile and enter it as the inbound webhook URL.",
    ),
    Carrier.BANDWIDTH: CarrierKind(
        "Bandwidth",
        (
            Field("account_id", "Account ID", "On the dashboard's first page"),
            Field("application_id", "Messaging application ID", "The application that the numbers are in"),
            Field("api_user", "API user", "A user who may use the messaging API"),
            Field("api_password", "API password", "That user's password", True),
            Field("webhook_user", "Webhook user name", "Make one up and enter it in the application too"),
            Field("webhook_password", "Webhook password", "Make up a long one and enter it there too", True),
        ),
        (KeywordAnswers.OURS, KeywordAnswers.BUILT_IN),
        "In Bandwidth's dashboard, open the messaging application and enter it as the inbound callback URL, "
        "with the user name and password you chose here.",
    ),
}

ANSWER_NAMES = {
    KeywordAnswers.OURS: "Cadence answers STOP, START and HELP",
    KeywordAnswers.BUILT_IN: "The carrier answers its usual words; Cadence answers only your own",
    KeywordAnswers.TOLD: "Advanced Opt-Out: Twilio says with each text whether it has answered",
}
