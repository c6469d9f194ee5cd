"""Accounts with carriers, and posts as each carrier sends and proves them (ends/)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from werkzeug.test import TestResponse

from cadence_app.accounts.models import User
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.carriers import accounts
from cadence_app.messaging.providers.base import KeywordAnswers
from tests.messaging.carriers.ends import ENDS
from tests.messaging.carriers.ends.base import FarEnd, Post
from tests.world import World


@dataclass
class Line:
    """An account that carries the world's shared inbox, and the carrier at its other end."""

    world: World
    carrier: str
    answers: KeywordAnswers = KeywordAnswers.OURS
    path: str = ""
    account_id: int = 0
    end: FarEnd = field(init=False)

    def __post_init__(self) -> None:
        self.end = ENDS[self.carrier]()

    def open(self, also: str = "") -> Line:
        with self.world.session():
            admin = db.session.get_one(User, self.world.admin_id)
            account = accounts.add_account(admin, self.carrier)
            numbers = [self.world.shared, also]
            inboxes = db.session.scalars(select(Inbox).where(Inbox.number.in_(numbers))).all()
            accounts.set_account(admin, account, self.carrier, self.answers, self.end.values(), inboxes)
            self.path, self.account_id = f"/webhooks/{self.carrier}/{account.key}", account.id
        return self

    @property
    def address(self) -> str:
        """Where the carrier posts to, as it knows it."""
        return f"{self.world.app.config['PUBLIC_URL']}{self.path}"

    def text(self, number: str, body: str, message_id: str | None = None, **more: Any) -> TestResponse:
        """A text as this carrier posts it."""
        return self.post(self.content(number, body, message_id or uuid.uuid4().hex, **more))

    def content(self, number: str, body: str, message_id: str, **more: Any) -> Post:
        """A post that tells of a text, and its proof."""
        return self.end.posted(self.event(number, body, message_id, **more), self.address)

    def event(
        self,
        number: str,
        body: str,
        message_id: str,
        to: str | None = None,
        files: Sequence[tuple[str, str]] = (),
        **more: Any,
    ) -> Any:
        """What a post tells of a text. `files` are addresses and types of what came with it."""
        return self.end.event(number, body, message_id, to or self.world.shared, files, **more)

    def proven(self, body: str) -> Post:
        """Any words, as the carrier would prove them."""
        return self.end.proven(body, self.address)

    def post(self, post: Post) -> TestResponse:
        client = self.world.app.test_client()
        return client.post(self.path + post.query, data=post.body, headers=post.headers)
