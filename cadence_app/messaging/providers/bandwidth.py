"""Bandwidth: its webhooks and its API.

Sources: Bandwidth's documentation, "Messaging webhooks" (a JSON array of events, sent with the basic
authentication that the messaging application holds, and again for a day until it gets a 2xx), "Create
message" and "Media".
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Mapping
from typing import Any

from flask import Request

from cadence_app.consent.keywords import Meaning
from cadence_app.messaging.providers import http
from cadence_app.messaging.providers.base import (
    Account,
    CannotTell,
    Driver,
    Field,
    KeywordAnswers,
    MediaPlace,
    Outgoing,
    Refused,
    Sent,
    Webhook,
    said,
)
from cadence_app.messaging.providers.events import (
    Fate,
    Malformed,
    Media,
    Other,
    Receipt,
    Text,
    Unread,
    media_of,
    receipt_of,
    text_of,
)
from cadence_app.messaging.providers.readings import Hints, dig, json_of, read_each, unread_body

# Bandwidth leaves keywords to whoever sends, unless it was asked to answer the usual ones.
_KEYWORDS: Mapping[str, Meaning] = {
    **dict.fromkeys(("stop", "stopall", "unsubscribe", "cancel", "end", "quit"), Meaning.OUT),
    **dict.fromkeys(("start", "unstop"), Meaning.IN),
    **dict.fromkeys(("help", "info"), Meaning.HELP),
}
_FATES = {
    "message-sending": Fate.SENT,
    "message-delivered": Fate.DELIVERED,
    "message-failed": Fate.FAILED,
}


def signed(account: Account, request: Request) -> bool:
    """Whether the request has the user name and password that were agreed for the account's webhook."""
    given = request.authorization
    if given is None or given.type != "basic":
        return False
    wanted = (account.settings["webhook_user"], account.secret("webhook_password"))
    # Both are compared whatever the first says, so that the time taken does not tell which is wrong.
    matches = [
        hmac.compare_digest((each or "").encode(), right.encode())
        for each, right in zip((given.username, given.password), wanted, strict=True)
    ]
    return all(matches)


def events(request: Request) -> list[Text | Receipt | Unread]:
    """The texts and receipts among the events of a post, and those that can't be read."""
    body = request.get_data()
    try:
        posted = json_of(request)
    except Malformed as error:
        return [unread_body(body, str(error))]
    return read_each(posted if isinstance(posted, list) else [posted], _event, _hints, body)


def media_at(account: Account, url: str) -> MediaPlace:
    """Where a file is fetched: Bandwidth's store wants the name and password of the API's user."""
    if not url.startswith(f"{DRIVER.url()}/"):
        return MediaPlace(url, own=False)
    user = (account.settings["api_user"], account.secret("api_password"))
    return MediaPlace(url, own=True, user=user)


class Bandwidth:
    """Sends by the API of an account."""

    def __init__(self, account: Account) -> None:
        base, settings = DRIVER.url(), account.settings
        self._url = f"{base}/api/v2/users/{settings['account_id']}/messages"
        self._application_id = settings["application_id"]
        self._user = (settings["api_user"], account.secret("api_password"))

    def send(self, text: Outgoing) -> Sent:
        body: dict[str, Any] = {
            "from": text.from_number,
            "to": [text.to_number],
            "text": text.body,
            "applicationId": self._application_id,
            "tag": text.key,
        }
        if text.media:
            body["media"] = list(text.media)
        return Sent(str(http.post(self._url, body, _refused, auth=self._user)["id"]), None)

    def find(self, text: Outgoing, known: Collection[str]) -> Sent | None:
        """Bandwidth lists no texts by our key. Its events bring the key back, so whoever waits may learn."""
        raise CannotTell


def _event(event: Any) -> Text | Receipt | None:
    kind, message = dig(event, "type"), dig(event, "message")
    fate = _FATES.get(kind) if isinstance(kind, str) else None
    if fate is None and kind != "message-received":
        raise Other if isinstance(kind, str) else Malformed("it does not say what it is about")
    if not isinstance(message, dict):
        raise Malformed("there is no message in it")
    if fate is None:
        return text_of(
            # The number of ours that this copy of a text is for.
            to_number=message.get("owner"),
            from_number=message.get("from"),
            body=message.get("text") or "",
            carrier_message_id=message.get("id"),
            received_at=message.get("time") or event.get("time"),
            media=_media(message.get("media")),
        )
    code = str(event.get("errorCode") or "") if fate == Fate.FAILED else ""
    theirs = str(event.get("description") or "")
    return receipt_of(
        message.get("id"),
        message.get("tag"),
        fate,
        event.get("time"),
        code=code,
        words=said(code, {}, theirs) if fate == Fate.FAILED else "",
    )


def _hints(event: Any) -> Hints:
    message = dig(event, "message")
    return Hints(
        dig(message, "id"),
        dig(message, "from"),
        dig(message, "owner") or dig(event, "to"),
        dig(message, "text"),
        dig(message, "time") or dig(event, "time"),
    )


def _media(listed: Any) -> tuple[Media, ...]:
    """The files of a message, of which only the addresses are named."""
    return tuple(media_of(url) for url in listed) if isinstance(listed, list) else ()


def _refused(answer: http.Response) -> Refused:
    content = http.json_of(answer)
    content = content if isinstance(content, dict) else {}
    code = str(content.get("type") or answer.status_code)
    return Refused(code, said(code, {}, str(content.get("description") or "")))


DRIVER = Driver(
    code="bandwidth",
    name="Bandwidth",
    client=Bandwidth,
    home="https://messaging.bandwidth.com",
    fields=(
        Field("account_id", "Account ID", "On the dashboard's first page"),
        Field("application_id", "Messaging application ID", "The application that the numbers are in"),
        Field("api_user", "API user", "A user who may use the messaging API"),
        Field("api_password", "API password", "That user's password", secret=True),
        Field("webhook_user", "Webhook user name", "Make one up and enter it in the application too"),
        Field(
            "webhook_password", "Webhook password", "Make up a long one and enter it there too", secret=True
        ),
    ),
    answers=(KeywordAnswers.OURS, KeywordAnswers.BUILT_IN),
    where="In Bandwidth's dashboard, open the messaging application and enter it as the inbound callback "
    "URL, with the user name and password you chose here.",
    missed="Bandwidth posts a text again for 24 hours until it is answered, and keeps no words, so Cadence "
    "cannot ask for them. What came in a longer gap is lost to Cadence: ask Bandwidth's support, or the "
    "people whom you texted in that time.",
    webhook=Webhook(signed, events),
    keywords=_KEYWORDS,
    media_at=media_at,
)
