"""Twilio: its webhooks and its API.

Sources: Twilio's documentation, "Webhooks request security", "TwiML for programmable SMS", "Message
resource", "Media resource", "Outbound message status in status callbacks" and "Customize opt-out keywords".
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from logging import getLogger
from typing import Any
from urllib.parse import quote

from flask import Request, current_app
from twilio.base import values
from twilio.base.exceptions import TwilioRestException
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.rest.api.v2010.account.message import MessageInstance

from cadence_app.consent.keywords import Meaning
from cadence_app.messaging.carriers.events import (
    Fate,
    Malformed,
    Media,
    Receipt,
    Text,
    Unread,
    media_of,
    receipt_of,
    text_of,
)
from cadence_app.messaging.carriers.models import CarrierAccount, KeywordAnswers
from cadence_app.messaging.carriers.readings import Hints, read_each, unread_body
from cadence_app.messaging.providers import http, words
from cadence_app.messaging.providers.base import (
    CannotTell,
    MediaPlace,
    NotTaken,
    Outgoing,
    Refused,
    Sent,
)

BLOCK_CODE = "21610"
# What Twilio acts on by itself unless it was told not to.
KEYWORDS: Mapping[str, Meaning] = {
    **dict.fromkeys(
        ("stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"), Meaning.OUT
    ),
    **dict.fromkeys(("start", "yes", "unstop"), Meaning.IN),
    **dict.fromkeys(("help", "info"), Meaning.HELP),
}
# Advanced Opt-Out's word for what it took a text for and answered.
_OPT_OUT_TYPES = {"STOP": Meaning.OUT, "START": Meaning.IN, "HELP": Meaning.HELP}
_FATES = {
    "sent": Fate.SENT,
    "delivered": Fate.DELIVERED,
    "undelivered": Fate.FAILED,
    "failed": Fate.FAILED,
}
_HOME = "https://api.twilio.com"
_LIST_LAGS = timedelta(minutes=1)
# More than Twilio sends; so many at most are read.
_MOST_MEDIA = 50
_PAGE = 1000


def signed(account: CarrierAccount, request: Request) -> bool:
    """Whether Twilio signed this form with the account's token: over the public address it was sent to, which
    behind a proxy is not the one we see, and all its fields."""
    address = current_app.config["PUBLIC_URL"] + request.full_path.removesuffix("?")
    signature = request.headers.get("X-Twilio-Signature", "")
    validator = RequestValidator(account.secret("auth_token"))
    return bool(validator.validate(address, request.form, signature))


def events(request: Request) -> list[Text | Receipt | Unread]:
    """The text or the receipt in a form, or what can't be read of it; none where nothing is to be done."""
    form, body, key = request.form.to_dict(), request.get_data(), request.args.get("text")
    if not form:
        return [unread_body(body, "the body is no form")]
    return read_each([form], lambda each: _event(each, key), _hints, body)


def _event(form: Mapping[str, str], key: str | None) -> Text | Receipt | None:
    message_id = form.get("MessageSid") or form.get("SmsSid")
    if message_id is None:
        raise Malformed("there is no MessageSid")
    if "MessageStatus" in form and "Body" not in form:
        fate = _FATES.get(form["MessageStatus"])
        return _receipt(message_id, key, fate, form) if fate else None
    return text_of(
        to_number=form.get("To"),
        from_number=form.get("From"),
        body=form.get("Body", ""),
        carrier_message_id=message_id,
        received_at=None,
        answered=_OPT_OUT_TYPES.get(form.get("OptOutType", "")),
        media=_media(form),
    )


def _hints(form: Mapping[str, str]) -> Hints:
    message_id = form.get("MessageSid") or form.get("SmsSid")
    return Hints(message_id, form.get("From"), form.get("To"), form.get("Body"), form.get("At"))


def media_at(account: CarrierAccount, url: str) -> MediaPlace:
    """Where a file is fetched: Twilio wants the account's name and password, and leads on to its store."""
    base = current_app.config["TWILIO_API_URL"]
    if url.startswith(f"{_HOME}/"):
        url = base + url.removeprefix(_HOME)
    if not url.startswith(f"{base}/"):
        return MediaPlace(url, own=False)
    user = (account.settings["account_sid"], account.secret("auth_token"))
    return MediaPlace(url, own=True, user=user)


class Twilio:
    """Sends through an account by Twilio's own library."""

    def __init__(self, account: CarrierAccount) -> None:
        self._account = account
        self._client = Client(
            account.settings["account_sid"], account.secret("auth_token"), http_client=_HttpClient()
        )

    def send(self, text: Outgoing) -> Sent:
        site, account = current_app.config["PUBLIC_URL"], self._account
        try:
            message = self._client.messages.create(
                to=text.to_number,
                from_=text.from_number,
                body=text.body,
                media_url=list(text.media) or values.unset,
                status_callback=f"{site}/webhooks/twilio/{account.key}?text={quote(text.key)}",
            )
        except TwilioRestException as error:
            if error.status in http.NOT_NOW:
                raise NotTaken(f"it answered {error.status}") from error
            if error.status >= 500:
                raise
            code = str(error.code or error.status)
            raise Refused(code, words.said(code, words.TWILIO, error.msg), code == BLOCK_CODE) from error
        except http.NoAnswer as error:
            if error.sent:
                raise
            raise NotTaken("it could not be reached") from error
        return Sent(str(message.sid), None)

    def find(self, text: Outgoing, known: Collection[str]) -> Sent | None:
        """Twilio keeps no key of ours: of the texts of the last day between these numbers with these very
        words, the oldest that is no other text of ours is taken for it. The list may lag behind, so that it
        says nothing of a text as young as that."""
        since = datetime.now(UTC) - timedelta(days=1)
        listed = self._client.messages.list(
            from_=text.from_number, to=text.to_number, date_sent_after=since, limit=200
        )
        found = [each for each in listed if each.body == text.body and each.sid not in known]
        if not found and text.since and text.since > datetime.now(UTC) - _LIST_LAGS:
            raise CannotTell
        return Sent(str(found[-1].sid), None) if found else None

    def came(
        self, numbers: Collection[str], since: datetime, known: Callable[[Collection[str]], Collection[str]]
    ) -> list[Text | Receipt | Unread]:
        """The texts that came to these numbers since then, oldest first, but for those of known ids."""
        listed = [
            each
            for number in numbers
            for each in self._client.messages.list(to=number, date_sent_after=since, page_size=_PAGE)
            if each.direction == "inbound"
        ]
        have = known([str(each.sid) for each in listed])
        new = [each for each in listed if each.sid not in have]
        new.sort(key=lambda each: each.date_sent or each.date_created or since)
        return read_each([self._form_of(each) for each in new], self._listed, _hints)

    def _form_of(self, message: MessageInstance) -> dict[str, Any]:
        """A listed text by the names that its webhook has, with its time."""
        form = {
            "MessageSid": message.sid,
            "From": message.from_,
            "To": message.to,
            "Body": message.body or "",
        }
        if str(message.num_media or "0") != "0":
            files = message.media.list(limit=_MOST_MEDIA)
            form |= {"NumMedia": str(len(files))}
            for index, each in enumerate(files):
                url = f"{_HOME}{str(each.uri).removesuffix('.json')}"
                form |= {f"MediaUrl{index}": url, f"MediaContentType{index}": each.content_type}
        at = message.date_sent or message.date_created
        return form | {"At": at.isoformat() if at else None}

    def _listed(self, form: Mapping[str, Any]) -> Text:
        # The list does not say what Advanced Opt-Out took a text for. Its usual words it acts on.
        told = self._account.keyword_answers == KeywordAnswers.TOLD
        word = str(form["Body"]).strip().casefold()
        return text_of(
            to_number=form["To"],
            from_number=form["From"],
            body=form["Body"],
            carrier_message_id=form["MessageSid"],
            received_at=form["At"],
            answered=KEYWORDS.get(word) if told else None,
            media=_media(form),
        )


class _HttpClient(HttpClient):
    """What Twilio's library sends by: the gate, to the address that the settings give in the place of
    Twilio's."""

    def __init__(self) -> None:
        super().__init__(getLogger(__name__), is_async=False)

    def request(
        self,
        method: str,
        uri: str,
        params: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        url = current_app.config["TWILIO_API_URL"] + uri.removeprefix(_HOME)
        answer = http.request(
            method.upper(),
            url,
            params=_given(params),
            data=_given(data),
            headers=headers,
            auth=auth,
        )
        return Response(answer.status_code, answer.text, answer.headers)


def _given(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Without what is None, which is no value to send."""
    return {name: value for name, value in values.items() if value is not None} if values else None


def _media(form: Mapping[str, str]) -> tuple[Media, ...]:
    """The files that a form names: MediaUrl0 and so on, NumMedia of them."""
    given = form.get("NumMedia", "")
    count = min(int(given[:9]), _MOST_MEDIA) if given.isascii() and given.isdigit() else 0
    return tuple(
        media_of(form.get(f"MediaUrl{index}"), form.get(f"MediaContentType{index}")) for index in range(count)
    )


def _receipt(message_id: str, key: str | None, fate: Fate, form: Mapping[str, str]) -> Receipt:
    code = form.get("ErrorCode", "") if fate == Fate.FAILED else ""
    return receipt_of(
        message_id,
        key,
        fate,
        None,
        code=code,
        words=words.said(code, words.TWILIO, "") if fate == Fate.FAILED else "",
        blocks=code == BLOCK_CODE,
    )
