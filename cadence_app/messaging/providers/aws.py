"""AWS End User Messaging: what Amazon SNS posts for it, and its API.

Sources: AWS's documentation, "SendTextMessage", "DescribeOptedOutNumbers" and "DescribePhoneNumbers" of the
SMS and Voice API, version 2 (JSON 1.0, signed by Signature Version 4 for sms-voice), "Two-way SMS message
payload", "Event types for SMS, MMS, and voice", "Example event data", "Required opt-out keywords",
"Self-managed opt-outs", and of Amazon SNS "Verifying the signatures of Amazon SNS messages".

SendTextMessage takes no key by which AWS would know a repeated post. Our key goes along as the context of a
text, which comes back with its events.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm
from cryptography.x509 import Certificate, load_pem_x509_certificate
from flask import Request, current_app
from requests_aws4auth import AWS4Auth

from cadence_app.consent.keywords import Meaning
from cadence_app.messaging.carriers.events import (
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
from cadence_app.messaging.carriers.models import CarrierAccount
from cadence_app.messaging.carriers.readings import Hints, dig, json_of, read_each
from cadence_app.messaging.providers import http, words
from cadence_app.messaging.providers.base import CannotTell, NotTaken, Outgoing, Refused, Sent

BLOCK_CODE = "DESTINATION_PHONE_NUMBER_OPTED_OUT"
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
_FATES = {
    **dict.fromkeys(("TEXT_QUEUED", "TEXT_PENDING", "TEXT_SENT"), Fate.SENT),
    # The phone's network has it, which is all that AWS learns in some countries.
    "TEXT_SUCCESSFUL": Fate.SENT,
    # AWS was told nothing for three days: it may well be on the phone.
    "TEXT_UNKNOWN": Fate.SENT,
    "TEXT_DELIVERED": Fate.DELIVERED,
    **dict.fromkeys(words.AWS_EVENTS, Fate.FAILED),
}
_CONTEXT_KEY = "cadence"
_PAGE = 100
_CONTROL = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_SIGNED_FIELDS = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": _CONTROL,
    "UnsubscribeConfirmation": _CONTROL,
}
# A topic signs by version 1 unless it is set to 2.
_HASHES: Mapping[str, type[HashAlgorithm]] = {"1": SHA1, "2": SHA256}
_CERTIFICATE_PATH = re.compile(r"/SimpleNotificationService-[0-9a-f]{8,64}\.pem")


def signed(account: CarrierAccount, request: Request) -> bool:
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
        certificate = _certificate(_base("sns", _region_of(topic)) + path)
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
    said = "".join(f"{name}\n{value}\n" for name, value in values)
    try:
        signature = base64.b64decode(str(message.get("Signature", "")), validate=True)
        key.verify(signature, said.encode(), PKCS1v15(), made_by())
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
    said = message.get("Message")
    try:
        return json.loads(said) if isinstance(said, str) else said
    except (ValueError, RecursionError):
        return said


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


class Aws:
    """Sends by the API of an account."""

    def __init__(self, account: CarrierAccount) -> None:
        self._settings = settings = account.settings
        self._url = _base("sms-voice", settings["region"]) + "/"
        self._sign = AWS4Auth(
            settings["access_key_id"], account.secret("secret_access_key"), settings["region"], "sms-voice"
        )

    def send(self, text: Outgoing) -> Sent:
        if text.media:
            # Its inbox was set up with AWS while it waited.
            raise Refused("", "AWS carries no files.")
        body = {
            "OriginationIdentity": text.from_number,
            "DestinationPhoneNumber": text.to_number,
            "MessageBody": text.body,
            # Where its events go, and its number's own message type applies.
            "ConfigurationSetName": self._settings["configuration_set"],
            "Context": {_CONTEXT_KEY: text.key},
        }
        return Sent(str(self._call("SendTextMessage", body)["MessageId"]), None)

    def find(self, text: Outgoing, known: Collection[str]) -> Sent | None:
        """AWS lists no texts. Its events bring our key back, so whoever waits may learn."""
        raise CannotTell

    def blocked_numbers(self) -> Iterator[str]:
        """The numbers (E.164) on the account's opt-out list. Errors: http.HTTPError, NotTaken, Refused."""
        query = {"OptOutListName": self._settings["opt_out_list"]}
        for each in self._pages("DescribeOptedOutNumbers", query, "OptedOutNumbers"):
            yield str(each["OptedOutNumber"])

    def self_managed_numbers(self) -> list[str]:
        """The numbers of the AWS account (E.164) whose opt outs AWS leaves to whoever sends: there it answers
        no STOP and no HELP and adds nobody to the list. Errors: http.HTTPError, NotTaken, Refused."""
        numbers = self._pages("DescribePhoneNumbers", {}, "PhoneNumbers")
        return sorted(str(each["PhoneNumber"]) for each in numbers if each.get("SelfManagedOptOutsEnabled"))

    def _pages(self, operation: str, query: Mapping[str, Any], name: str) -> Iterator[dict[str, Any]]:
        page: dict[str, Any] = {"MaxResults": _PAGE}
        while True:
            answer = self._call(operation, {**query, **page})
            yield from answer[name]
            if not answer.get("NextToken"):
                return
            page["NextToken"] = answer["NextToken"]

    def _call(self, operation: str, body: Mapping[str, Any]) -> Any:
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": f"PinpointSMSVoiceV2.{operation}",
        }
        return http.post(self._url, body, _refused, headers=headers, auth=self._sign)


def _base(service: str, region: str) -> str:
    """Where a service of AWS is. A region is letters, digits and hyphens (carriers/fields.py)."""
    return str(current_app.config["AWS_API_URL"]).format(service=service, region=region)


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
        answer = http.request("GET", _base("sns", _region_of(topic)) + "/", params=query)
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
        dig(content.get("context"), _CONTEXT_KEY),
        fate,
        at,
        code=code,
        words=words.said(code, words.AWS_EVENTS, theirs) if fate == Fate.FAILED else "",
    )


def _refused(answer: http.Response) -> Refused | NotTaken:
    content = http.json_of(answer)
    content = content if isinstance(content, dict) else {}
    kind = str(content.get("__type") or "").rpartition("#")[2]
    if kind == "ThrottlingException":
        return NotTaken("it is throttled")
    code = str(content.get("Reason") or kind or answer.status_code)
    theirs = str(content.get("Message") or content.get("message") or "")
    return Refused(code, words.said(code, words.AWS, theirs), code == BLOCK_CODE)
