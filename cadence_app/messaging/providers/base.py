"""What Cadence asks of a carrier: one driver each, which says all that is particular to it.

What a carrier lacks stays at its default here; nobody else asks which carrier it is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from typing import Any, Protocol

from flask import Request, current_app

from cadence_app.consent.keywords import Meaning
from cadence_app.messaging.providers.events import Receipt, Text, Unread

BLOCKED = "The carrier blocks this number: its owner texted STOP to yours."


class KeywordAnswers(StrEnum):
    """Who answers STOP, START and HELP.

    OURS: the carrier leaves it to Cadence. BUILT_IN: the carrier answers the usual words by itself. TOLD: the
    carrier says with each text whether it has answered it.
    """

    OURS = "ours"
    BUILT_IN = "built_in"
    TOLD = "told"


@dataclass(frozen=True)
class Sent:
    """A provider's receipt: its id of the text, and when it was delivered, None where nobody knows yet."""

    provider_message_id: str
    delivered_at: datetime | None


class NotTaken(Exception):
    """The provider surely did not take the text and may take it later: it is busy, or could not be reached.
    `wait_seconds` is how long it asks us to wait, where it does."""

    def __init__(self, why: str, wait_seconds: float | None = None) -> None:
        super().__init__(why)
        self.wait_seconds = wait_seconds


class Refused(Exception):
    """The provider will never take this text: its code for that and plain words. `blocks` tells that it
    blocks the number, whose owner stopped it."""

    def __init__(self, code: str, words: str, blocks: bool = False) -> None:
        super().__init__(words)
        self.code, self.words, self.blocks = code, words, blocks


class CannotTell(Exception):
    """The provider has no way to say whether a text went, or not yet."""


@dataclass(frozen=True)
class Outgoing:
    """A text to hand over: numbers are E.164, `key` is the text's own, `since` is when we began to, and
    `media` are public addresses of its files."""

    from_number: str
    to_number: str
    body: str
    key: str
    since: datetime | None
    media: tuple[str, ...] = ()


@dataclass(frozen=True)
class MediaPlace:
    """Where a file that came with a text is to be fetched. `own` is whether that is the carrier's API itself,
    and `user` are the name and password it wants, which go nowhere else."""

    url: str
    own: bool
    user: tuple[str, str] | None = None


class Provider(Protocol):
    """One way to send a text."""

    def send(self, text: Outgoing) -> Sent:
        """Hands a text over. Its key comes back with what the provider tells of it.

        Errors: NotTaken, Refused; with any other it is unknown whether the text was taken.
        """

    def find(self, text: Outgoing, known: Collection[str]) -> Sent | None:
        """The receipt of a text that was handed over some time ago; None where the provider surely has none.
        `known` are the provider's ids of the other texts between these numbers.

        Errors: CannotTell, and any other where it could not be asked just now.
        """


class Account(Protocol):
    """An account with a carrier, as its driver sees it: what its form's fields hold, in `settings` or as
    secrets, the part of its webhook address that nobody can guess, and who answers keywords."""

    @property
    def key(self) -> str: ...

    @property
    def settings(self) -> dict[str, str]: ...

    @property
    def keyword_answers(self) -> str: ...

    def secret(self, name: str) -> str:
        """A secret in clear. Errors: vault.Unreadable."""


@dataclass(frozen=True)
class Field:
    """One value of an account. A `secret` one is never shown again; `right` is a check of its form."""

    name: str
    label: str
    hint: str
    secret: bool = False
    right: Callable[[str], bool] = bool


class BlockReach(Enum):
    """Whom the carrier blocks after a STOP: the one number of ours, or every number of the account."""

    NUMBER = "number"
    ACCOUNT = "account"


# Which of these texts, by the carrier's ids, are here.
Known = Callable[[Collection[str]], Collection[str]]


@dataclass(frozen=True)
class Listing:
    """How what came is read back, where the carrier lists it with its words.

    `came` gives the texts that came to numbers of ours (E.164) since a moment, oldest first, but for those
    of known ids; any error means that the carrier could not be asked. `lag` is how long after a text its list
    is sure to have it.
    """

    came: Callable[[Account, Collection[str], datetime, Known], list[Text | Receipt | Unread]]
    lag: timedelta


@dataclass(frozen=True)
class Webhook:
    """How posts are proven and read.

    `signed` is whether the carrier itself sent a post of this account. `events` are the texts and receipts in
    it, and what can't be read of it, but never an error for what it says. Both raise events.NotNow for a post
    that must come again. `thanks` is the body of our answer and its type.
    """

    signed: Callable[[Account, Request], bool]
    events: Callable[[Request], list[Text | Receipt | Unread]]
    thanks: tuple[str, str] = ("", "text/plain")


def anywhere(account: Account | None, url: str) -> MediaPlace:
    """A file that is fetched without credentials, as from a stranger."""
    return MediaPlace(url, own=False)


_ANSWERS = {
    KeywordAnswers.OURS: "Cadence answers STOP, START and HELP",
    KeywordAnswers.BUILT_IN: "The carrier answers its usual words; Cadence answers only your own",
}


@dataclass(frozen=True, kw_only=True)
class Driver:
    """A carrier.

    `code` is stored and part of addresses; `name` heads its pages, `short_name` is for sentences. `client`
    sends texts through an Account, or through None where the carrier has none, as the simulator. `home` is
    where its API is, unless the installation names another place. `webhook` is how its posts are taken in:
    None for a carrier that has no accounts.
    """

    code: str
    name: str
    short_name: str = ""
    client: Callable[[Any], Provider]
    home: str = ""
    webhook: Webhook | None = None

    # The form of an account: its fields, who may answer keywords (the first is the usual one) and how TOLD is
    # called, where the webhook address goes, what becomes of a text that could not be brought there.
    fields: Sequence[Field] = ()
    answers: Sequence[KeywordAnswers] = (KeywordAnswers.OURS,)
    told: str = ""
    where: str = ""
    missed: str = ""

    # What it acts on by itself, in lower case, where it answers keywords; and further words that may have
    # been set up to lift its block.
    keywords: Mapping[str, Meaning] = field(default_factory=dict)
    may_lift: frozenset[str] = frozenset()

    # Its codes of a text that it did not bring because the number that sent it is not registered: a local one
    # (10DLC), or a toll-free one that was not verified. The index of Message knows them too.
    unregistered: frozenset[str] = frozenset()

    # Whether files go with texts, and where one that came is fetched.
    sends_files: bool = True
    media_at: Callable[[Account, str], MediaPlace] = anywhere

    # How far its block reaches, and what that is called ("messaging profile") where it is the account. Its
    # own list of blocked numbers (E.164), and which numbers' opt outs it leaves to us, where it can be asked.
    block_reach: BlockReach = BlockReach.NUMBER
    block_scope: str = ""
    blocked_numbers: Callable[[Account], Iterator[str]] | None = None
    self_managed_numbers: Callable[[Account], list[str]] | None = None

    # Without one, nothing can be read back; the carrier posts again what was not answered.
    listing: Listing | None = None

    @property
    def said_name(self) -> str:
        return self.short_name or self.name

    def answer_name(self, answer: str) -> str:
        """Who answers keywords, in words."""
        return self.told if answer == KeywordAnswers.TOLD else _ANSWERS[KeywordAnswers(answer)]

    def takes_for(self, body: str) -> Meaning | None:
        """What the carrier takes a text for by its words: one of its keywords, bare."""
        return self.keywords.get(body.strip().casefold())

    def may_lift_by(self, body: str) -> bool:
        """Whether the carrier may have lifted its own block for a text with these words."""
        return self.takes_for(body) == Meaning.IN or body.strip().casefold() in self.may_lift

    def url(self) -> str:
        """Where its API is, without a slash at the end: CADENCE_<CODE>_API_URL, or its home."""
        return api_url(self.code, self.home)


def api_url(code: str, home: str) -> str:
    """As Driver.url(), for what a driver is made of."""
    return str(current_app.config["CARRIER_API_URLS"].get(code, home))


def said(code: str, known: Mapping[str, str], theirs: str) -> str:
    """A code of failure in our words, or else in the carrier's with the code."""
    if code in known:
        return known[code]
    detail = " ".join(theirs.split())[:200] or "it does not say why"
    return f"The carrier's answer: {detail}" + (f" (code {code})." if code else ".")
