"""Accounts with carriers, and posts as each carrier sends and proves them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import select
from werkzeug.test import TestResponse

from cadence_app.accounts.models import User
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.carriers import accounts
from cadence_app.messaging.carriers.fields import CARRIERS
from cadence_app.messaging.carriers.models import Carrier, KeywordAnswers
from tests.messaging.carriers import sns
from tests.messaging.carriers.api import SECRET
from tests.world import World

# What is registered at a number of AWS's: its own words, and two that the account's owner added to opt in.
_REGISTERED = (
    *("ARRET", "CANCEL", "END", "OPT-OUT", "OPTOUT", "QUIT", "REMOVE", "STOP", "TD", "UNSUBSCRIBE"),
    *("HELP", "START", "UNSTOP"),
)


@dataclass
class Line:
    """An account that carries the world's shared inbox, and the carrier at its other end."""

    world: World
    carrier: Carrier
    answers: KeywordAnswers = KeywordAnswers.OURS
    path: str = ""
    account_id: int = 0
    signing_key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    def open(self, also: str = "") -> Line:
        public = self.signing_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        values = {each.name: SECRET for each in CARRIERS[self.carrier].fields}
        values |= {"public_key": base64.b64encode(public).decode(), "webhook_user": "carrier"}
        values["account_sid"] = "AC" + "0" * 32
        values |= {"region": sns.REGION, "access_key_id": sns.ACCESS_KEY_ID, "topic_arn": sns.TOPIC}
        values |= {"opt_out_list": "Default", "configuration_set": "cadence"}
        with self.world.session():
            admin = db.session.get_one(User, self.world.admin_id)
            account = accounts.add_account(admin, self.carrier)
            numbers = [self.world.shared, also]
            inboxes = db.session.scalars(select(Inbox).where(Inbox.number.in_(numbers))).all()
            accounts.set_account(admin, account, self.carrier, self.answers, values, inboxes)
            self.path, self.account_id = f"/webhooks/{self.carrier}/{account.key}", account.id
        return self

    def text(self, number: str, body: str, message_id: str | None = None, **more: Any) -> TestResponse:
        """A text as this carrier posts it."""
        message_id = message_id or uuid.uuid4().hex
        return self.post(*self.content(number, body, message_id, **more))

    def content(
        self,
        number: str,
        body: str,
        message_id: str,
        to: str | None = None,
        files: Sequence[tuple[str, str]] = (),
        **more: Any,
    ) -> tuple[bytes, dict[str, str]]:
        """The body of a post and the headers that prove it. `files` are addresses and types of what came with
        the text."""
        to = to or self.world.shared
        if self.carrier == Carrier.TWILIO:
            more |= {"NumMedia": str(len(files))}
            for index, (url, content_type) in enumerate(files):
                more |= {f"MediaUrl{index}": url, f"MediaContentType{index}": content_type}
            return self._form({"MessageSid": message_id, "From": number, "To": to, "Body": body, **more})
        if self.carrier == Carrier.TELNYX:
            payload = {
                "id": message_id,
                "direction": "inbound",
                "from": {"phone_number": number},
                "to": [{"phone_number": to, "status": "webhook_delivered"}],
                "text": body,
                "media": [
                    {"url": url, "content_type": content_type, "size": None, "hash_sha256": None, **more}
                    for url, content_type in files
                ],
            }
            return self.signed(json.dumps({"data": {"event_type": "message.received", "payload": payload}}))
        if self.carrier == Carrier.AWS:
            word = body.strip().upper()
            text = {
                "originationNumber": number,
                "destinationNumber": to,
                "messageKeyword": word if word in _REGISTERED else "KEYWORD_123456789012",
                "messageBody": body,
                "inboundMessageId": message_id,
                "previousPublishedMessageId": "862a8790-60c0-4430-9b2b-658bdexample",
            }
            return self.of_topic(sns.notification(text | more))
        message: dict[str, Any] = {
            "id": message_id,
            "owner": to,
            "to": [to],
            "from": number,
            "text": body,
            "direction": "in",
        }
        if files:
            message["media"] = [url for url, _ in files]
        return self.basic(json.dumps([{"type": "message-received", "to": to, "message": message}]))

    def post(self, body: bytes, headers: dict[str, str]) -> TestResponse:
        return self.world.app.test_client().post(self.path, data=body, headers=headers)

    def post_form(self, fields: dict[str, str], query: str = "") -> TestResponse:
        body, headers = self._form(fields, query)
        return self.world.app.test_client().post(self.path + query, data=body, headers=headers)

    def _form(self, fields: dict[str, str], query: str = "") -> tuple[bytes, dict[str, str]]:
        """Signed as Twilio documents it, without its library."""
        address = self.world.app.config["PUBLIC_URL"] + self.path + query
        said = address + "".join(name + fields[name] for name in sorted(fields))
        digest = hmac.new(SECRET.encode(), said.encode(), hashlib.sha1).digest()
        return urlencode(fields).encode(), {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Twilio-Signature": base64.b64encode(digest).decode(),
        }

    def signed(self, body: str, at: int | None = None) -> tuple[bytes, dict[str, str]]:
        """Signed as Telnyx documents it."""
        stamp = str(at or int(time.time()))
        signature = self.signing_key.sign(f"{stamp}|{body}".encode())
        return body.encode(), {
            "Content-Type": "application/json",
            "telnyx-timestamp": stamp,
            "telnyx-signature-ed25519": base64.b64encode(signature).decode(),
        }

    def of_topic(self, message: bytes) -> tuple[bytes, dict[str, str]]:
        """As SNS posts it: JSON, under this type, which proves itself."""
        return message, {"Content-Type": "text/plain; charset=UTF-8"}

    def basic(self, body: str, password: str = SECRET) -> tuple[bytes, dict[str, str]]:
        given = base64.b64encode(f"carrier:{password}".encode()).decode()
        return body.encode(), {"Content-Type": "application/json", "Authorization": f"Basic {given}"}
