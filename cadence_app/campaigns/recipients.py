"""Whom a campaign texts, and whom it leaves out and why: worked out in one statement, and then read as counts
and lists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    CTE,
    ColumnElement,
    Label,
    Text,
    and_,
    case,
    cast,
    delete,
    func,
    insert,
    literal,
    null,
    select,
)
from sqlalchemy.orm import joinedload

from cadence_app.campaigns.models import Campaign, Reason, Recipient, RecipientState
from cadence_app.campaigns.segments import Segment
from cadence_app.consent import may_text
from cadence_app.consent.may_text import Bar, Kind
from cadence_app.consent.models import Consent
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging import bars
from cadence_app.messaging.models import Conversation, Message
from cadence_app.messaging.quiet_hours import ANY_PREFIX, NANP_PREFIX, Hours, zones_of

PAGE = 50
_SAMPLE = 3


@dataclass(frozen=True)
class Preview:
    """How many get it, how many of these wait for their quiet hours to end (the last of them until
    `all_open_at`), and how many are left out, by reason."""

    texted: int
    waiting: int
    all_open_at: datetime | None
    left_out: dict[Reason, int]

    @property
    def left_out_total(self) -> int:
        return sum(self.left_out.values())


def work_out(campaign: Campaign) -> None:
    """Writes a campaign's recipients anew from its segment, and commits nothing."""
    db.session.execute(delete(Recipient).where(Recipient.campaign_id == campaign.id))
    segment = Segment.of(campaign.segment)
    candidates = segment.candidates(campaign.team_id).cte("candidates")
    area = _area(candidates.c.number)
    areas = db.session.scalars(select(area).where(candidates.c.number.is_not(None)).distinct()).all()
    zones = (
        func.unnest(cast(list(areas), ARRAY(Text)), cast([zones_of(each) for each in areas], ARRAY(Text)))
        .table_valued("area", "zones")
        .render_derived()
    )
    reason = _reason(campaign.inbox, candidates, segment.may_repeat).label("reason")
    hidden = Consent.status.is_(None).label("hidden")
    judged = (
        select(candidates, reason, hidden, func.coalesce(zones.c.zones, "").label("zones"))
        .select_from(candidates)
        .outerjoin(zones, zones.c.area == area)
        .outerjoin(
            Consent,
            and_(Consent.contact_id == candidates.c.contact_id, Consent.team_id == campaign.team_id),
        )
        # Else PostgreSQL works the reason out anew wherever it is read below.
        .offset(0)
        .subquery()
    )
    left_out = judged.c.reason != ""
    # Nobody learns from a list who is in another team: of those only what was pasted is kept.
    rows = select(
        literal(campaign.id),
        literal(campaign.tenant_id),
        case((judged.c.hidden, null()), else_=judged.c.contact_id),
        judged.c.entry,
        case((left_out, RecipientState.LEFT_OUT), else_=RecipientState.WAITING),
        judged.c.reason,
        case((left_out, ""), else_=judged.c.zones),
    ).order_by(judged.c.place)
    columns = ["campaign_id", "tenant_id", "contact_id", "entry", "state", "reason", "zones"]
    db.session.execute(insert(Recipient).from_select(columns, rows))


def _area(number: ColumnElement[str]) -> Label[str]:
    """The digits that decide a number's time zones."""
    length = case((number.startswith("+1"), NANP_PREFIX), else_=ANY_PREFIX)
    return func.substr(number, 2, length).label("area")


def count(inbox: Inbox, segment: Segment) -> tuple[int, int]:
    """How many of a segment would get a text from an inbox now, and how many would be left out. Nothing is
    written."""
    candidates = segment.candidates(inbox.team_id).cte("candidates")
    judged = (
        select(_reason(inbox, candidates, segment.may_repeat).label("reason"))
        .select_from(candidates)
        .outerjoin(
            Consent, and_(Consent.contact_id == candidates.c.contact_id, Consent.team_id == inbox.team_id)
        )
        .subquery()
    )
    left_out = judged.c.reason != ""
    query = select(func.count().filter(~left_out), func.count().filter(left_out)).select_from(judged)
    return tuple(db.session.execute(query).one())  # type: ignore[return-value]


def _reason(inbox: Inbox, of: CTE, may_repeat: bool) -> ColumnElement[str]:
    """The first reason to leave a candidate out, empty where there is none: the bars of consent, which is
    asked again as each text goes, and whether they are in the list already. Whoever is not in the team has
    that reason before any other: it tells neither whether somebody has this ContactId or number, nor whether
    two entries are one person."""
    text = bars.text_from(inbox, Kind.AUTOMATED)
    columns = may_text.columns_of(text, of.c.contact_id, of.c.number, Consent.status.expression)
    # The same person by a number and by a ContactId is one; so is one number twice that nobody here has.
    who = func.coalesce(cast(of.c.contact_id, Text), of.c.number)
    repeated = func.row_number().over(partition_by=who, order_by=of.c.place) > 1
    reasons: list[tuple[ColumnElement[bool], str]] = []
    for bar, condition in may_text.conditions(text, columns):
        reasons.append((condition, Reason(bar)))
        if bar == Bar.NOT_IN_TEAM and may_repeat:
            reasons.append((repeated, Reason.DUPLICATE))
    return case(*reasons, else_="")


def preview(campaign: Campaign, hours: Hours, moment: datetime) -> Preview:
    """What would happen if it began at a moment."""
    query = (
        select(Recipient.reason, Recipient.zones, func.count())
        .where(Recipient.campaign_id == campaign.id)
        .group_by(Recipient.reason, Recipient.zones)
    )
    texted = waiting = 0
    opening: list[datetime] = []
    left_out = dict.fromkeys(Reason, 0)
    for reason, zones, count in db.session.execute(query):
        if reason:
            left_out[reason] += count
            continue
        texted += count
        opens_at = hours.opens_at(zones, moment)
        if opens_at > moment:
            waiting += count
            opening.append(opens_at)
    return Preview(
        texted, waiting, max(opening, default=None), {why: count for why, count in left_out.items() if count}
    )


def sample(campaign: Campaign) -> list[Contact]:
    """A few who get it, to show the text by."""
    query = (
        select(Contact)
        .join(Recipient, Recipient.contact_id == Contact.id)
        .where(Recipient.campaign_id == campaign.id, Recipient.state != RecipientState.LEFT_OUT)
        .order_by(Contact.first_name == "", Recipient.id)
        .limit(_SAMPLE)
    )
    return list(db.session.scalars(query))


def page_of(conditions: Sequence[ColumnElement[bool]], page: int, order: Sequence[Any]) -> list[Recipient]:
    """A page of recipients with their contacts, texts and conversations."""
    # The ids first: what is joined is read for a page, and not for all that come before it.
    ids = select(Recipient.id).where(*conditions).order_by(*order).limit(PAGE).offset((page - 1) * PAGE)
    query = (
        select(Recipient)
        .where(Recipient.id.in_(ids.scalar_subquery()))
        .options(
            joinedload(Recipient.contact),
            joinedload(Recipient.message).joinedload(Message.conversation).joinedload(Conversation.contact),
        )
        .order_by(*order)
    )
    return list(db.session.scalars(query))


def rows_of(conditions: Sequence[ColumnElement[bool]]) -> Iterator[Any]:
    """Every recipient as (contact's names, ContactId and number, entry, state, reason, sent at, detail), a
    thousand at a time."""
    query = (
        select(
            *(Contact.first_name, Contact.last_name, Contact.external_id, Contact.number),
            *(Recipient.entry, Recipient.state, Recipient.reason, Recipient.sent_at, Message.detail),
        )
        .select_from(Recipient)
        .outerjoin(Contact, Contact.id == Recipient.contact_id)
        .outerjoin(Message, Message.id == Recipient.message_id)
        .where(*conditions)
        .order_by(Recipient.id)
    )
    yield from db.session.execute(query.execution_options(yield_per=1000))
