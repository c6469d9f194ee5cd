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
    where its webhook address goes, and what becomes of a text that could not be brought there."""

    name: str
    fields: tuple[Field, ...]
    answers: tuple[KeywordAnswers, ...]
    where: str
    missed: str


def _account_sid(value: str) -> bool:
    return re.fullmatch("AC[0-9a-fA-F]{32}", value) is not None


def _ed25519_key(value: str) -> bool:
    try:
        return len(base64.b64decode(value, validate=True)) == 32
    except (binascii.Error, ValueError):
        return False


def _like(pattern: str) -> Callable[[str], bool]:
    return lambda value: re.fullmatch(pattern, value, re.ASCII) is not None


# A region becomes a part of the address that AWS is called at.
_REGION = r"[a-z]{2}(-[a-z]{2,12}){1,2}-\d{1,2}"

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
        "Twilio posts a text once, and tries again within seconds only where it is told to: add #rc=5&rp=all "
        "at the end of the address in its console. For longer it has Primary handler fails, which takes the "
        "address of a second server. Cadence asks Twilio every hour, and after it was down, for what came.",
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
        "Telnyx tries three times, and then the failover URL of the messaging profile where there is one. "
        "Cadence asks Telnyx every hour, and after it was down, for what came. Telnyx has the words of a "
        "text for ten days.",
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
        "Bandwidth posts a text again for 24 hours until it is answered, and keeps no words, so Cadence can "
        "not ask for them. What came in a longer gap is lost to Cadence: ask Bandwidth's support, or the "
        "people whom you texted in that time.",
    ),
    Carrier.AWS: CarrierKind(
        "AWS End User Messaging",
        (
            Field("region", "Region", "Where the numbers are, such as us-east-1", False, _like(_REGION)),
            Field(
                "access_key_id",
                "Access key ID",
                "Of an IAM user who may SendTextMessage, DescribeOptedOutNumbers and DescribePhoneNumbers",
                False,
                _like("[A-Z0-9]{16,128}"),
            ),
            Field("secret_access_key", "Secret access key", "Beside the access key ID, shown once", True),
            Field(
                "opt_out_list",
                "Opt-out list name",
                "The list that the numbers use; it is called Default unless you made one",
                False,
                _like(r"[\w:/-]{1,256}"),
            ),
            Field(
                "configuration_set",
                "Configuration set name",
                "The one whose event destination is the topic, for all events of texts",
                False,
                _like(r"[\w:/-]{1,256}"),
            ),
            Field(
                "topic_arn",
                "Topic ARN",
                "The SNS topic for the events and for two-way messages of every number",
                False,
                _like(rf"arn:aws[a-z-]{{0,20}}:sns:{_REGION}:\d{{12}}:[\w-]{{1,256}}"),
            ),
        ),
        (KeywordAnswers.BUILT_IN, KeywordAnswers.OURS),
        "In Amazon SNS, subscribe it to the topic with the protocol HTTPS and without raw message delivery; "
        "Cadence confirms it by itself. Then turn on two-way messages to that topic at each number, and "
        "self-managed opt outs: what AWS answers by itself, such as a STOP, it may not pass on.",
        "Amazon SNS tries a few times within a minute. Give the subscription a delivery policy with retries "
        "over an hour, the most that SNS allows, and a dead-letter queue, which keeps what could not be "
        "brought for up to 14 days. AWS lists no texts, so Cadence can not ask for them.",
    ),
}

ANSWER_NAMES = {
    KeywordAnswers.OURS: "Cadence answers STOP, START and HELP",
    KeywordAnswers.BUILT_IN: "The carrier answers its usual words; Cadence answers only your own",
    KeywordAnswers.TOLD: "Advanced Opt-Out: Twilio says with each text whether it has answered",
}
