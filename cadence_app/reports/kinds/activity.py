"""User activity: what each user did on each day of the tenant's zone."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Date, case, cast, func, literal, select, union_all

from cadence_app.accounts.models import User
from cadence_app.consent.models import OptOutChange, Source, Status
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.models import Direction, Message, MessageState
from cadence_app.reports.kinds.base import ENDS_AT, STARTS_AT, ZONE, Cell, Column, Kind

_changes = select(
    OptOutChange.user_id,
    OptOutChange.team_id,
    cast(func.timezone(ZONE, OptOutChange.changed_at), Date).label("day"),
    case(
        (OptOutChange.source == Source.MANUAL_ADD, literal("added")),
        (OptOutChange.status == Status.OPTED_OUT, literal("out")),
        else_=literal("in"),
    ).label("what"),
).where(
    OptOutChange.source.in_((Source.TOGGLE, Source.MANUAL_ADD)),
    OptOutChange.changed_at >= STARTS_AT,
    OptOutChange.changed_at < ENDS_AT,
)
_texts = (
    select(
        Message.user_id,
        Inbox.team_id,
        cast(func.timezone(ZONE, Message.created_at), Date),
        case(
            (Message.state.in_((MessageState.SENT, MessageState.DELIVERED)), literal("sent")),
            else_=literal("unsent"),
        ),
    )
    .join(Inbox, Inbox.id == Message.inbox_id)
    .where(
        Message.direction == Direction.OUTBOUND,
        Message.created_at >= STARTS_AT,
        Message.created_at < ENDS_AT,
    )
)
_acts = union_all(_changes, _texts).subquery()


def _number_of(what: str) -> ColumnElement[int]:
    return func.count().filter(_acts.c.what == what)


USER_ACTIVITY = Kind(
    key="user-activity",
    title="User activity",
    about="What each user did on each day: statuses changed, contacts added, texts sent.",
    note=(
        "A day on which a user did nothing has no row. Imports, automatic answers, and what followed from a"
        " change of number or a merge are not in it."
    ),
    nothing="No user did anything in these days",
    query=(
        select(User.id)
        .join(_acts, _acts.c.user_id == User.id)
        .group_by(_acts.c.day, User.id)
        .order_by(_acts.c.day, User.name, User.id)
    ),
    columns=(
        Column("Day", _acts.c.day, Cell.DAY),
        Column("User", User.name),
        Column("Email", User.email),
        Column("OptOuts", _number_of("out"), Cell.NUMBER),
        Column("OptIns", _number_of("in"), Cell.NUMBER),
        Column("ContactsAdded", _number_of("added"), Cell.NUMBER),
        Column("TextsSent", _number_of("sent"), Cell.NUMBER),
        Column("TextsNotSent", _number_of("unsent"), Cell.NUMBER),
    ),
    filters={
        "team_id": lambda team_id: _acts.c.team_id == team_id,
        "user_id": lambda user_id: User.id == user_id,
    },
)
