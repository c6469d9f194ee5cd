"""The API of AWS End User Messaging: sending, its list of opt outs, and its numbers.

Sources: AWS's documentation, "SendTextMessage", "DescribeOptedOutNumbers" and "DescribePhoneNumbers" of the
SMS and Voice API, version 2 (JSON 1.0, signed by Signature Version 4 for sms-voice), with the reasons of its
exceptions.

SendTextMessage takes no key by which AWS would know a repeated post. Our key goes along as the context of a
text, which comes back with its events.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from requests_aws4auth import AWS4Auth

from cadence_app.messaging.providers import http
from cadence_app.messaging.providers.aws.places import CONTEXT_KEY, place_of
from cadence_app.messaging.providers.base import (
    BLOCKED,
    Account,
    CannotTell,
    NotTaken,
    Outgoing,
    Refused,
    Sent,
    said,
)

_BLOCK_CODE = "DESTINATION_PHONE_NUMBER_OPTED_OUT"
_ERRORS = {
    "ACCOUNT_DISABLED": "AWS has disabled the account.",
    "DESTINATION_COUNTRY_BLOCKED": "The account may not text to that country.",
    "DESTINATION_PHONE_NUMBER_NOT_VERIFIED": "The account is in AWS's sandbox: verified numbers only.",
    "DESTINATION_PHONE_NUMBER_OPTED_OUT": BLOCKED,
    "INSUFFICIENT_ACCOUNT_REPUTATION": "AWS has paused the account for the complaints about it.",
    "MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT": "The account's spending limit for this month is reached.",
    "NO_ORIGINATION_IDENTITIES_FOUND": "Your number is not in the account.",
}
_PAGE = 100


class Aws:
    """Sends by the API of an account."""

    def __init__(self, account: Account) -> None:
        self._settings = settings = account.settings
        self._url = place_of("sms-voice", settings["region"]) + "/"
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
            "Context": {CONTEXT_KEY: text.key},
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


def _refused(answer: http.Response) -> Refused | NotTaken:
    content = http.json_of(answer)
    content = content if isinstance(content, dict) else {}
    kind = str(content.get("__type") or "").rpartition("#")[2]
    if kind == "ThrottlingException":
        return NotTaken("it is throttled")
    code = str(content.get("Reason") or kind or answer.status_code)
    theirs = str(content.get("Message") or content.get("message") or "")
    return Refused(code, said(code, _ERRORS, theirs), code == _BLOCK_CODE)
