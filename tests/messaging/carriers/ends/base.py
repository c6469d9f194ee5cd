"""A carrier at its other end, for what must hold with every one: how it posts and proves, and its API."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

SECRET = "a secret of the carrier"
LOST = "lost"


class Post(NamedTuple):
    """What a carrier posts to an account's address, to which `query` is added."""

    body: bytes
    headers: dict[str, str]
    query: str = ""


@dataclass
class Came:
    """A text that a carrier got for us: from, to, words, its id and when. Files are addresses at the carrier,
    and of one that is `forgotten` it has the record and not the words."""

    sender: str
    to: str
    body: str | None
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    files: list[str] = field(default_factory=list)
    forgotten: bool = False


@dataclass
class Api:
    """`taken` are the texts the carriers have, each (from, to, body, key, id). `plan` holds what happens to
    the next posts, in order: a status, a (status, code), or `lost` for one that is taken without an answer;
    without a plan every text is taken. `files` are what the carriers keep of texts with files, by path:
    (status, type, content), where the type of a redirect is the address it leads to; `asked` says who asked
    for them with which credentials, and `meanwhile` is done before one is answered. `attached` are the
    addresses of files that came with a text of ours, by its key. `came` are texts that the carriers got for
    us and list, `listed` what they were asked for, and while `out_of_reach` they list nothing.
    `self_managed` are numbers whose opt outs
    AWS leaves to us, and `confirmed` what SNS was asked to confirm."""

    taken: list[tuple[str, str, str, str, str]] = field(default_factory=list)
    plan: list[Any] = field(default_factory=list)
    blocked: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    files: dict[str, tuple[int, str, bytes]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    meanwhile: Callable[[], object] | None = None
    attached: dict[str, list[str]] = field(default_factory=dict)
    came: list[Came] = field(default_factory=list)
    listed: list[dict[str, str]] = field(default_factory=list)
    out_of_reach: bool = False
    url: str = ""
    self_managed: list[str] = field(default_factory=list)
    confirmed: list[dict[str, str]] = field(default_factory=list)
    certificates_asked: list[str] = field(default_factory=list)


class Asked(Protocol):
    """A request to a carrier's API, which is to be answered (api.py)."""

    api: Api
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]

    def answer(self, status: int, body: dict[str, Any] | bytes) -> None: ...

    def take(
        self,
        text: tuple[str, str, str, str, str],
        receipt: dict[str, Any],
        refusal: Callable[[int, str], dict[str, Any]],
        status: int = 201,
    ) -> None:
        """Takes a text, or does what the plan says: refuses it by the JSON that `refusal` makes of a status
        and a code."""


class FarEnd:
    """One carrier, at one account.

    `failure` is a code by which a text fails later and what is said of it, `block` the answer that says that
    the number is blocked, as in Api.plan; `proof` is the header that proves a post, where one does, and
    `signs_body` whether it is of what is posted. `is_form`: a post is a form and no JSON. `wants_password`:
    so it does for files that came, of which it `tells_types`. It `lists` what came, `has_list` of whom it
    blocks, and `finds_lost`: a text whose answer was lost. `id_path` leads to the id in event(). `wrong` is
    a field of the account, a value that is not of its form, and its label.
    """

    code = ""
    failure = ("", "")
    block: tuple[int, str] | None = None
    proof: str | None = None
    signs_body = True
    is_form = False
    takes_files = True
    wants_password = False
    tells_types = True
    lists = False
    has_list = False
    finds_lost = False
    id_path: tuple[str | int, ...] = ()
    wrong: tuple[str, str, str] | None = None

    def values(self) -> dict[str, str]:
        """The fields of an account, as an admin enters them."""
        raise NotImplementedError

    def event(
        self, number: str, body: str, message_id: str, to: str, files: Sequence[tuple[str, str]], **more: Any
    ) -> Any:
        """A text as it is told: JSON, or the fields of a form. `files` are addresses and types."""
        raise NotImplementedError

    def receipt(self, address: str, message_id: str, key: str, to: str, fate: str, code: str) -> Post:
        """What is posted about a text of ours that was sent, delivered or failed."""
        raise NotImplementedError

    def posted(self, event: Any, address: str) -> Post:
        """An event as it is posted to an address, and proven."""
        return self.proven(json.dumps(event), address)

    def proven(self, body: str, address: str) -> Post:
        """Any words as the carrier would prove them."""
        raise NotImplementedError

    @classmethod
    def serves(cls, path: str) -> bool:
        """Whether a path is of its API."""
        raise NotImplementedError

    @classmethod
    def post(cls, asked: Asked, raw: str) -> None:
        """Answers a post to its API."""
        raise NotImplementedError

    @classmethod
    def get(cls, asked: Asked) -> None:
        """Answers another request to its API."""
        asked.answer(404, {})
