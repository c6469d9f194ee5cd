"""What is looked at before a campaign goes: whether its text says who it is from and how to stop, what
carriers take amiss, how long it gets, whom it reads badly for, and how the last one went.

It advises and bars nothing. What it said is kept with the campaign when somebody presses Send, without the
examples: they name people.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, func, literal, select

from cadence_app.campaigns import results
from cadence_app.campaigns.models import Campaign, CampaignState, Recipient, RecipientState
from cadence_app.campaigns.results import Outcome
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.messaging import encoding
from cadence_app.messaging.merge_fields import Fields, Used, tenant_fields
from cadence_app.messaging.models import SENT_STATES, Conversation, Direction, Message
from cadence_app.ui.formatting import phone

_EXAMPLES = 3
# More texts than this for one is dear, and read by few.
_LONG = 3
# The opt-out rate of a day from which carriers watch a number; at 10 % it may be shut off
# (https://support.flowroute.com/624359-Messaging-Guidelines---Monitoring).
_WATCHED_RATE = 0.05
_STOP = re.compile(r"\b(stop|opt[ -]?out|unsubscribe)\b", re.IGNORECASE)
# Shared by everybody, spammers first: carriers block texts with them, AT&T by name.
_SHORTENERS = re.compile(
    r"(?<![\w-])(bit\.ly|tinyurl\.com|t\.co|goo\.gl|ow\.ly|is\.gd|v\.gd|buff\.ly|rebrand\.ly|cutt\.ly|tiny\.cc|t\.ly"
    r"|rb\.gy|shorturl\.at|lnkd\.in|s\.id|bl\.ink|dub\.sh|bc\.vc|budurl\.com|clicky\.me|s2r\.co|soo\.gd)(?![\w-])",
    re.IGNORECASE,
)
# Words that many organisations have in their name.
_COMMON = {"college", "university", "school", "schools", "institute", "community", "state", "center"}


class Check(StrEnum):
    WHO = "who"
    STOP = "stop"
    LINKS = "links"
    LENGTH = "length"
    FIELDS = "fields"
    LAST_RATE = "last_rate"


@dataclass(frozen=True)
class Item:
    """One check: whether all is well, what was found, and the names or numbers of some it is about."""

    check: Check
    good: bool
    says: str
    examples: tuple[str, ...] = ()


def of(campaign: Campaign) -> list[Item]:
    """The checks of a campaign as it stands, in the order in which they are shown."""
    fields = tenant_fields()
    return [
        _who(campaign),
        _how_to_stop(campaign),
        _links(campaign.body),
        _length(campaign, fields),
        *_fields(campaign, fields),
        *_last_rate(campaign),
    ]


def kept(campaign: Campaign) -> dict[str, Any]:
    """As the campaign's row keeps it: {"at": ISO 8601 in UTC, "items": of Item, without examples}."""
    items = [asdict(item) | {"examples": ()} for item in of(campaign)]
    return {"at": datetime.now(UTC).isoformat(timespec="seconds"), "items": items}


def _who(campaign: Campaign) -> Item:
    name = campaign.team.tenant.name
    said = campaign.body.casefold()
    telling = [word for word in re.findall(r"\w{4,}", name.casefold()) if word not in _COMMON]
    if name.casefold() in said or any(re.search(rf"\b{re.escape(word)}\b", said) for word in telling):
        return Item(Check.WHO, True, "It says who it is from.")
    return Item(
        Check.WHO, False, f"It does not say who it is from. Name {name}: many ask, or opt out, otherwise."
    )


def _how_to_stop(campaign: Campaign) -> Item:
    if _STOP.search(campaign.body):
        return Item(Check.STOP, True, "It says how to stop.")
    texted = (
        select(Message.id)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(
            Conversation.contact_id == Recipient.contact_id,
            Conversation.inbox_id == campaign.inbox_id,
            Message.direction == Direction.OUTBOUND,
            Message.state.in_(SENT_STATES),
        )
    )
    first = db.session.scalars(
        select(func.count()).select_from(Recipient).where(*_waiting(campaign), ~texted.exists())
    ).one()
    if not first:
        return Item(Check.STOP, True, "Everybody has had a text from this inbox before.")
    who = "1 person" if first == 1 else f"{first:,} people"
    return Item(
        Check.STOP,
        False,
        f"For {who} it is the first text from this inbox. Say how to stop, such as “Reply STOP to opt out”.",
    )


def _links(body: str) -> Item:
    found = sorted({match[1].casefold() for match in _SHORTENERS.finditer(body)})
    if not found:
        return Item(Check.LINKS, True, "It has no public short link.")
    return Item(
        Check.LINKS,
        False,
        f"Carriers block texts with a public short link ({', '.join(found)}). Use the full address.",
    )


def _length(campaign: Campaign, fields: Fields) -> Item:
    """By the longest text that the values of those who get it make, which is found by their length."""
    count = db.session.scalars(select(func.count()).select_from(Recipient).where(*_waiting(campaign))).one()
    bodies = [campaign.body]
    used = [_column(each) for each in fields.used_in(campaign.body)]
    if used:
        length = sum((func.length(column) for column in used[1:]), func.length(used[0]))
        plain = sum((_beyond_gsm(column) for column in used[1:]), _beyond_gsm(used[0]))
        people = (
            select(Contact).join(Recipient, Recipient.contact_id == Contact.id).where(*_waiting(campaign))
        )
        extremes = [
            db.session.scalars(people.order_by(by, Contact.id).limit(1)).first()
            for by in (length.desc(), length, plain.desc())
        ]
        bodies = [fields.render(campaign.body, contact) for contact in extremes if contact]
    parts = [encoding.measure(body).segments for body in bodies] or [0]
    least, most = min(parts), max(parts)
    each = f"{most} texts" if most != 1 else "1 text"
    if least != most:
        return Item(Check.LENGTH, most <= _LONG, f"{least} to {each} for each person, by their values.")
    return Item(
        Check.LENGTH, most <= _LONG, f"{each[0].upper()}{each[1:]} for each person, {count * most:,} in all."
    )


def _fields(campaign: Campaign, fields: Fields) -> list[Item]:
    """One line for each field without a fallback that somebody has no value for; one where all is well."""
    items = []
    used = fields.used_in(campaign.body)
    for each in used:
        if each.spared:
            continue
        empty = (*_waiting(campaign), _column(each) == "")
        people = select(Contact).join(Recipient, Recipient.contact_id == Contact.id).where(*empty)
        count = db.session.scalars(people.with_only_columns(func.count())).one()
        if count:
            some = db.session.scalars(people.order_by(Recipient.id).limit(_EXAMPLES))
            who = "1 person has" if count == 1 else f"{count:,} people have"
            items.append(
                Item(
                    Check.FIELDS,
                    False,
                    f"{who} no {each.name.replace('_', ' ')}. Say something for them: {{{each.name}|there}}.",
                    tuple(one.name or one.external_id or phone(one.number) for one in some),
                )
            )
    if used and not items:
        items.append(Item(Check.FIELDS, True, "Every field has a value, or words instead."))
    return items


def _last_rate(campaign: Campaign) -> list[Item]:
    last = db.session.scalars(
        select(Campaign)
        .where(
            Campaign.team_id == campaign.team_id,
            Campaign.state.in_((CampaignState.FINISHED, CampaignState.CANCELLED)),
            Campaign.started_at.is_not(None),
        )
        .order_by(Campaign.started_at.desc())
        .limit(1)
    ).first()
    if last is None:
        return []
    figures = results.figures_of(last)
    sent, out = figures[Outcome.SENT], figures[Outcome.OPTED_OUT]
    if not sent:
        return []
    says = f"After the last campaign, {last.name}, {out:,} of {sent:,} opted out ({100 * out / sent:.1f}%)."
    return [Item(Check.LAST_RATE, out / sent < _WATCHED_RATE, says)]


def _waiting(campaign: Campaign) -> tuple[ColumnElement[bool], ...]:
    return Recipient.campaign_id == campaign.id, Recipient.state == RecipientState.WAITING


def _column(used: Used) -> ColumnElement[str]:
    """What a contact has in a field."""
    if used.field_id is not None:
        return func.coalesce(Contact.custom[str(used.field_id)].astext, "")
    return getattr(Contact, used.name).expression  # type: ignore[no-any-return]


def _beyond_gsm(column: ColumnElement[str]) -> ColumnElement[int]:
    """How many characters of a value a text in GSM-7 cannot have."""
    alphabet = "".join(sorted(encoding.GSM | encoding.GSM_EXTENSION))
    return func.length(func.translate(column, literal(alphabet), ""))
