"""What Amazon SNS posts for AWS End User Messaging: its proof, and the texts and receipts in it.

Sources: AWS's documentation, "Two-way SMS message payload", "Event types for SMS, MMS, and voice", "Example
event data", "Required opt-out keywords" and "Self-managed opt-outs", and of Amazon SNS "Verifying the
signatures of Amazon SNS messages".
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm
from cryptography.x509 import Certificate, load_pem_x509_certificate
from flask import Request, current_app

from cadence_app.consent.keywords import Meaning
from cadence_app.messaging.providers import http
from cadence_app.messaging.providers.aws.places import CONTEXT_KEY, place_of
from cadence_app.messaging.providers.base import Account, said
from cadence_app.messaging.providers.events import (
    Fate,
    Malformed,
    NotNow,
    Other,
    Receipt,
    Text,
    Unread,
    receipt_of,
    text_of,
)
from cadence_app.messaging.providers.readings import Hints, dig, json_of, read_each

# What AWS acts on by itself at a number whose opt outs are not self-managed.
KEYWORDS: Mapping[str, Meaning] = {
    **dict.fromkeys(
        ("arret", "cancel", "end", "opt-out", "optout", "quit", "remove", "stop", "td", "unsubscribe"),
        Meaning.OUT,
    ),
    "help": Meaning.HELP,
}
# What may be registered at a number to take people off the list. Where it is not, somebody must do that in
# AWS's console, which tells nobody.
OPT_IN_WORDS = frozenset({"start", "unstop"})
_REGISTERED = {**KEYWORDS, **dict.fromkeys(OPT_IN_WORDS, Meaning.IN)}
_FAILURES = {
    "TEXT_BLOCKED": "The phone or its network blocks texts to it.",
    "TEXT_CARRIER_BLOCKED": "The phone's network blocks texts to it.",
    "TEXT_CARRIER_UNREACHABLE": "The phone's network is out of reach.",
    "TEXT_INVALID": "This is no telephone number that can be texted.",
    "TEXT_INVALID_MESSAGE": "The phone's network does not take what the text says.",
    "TEXT_PROTECT_BLOCKED": "The account's own protect rules in AWS block this number.",
    "TEXT_SPAM": "The carrier took it for spam.",
    "TEXT_TTL_EXPIRED": "It could not be delivered in time.",
    "TEXT_UNREACHABLE": "The phone is off or out of reach.",
}
_FATES = {
    **dict.fromkeys(("TEXT_QUEUED", "TEXT_PENDING", "TEXT_SENT"), Fate.SENT),
    # The phone's network has it, which is all that AWS learns in some countries.
    "TEXT_SUCCESSFUL": Fate.SENT,
    # AWS was told nothing for three days: it may well be on the phone.
    "TEXT_UNKNOWN": Fate.SENT,
    "TEXT_DELIVERED": Fate.DELIVERED,
    **dict.fromkeys(_FAILURES, Fate.FAILED),
}
_CONTROL = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_SIGNED_FIELDS = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": _CONTROL,
    "UnsubscribeConfirmation": _CONTROL,
}
# A topic signs by version 1 unless it is set to 2.
_HASHES: Mapping[str, type[HashAlgorithm]] = {"1": SHA1, "2": SHA256}
_CERTIFICATE_PATH = re.compile(r"/SimpleNotificationService-[0-9a-f]{8,64}\.pem")


def signed(account: Account, request: Request) -> bool:
    """Whether Amazon SNS signed this message of the account's topic. Anybody may let a topic of their own
    post here, signed as well, so no other is taken. The certificate comes from SNS in the topic's region.

    Errors: NotNow where it is out of reach.
    """
    message, topic = _message(request), account.settings["topic_arn"]
    host = f"https://sns.{_region_of(topic)}.amazonaws.com"
    address = str(message.get("SigningCertURL", ""))
    path = address.removeprefix(host)
    if message.get("TopicArn") != topic or path == address or not _CERTIFICATE_PATH.fullmatch(path):
        return False
    try:
        certificate = _certificate(place_of("sns", _region_of(topic)) + path)
    except http.HTTPStatusError as error:
        if error.response.is_client_error:
            return False
        raise NotNow("the certificate of Amazon SNS is out of reach") from error
    except http.HTTPError as error:
        raise NotNow("the certificate of Amazon SNS is out of reach") from error
    except ValueError:
        return False
    in_force = certificate.not_valid_before_utc <= datetime.now(UTC) <= certificate.not_valid_after_utc
    return in_force and signed_by(message, certificate)


def signed_by(message: Mapping[str, Any], certificate: Certificate) -> bool:
    """Whether a message of Amazon SNS has a signature by this certificate's key."""
    names = _SIGNED_FIELDS.get(str(message.get("Type")), ())
    values = [(name, message[name]) for name in names if message.get(name) is not None]
    made_by, key = _HASHES.get(str(message.get("SignatureVersion"))), certificate.public_key()
    if not values or made_by is None or not isinstance(key, RSAPublicKey):
        return False
    signed_text = "".join(f"{name}\n{value}\n" for name, value in values)
    try:
        signature = base64.b64decode(str(message.get("Signature", "")), validate=True)
        key.verify(signature, signed_text.encode(), PKCS1v15(), made_by())
    except (InvalidSignature, ValueError):
        return False
    return True


def events(request: Request) -> list[Text | Receipt | Unread]:
    """The text or the receipt in a message of the topic, or what can't be read of it; none where nothing is
    to be done. A request to confirm the topic's subscription is granted. Errors: NotNow."""
    message = _message(request)
    if message.get("Type") == "SubscriptionConfirmation":
        _confirm(message)
    if message.get("Type") == "UnsubscribeConfirmation":
        current_app.logger.warning("%s does not post here any more", message.get("TopicArn"))
    if message.get("Type") != "Notification":
        return []
    return read_each(
        [_content(message)],
        lambda content: _event(message, content),
        lambda content: _hints(message, content),
        request.get_data(),
    )


def _content(message: Mapping[str, Any]) -> Any:
    """What the topic was told, which is JSON in a string; the string itself where it is none."""
    told = message.get("Message")
    try:
        return json.loads(told) if isinstance(told, str) else told
    except (ValueError, RecursionError):
        return told


def _event(message: Mapping[str, Any], content: Any) -> Text | Receipt | None:
    if not isinstance(content, dict):
        raise Malformed("it is not as AWS documents")
    if "inboundMessageId" in content:
        return _text(message, content)
    kind = content.get("eventType")
    if not isinstance(kind, str):
        raise Malformed("it does not say what it is about")
    fate = _FATES.get(kind)
    if fate is None:
        raise Other
    return _receipt(content, fate)


def _hints(message: Mapping[str, Any], content: Any) -> Hints:
    # A message that SNS posts again has the same id too.
    ids = (dig(content, "inboundMessageId"), message.get("MessageId"))
    return Hints(
        next((each for each in ids if each and isinstance(each, str)), None),
        dig(content, "originationNumber"),
        dig(content, "destinationNumber"),
        content if isinstance(content, str) else dig(content, "messageBody"),
        message.get("Timestamp"),
    )


def _region_of(topic_arn: str) -> str:
    return topic_arn.split(":")[3]


def _message(request: Request) -> dict[str, Any]:
    try:
        message = json_of(request)
    except Malformed:
        return {}
    return message if isinstance(message, dict) else {}


@lru_cache(maxsize=32)
def _certificate(address: str) -> Certificate:
    """Errors: http.HTTPError, ValueError."""
    answer = http.request("GET", address)
    answer.raise_for_status()
    return load_pem_x509_certificate(answer.content)


def _confirm(message: Mapping[str, Any]) -> None:
    """Confirms a subscription by its token, at SNS itself: no address that a message names is visited."""
    topic = str(message.get("TopicArn"))
    query = {"Action": "ConfirmSubscription", "TopicArn": topic, "Token": str(message.get("Token"))}
    try:
        answer = http.request("GET", place_of("sns", _region_of(topic)) + "/", params=query)
        answer.raise_for_status()
    except http.HTTPError as error:
        raise NotNow("Amazon SNS did not take the confirmation") from error
    current_app.logger.info("the subscription of %s is confirmed", topic)


def _text(message: Mapping[str, Any], content: Mapping[str, Any]) -> Text:
    return text_of(
        to_number=content.get("destinationNumber"),
        from_number=content.get("originationNumber"),
        body=content.get("messageBody") or "",
        carrier_message_id=content.get("inboundMessageId"),
        # The text has no time of its own.
        received_at=message.get("Timestamp"),
        # The keyword of the number that AWS found in it and acted on; else one that stands for no keyword.
        answered=_REGISTERED.get(str(content.get("messageKeyword") or "").strip().casefold()),
    )


def _receipt(content: Mapping[str, Any], fate: Fate) -> Receipt:
    code = content["eventType"] if fate == Fate.FAILED else ""
    theirs = str(content.get("messageStatusDescription") or "")
    try:
        at = datetime.fromtimestamp(content["eventTimestamp"] / 1000, UTC).isoformat()
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        at = None
    return receipt_of(
        content.get("messageId"),
        dig(content.get("context"), CONTEXT_KEY),
        fate,
        at,
        code=code,
        words=said(code, _FAILURES, theirs) if fate == Fate.FAILED else "",
    )
