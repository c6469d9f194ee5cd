"""Asks consent whether an inbox may text somebody (consent/may_text.py), and says its answer in words."""

from __future__ import annotations

from cadence_app.accounts.models import Tenant
from cadence_app.consent import may_text
from cadence_app.consent.may_text import Answer, Bar, InboxFacts, Kind, TenantFacts, Text
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.models import MessageKind

_TOLL_FREE = "The toll-free network blocks this number until the contact texts START or UNSTOP to it."
# With {team} for the name of the inbox's team.
_WORDS = {
    Bar.NOT_IN_TEAM: "The contact is not in {team}.",
    Bar.INBOX_CLOSED: "This inbox is closed: it takes texts in and sends none.",
    Bar.ORGANISATION_SUSPENDED: (
        "The organization is suspended. Only the confirmation of an opt out goes out."
    ),
    Bar.NUMBER_UNSENDABLE: (
        "Nothing is sent to this number until it is mended: it is no full one, or two contacts share it."
    ),
    Bar.OPTED_OUT: "The contact is opted out of {team}.",
    Bar.OPTED_IN_AGAIN: "The contact has opted in again since.",
    Bar.PERSONAL_OPT_OUT: (
        "The contact opted out by a text to a personal inbox, so no personal inbox may text them until they "
        "text START to one. Shared inboxes may."
    ),
    Bar.CARRIER_BLOCK: "The carrier blocks this number until the contact texts START to it.",
    Bar.POSSIBLE_OPT_OUT: "Held: the contact's words may be an opt out, and nobody has decided yet.",
}


def words_of(bar: Bar, inbox: Inbox) -> str:
    """A bar in the way of a text from this inbox, as an agent reads it."""
    if bar == Bar.CARRIER_BLOCK and inbox.toll_free:
        return _TOLL_FREE
    # The team is loaded only for the two that name it.
    return _WORDS[bar].format(team=inbox.team.name) if "{team}" in _WORDS[bar] else _WORDS[bar]


def kind_of(kind: MessageKind, *, by_hand: bool) -> Kind:
    """What sort of text a message of this kind is for consent."""
    if kind == MessageKind.PERSON:
        return Kind.BY_HAND if by_hand else Kind.AUTOMATED
    return Kind.CONFIRMATION if kind == MessageKind.OPT_OUT_REPLY else Kind.ANSWER


def text_from(
    inbox: Inbox, kind: Kind, number: str | None = None, confirms_team_id: int | None = None
) -> Text:
    """A text from this inbox, as consent is asked about it: `number` and `confirms_team_id` as in Text."""
    tenant = db.session.get_one(Tenant, inbox.tenant_id)
    facts = InboxFacts(inbox.id, inbox.team_id, inbox.personal, closed=inbox.closed_at is not None)
    return Text(facts, TenantFacts(suspended=tenant.suspended_at is not None), kind, number, confirms_team_id)


def ask(
    inbox: Inbox,
    contact_id: int,
    kind: Kind,
    *,
    number: str | None = None,
    confirms_team_id: int | None = None,
    lock: bool = False,
) -> Answer:
    """may_text.ask() for a text from this inbox."""
    return may_text.ask(text_from(inbox, kind, number, confirms_team_id), contact_id, lock=lock)
