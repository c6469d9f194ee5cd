"""AWS at its other end: its API, and the topic of Amazon SNS (sns.py)."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Sequence
from typing import Any

from tests.messaging.carriers import sns
from tests.messaging.carriers.ends.base import SECRET, Asked, FarEnd, Post

# What is registered at a number of AWS's: its own words, and two that the account's owner added to opt in.
_REGISTERED = (
    *("ARRET", "CANCEL", "END", "OPT-OUT", "OPTOUT", "QUIT", "REMOVE", "STOP", "TD", "UNSUBSCRIBE"),
    *("HELP", "START", "UNSTOP"),
)


class AwsEnd(FarEnd):
    code = "aws"
    failure = ("TEXT_CARRIER_BLOCKED", "The phone's network blocks texts to it.")
    block = (400, "DESTINATION_PHONE_NUMBER_OPTED_OUT")
    takes_files = False
    has_list = True
    id_path = ("inboundMessageId",)
    wrong = ("region", "evil.example/", "Region")

    def values(self) -> dict[str, str]:
        return {
            "region": sns.REGION,
            "access_key_id": sns.ACCESS_KEY_ID,
            "secret_access_key": SECRET,
            "opt_out_list": "Default",
            "configuration_set": "cadence",
            "topic_arn": sns.TOPIC,
        }

    def event(
        self, number: str, body: str, message_id: str, to: str, files: Sequence[tuple[str, str]], **more: Any
    ) -> dict[str, Any]:
        word = body.strip().upper()
        text = {
            "originationNumber": number,
            "destinationNumber": to,
            "messageKeyword": word if word in _REGISTERED else "KEYWORD_123456789012",
            "messageBody": body,
            "inboundMessageId": message_id,
            "previousPublishedMessageId": "862a8790-60c0-4430-9b2b-658bdexample",
        }
        return text | more

    def posted(self, event: Any, address: str = "") -> Post:
        return self.of_topic(sns.notification(event))

    def proven(self, body: str, address: str = "") -> Post:
        digest = hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()
        return self.of_topic(sns.notification(body, MessageId=digest))

    def receipt(self, address: str, message_id: str, key: str, to: str, fate: str, code: str) -> Post:
        kind = {"sent": "TEXT_SUCCESSFUL", "delivered": "TEXT_DELIVERED"}.get(fate, code)
        event = {"eventType": kind, "eventTimestamp": 1686975103470, "messageId": message_id}
        return self.posted(event | {"context": {"cadence": key}})

    def of_topic(self, message: bytes) -> Post:
        """As SNS posts it: JSON, under this type, which proves itself."""
        return Post(message, {"Content-Type": "text/plain; charset=UTF-8"})

    @classmethod
    def serves(cls, path: str) -> bool:
        return path == "/" or path.endswith(".pem")

    @classmethod
    def post(cls, asked: Asked, raw: str) -> None:
        assert asked.headers["Content-Type"] == "application/x-amz-json-1.0"
        assert sns.well_signed("POST", "/", asked.headers, raw.encode(), SECRET)
        told, api = json.loads(raw), asked.api
        operation = asked.headers["X-Amz-Target"].removeprefix("PinpointSMSVoiceV2.")
        if operation == "SendTextMessage":
            sender, to = told["OriginationIdentity"], told["DestinationPhoneNumber"]
            text = (sender, to, told["MessageBody"], told["Context"]["cadence"], uuid.uuid4().hex)
            asked.take(text, {"MessageId": text[4]}, _refusal)
        elif operation == "DescribeOptedOutNumbers":
            assert told["OptOutListName"] == "Default"
            listed = [{"OptedOutNumber": number, "EndUserOptedOut": True} for number in api.blocked]
            _page(asked, told, "OptedOutNumbers", listed)
        else:
            assert operation == "DescribePhoneNumbers"
            owned = [{"PhoneNumber": each, "SelfManagedOptOutsEnabled": True} for each in api.self_managed]
            others = [
                {"PhoneNumber": f"+1212555010{n}", "SelfManagedOptOutsEnabled": False} for n in range(3)
            ]
            _page(asked, told, "PhoneNumbers", [*others, *owned])

    @classmethod
    def get(cls, asked: Asked) -> None:
        api = asked.api
        if asked.path == "/":
            api.confirmed.append(asked.query)
            asked.answer(api.plan.pop(0) if api.plan else 200, {})
            return
        api.certificates_asked.append(asked.path)
        certificate = sns.CERTIFICATES.get(asked.path)
        asked.answer(200 if certificate else 404, certificate or {})


def _page(asked: Asked, told: dict[str, Any], name: str, items: list[dict[str, Any]]) -> None:
    assert 1 <= told["MaxResults"] <= 100
    start, size = int(told.get("NextToken", 0)), 2
    more = {"NextToken": str(start + size)} if start + size < len(items) else {}
    asked.answer(200, {name: items[start : start + size], **more})


def _refusal(status: int, code: str) -> dict[str, Any]:
    kind = code if code.endswith("Exception") else "ConflictException"
    named = {"__type": f"com.amazonaws.pinpointsmsvoicev2#{kind}", "Message": "It is not possible."}
    return named if kind == code else {**named, "Reason": code}
