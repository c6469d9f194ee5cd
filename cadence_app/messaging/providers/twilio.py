"""Twilio: its webhooks and its API.

Sources: Twilio's documentation, "Webhooks security", "TwiML for programmable SMS", "Message resource", "Media
resource", "Outbound message status in status callbacks", "Customize opt-out keywords", "Webhooks: connection
overrides" and "Error and warning dictionary".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

from flask import Request, current_app

from cadence_app.consent.keywords import Meaning
from cadence_app.messaging.providers import http
from cadence_app.messaging.providers.base import (
    BLOCKED,
    Account,
    CannotTell,
    Driver,
    Field,
    KeywordAnswers,
    Known,
    Listing,
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
    Receipt,
    Text,
    Unread,
    media_of,
    receipt_of,
    text_of,
)
from cadence_app.messaging.providers.readings import Hints, read_each, unread_body

_BLOCK_CODE = "21610"
# What Twilio acts on by itself unless it was told not to.
_KEYWORDS: Mapping[str, Meaning] = {
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
_ERRORS = {
    "11751": "Its files are too large for the carrier.",
    "21211": "This is no telephone number.",
    "21408": "The account may not text to that country.",
    "21610": BLOCKED,
    "21612": "This number can't be reached from yours.",
    "21614": "This is not a mobile number.",
    "30003": "The phone is off or out of reach.",
    "30004": "The phone's network refuses texts to it.",
    "30005": "The number is not in use.",
    "30006": "This is a landline, or its network can't be reached.",
    "30007": "The carrier took it for spam.",
    "30008": "The carrier does not say why.",
    "30019": "It is too large for the phone's network.",
    "30034": "Your number is not registered for this traffic (10DLC).",
}
_HOME = "https://api.twilio.com"
_LIST_LAGS = timedelta(minutes=1)
# More than Twilio sends; so many at most are read.
_MOST_MEDIA = 50
_PAGE = 1000
# Among so many texts of a day between two numbers one is looked for.
_MOST_SEARCHED = 200


def signed(account: Account, request: Request) -> bool:
    """Whether Twilio signed this post with the account's token: over the public address it was sent to, which
    behind a proxy is not the one we see, and all fields of a form or the digest of another body."""
    query = request.query_string.decode("utf-8", "replace")
    address = current_app.config["PUBLIC_URL"] + request.path + (f"?{query}" if query else "")
    signature = request.headers.get("X-Twilio-Signature", "")
    token, form = account.secret("auth_token"), request.form.to_dict(flat=False)
    return signed_by(token, address, form, b"" if form else request.get_data(), signature)


def signed_by(
    token: str, address: str, form: Mapping[str, Collection[str]], body: bytes, signature: str
) -> bool:
    """Whether a signature is by this token: HMAC-SHA1, in base64, of the address followed by every field's
    name and value, in their order, each once. Of a body that is no form, the address itself has the SHA-256,
    as bodySHA256. Twilio signs an address with its port or without it ("Webhooks security")."""
    if body:
        told = parse_qs(urlsplit(address).query).get("bodySHA256", [""])[0]
        if not hmac.compare_digest(hashlib.sha256(body).hexdigest().encode(), told.encode()):
            return False
    fields = "".join(name + value for name in sorted(form) for value in sorted(set(form[name])))
    right = [
        base64.b64encode(hmac.digest(token.encode(), (each + fields).encode(), "sha1"))
        for each in _with_port_and_without(address)
    ]
    return any(hmac.compare_digest(each, signature.encode()) for each in right)


def _with_port_and_without(address: str) -> tuple[str, str]:
    parts = urlsplit(address)
    bare = parts.netloc.removesuffix(f":{parts.port}") if parts.port else parts.netloc
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return urlunsplit(parts._replace(netloc=f"{bare}:{port}")), urlunsplit(parts._replace(netloc=bare))


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


def media_at(account: Account, url: str) -> MediaPlace:
    """Where a file is fetched: Twilio wants the account's name and password, and leads on to its store."""
    base = DRIVER.url()
    if url.startswith(f"{_HOME}/"):
        url = base + url.removeprefix(_HOME)
    if not url.startswith(f"{base}/"):
        return MediaPlace(url, own=False)
    user = (account.settings["account_sid"], account.secret("auth_token"))
    return MediaPlace(url, own=True, user=user)


class Twilio:
    """Sends by the API of an account."""

    def __init__(self, account: Account) -> None:
        sid = account.settings["account_sid"]
        self._account = account
        self._user = (sid, account.secret("auth_token"))
        self._path = f"/2010-04-01/Accounts/{sid}"

    def send(self, text: Outgoing) -> Sent:
        site = current_app.config["PUBLIC_URL"]
        form: dict[str, Any] = {
            "To": text.to_number,
            "From": text.from_number,
            "Body": text.body,
            "StatusCallback": f"{site}/webhooks/{DRIVER.code}/{self._account.key}?text={quote(text.key)}",
        }
        if text.media:
            form["MediaUrl"] = list(text.media)
        url = f"{DRIVER.url()}{self._path}/Messages.json"
        return Sent(str(http.post(url, form, _refused, form=True, auth=self._user)["sid"]), None)

    def find(self, text: Outgoing, known: Collection[str]) -> Sent | None:
        """Twilio keeps no key of ours: of the texts of the last day between these numbers with these very
        words, the oldest that is no other text of ours is taken for it. The list may lag behind, so that it
        says nothing of a text as young as that."""
        since = datetime.now(UTC) - timedelta(days=1)
        query = {"From": text.from_number, "To": text.to_number}
        listed = islice(self._messages(query, since), _MOST_SEARCHED)
        found = [each for each in listed if each["body"] == text.body and each["sid"] not in known]
        if not found and text.since and text.since > datetime.now(UTC) - _LIST_LAGS:
            raise CannotTell
        return Sent(str(found[-1]["sid"]), None) if found else None

    def came(self, numbers: Collection[str], since: datetime, known: Known) -> list[Text | Receipt | Unread]:
        """The texts that came to these numbers since then, oldest first, but for those of known ids."""
        listed = [
            each
            for number in numbers
            for each in self._messages({"To": number}, since)
            if each.get("direction") == "inbound"
        ]
        have = known([str(each["sid"]) for each in listed])
        new = [each for each in listed if each["sid"] not in have]
        new.sort(key=lambda each: _time_of(each) or since)
        return read_each([self._form_of(each) for each in new], self._listed, _hints)

    def _messages(self, query: Mapping[str, str], since: datetime) -> Iterator[dict[str, Any]]:
        """The texts since then, newest first."""
        asked = {**query, "DateSent>": f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"}
        return self._pages("Messages.json", "messages", asked)

    def _pages(self, name: str, items: str, query: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        address: str | None = f"{self._path}/{name}"
        options: dict[str, Any] = {"params": {**query, "PageSize": _PAGE}}
        while address:
            answer = http.request("GET", DRIVER.url() + address, auth=self._user, **options)
            answer.raise_for_status()
            content, options = answer.json(), {}
            yield from content[items]
            address = content.get("next_page_uri")
            # A path at the API itself; the password goes nowhere else.
            if address and not address.startswith(f"{self._path}/"):
                raise ValueError("the next page is not the account's")

    def _form_of(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """A listed text by the names that its webhook has, with its time."""
        sid = message["sid"]
        form = {
            "MessageSid": sid,
            "From": message.get("from"),
            "To": message.get("to"),
            "Body": message.get("body") or "",
        }
        if str(message.get("num_media") or "0") != "0":
            name = f"Messages/{quote(str(sid), safe='')}/Media.json"
            files = list(islice(self._pages(name, "media_list", {}), _MOST_MEDIA))
            form |= {"NumMedia": str(len(files))}
            for index, each in enumerate(files):
                url = f"{_HOME}{str(each['uri']).removesuffix('.json')}"
                form |= {f"MediaUrl{index}": url, f"MediaContentType{index}": each.get("content_type")}
        at = _time_of(message)
        return form | {"At": at.isoformat() if at else None}

    def _listed(self, form: Mapping[str, Any]) -> Text:
        # The list does not say what Advanced Opt-Out took a text for. Its usual words it acts on.
        told = self._account.keyword_answers == KeywordAnswers.TOLD
        return text_of(
            to_number=form["To"],
            from_number=form["From"],
            body=form["Body"],
            carrier_message_id=form["MessageSid"],
            received_at=form["At"],
            answered=DRIVER.takes_for(str(form["Body"])) if told else None,
            media=_media(form),
        )


def _time_of(message: Mapping[str, Any]) -> datetime | None:
    """When a listed text came (RFC 2822); None where that can't be read."""
    try:
        at = parsedate_to_datetime(str(message.get("date_sent") or message.get("date_created") or ""))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


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
        words=said(code, _ERRORS, "") if fate == Fate.FAILED else "",
        blocks=code == _BLOCK_CODE,
    )


def _refused(answer: http.Response) -> Refused:
    content = http.json_of(answer)
    content = content if isinstance(content, dict) else {}
    code = str(content.get("code") or answer.status_code)
    return Refused(code, said(code, _ERRORS, str(content.get("message") or "")), code == _BLOCK_CODE)


DRIVER = Driver(
    code="twilio",
    name="Twilio",
    client=Twilio,
    home=_HOME,
    fields=(
        Field(
            "account_sid",
            "Account SID",
            "Begins with AC, on the console's first page",
            right=lambda value: re.fullmatch("AC[0-9a-fA-F]{32}", value) is not None,
        ),
        Field(
            "auth_token",
            "Auth token",
            "Beside the account SID. It also proves what Twilio sends",
            secret=True,
        ),
    ),
    # https://www.twilio.com/docs/api/errors/30034 and /30032
    unregistered=frozenset({"30034", "30032"}),
    answers=(KeywordAnswers.BUILT_IN, KeywordAnswers.TOLD, KeywordAnswers.OURS),
    told="Advanced Opt-Out: Twilio says with each text whether it has answered",
    where="In Twilio's console, open the number or the Messaging Service and enter it under A message comes "
    "in, as a webhook with HTTP POST.",
    missed="Twilio posts a text once, and tries again within seconds only where it is told to: add "
    "#rc=5&rp=all at the end of the address in its console. For longer it has Primary handler fails, which "
    "takes the address of a second server. Cadence asks Twilio every hour, and after it was down, for what "
    "came.",
    # An empty TwiML document: nothing to say to the sender.
    webhook=Webhook(signed, events, thanks=("<Response/>", "text/xml")),
    keywords=_KEYWORDS,
    media_at=media_at,
    # Twilio promises no time for its list.
    listing=Listing(
        lambda account, numbers, since, known: Twilio(account).came(numbers, since, known), _LIST_LAGS
    ),
)
