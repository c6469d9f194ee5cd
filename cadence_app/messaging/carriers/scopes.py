"""How far a carrier's block reaches, and keeping it beside consent.

It is of one number of ours, or of something that every inbox of the account shares, as the carrier's driver
says. It is kept as one block for each inbox it reaches.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Select, select, update

from cadence_app.consent import blocks
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging import answering
from cadence_app.messaging.carriers.models import CarrierAccount
from cadence_app.messaging.carriers.of_inbox import account_of, driver_of
from cadence_app.messaging.models import Conversation, Message, MessageState, Unsent
from cadence_app.messaging.providers.base import BLOCKED, BlockReach


def reach_of(inbox: Inbox) -> tuple[int, ...]:
    """The ids of the inboxes that a block at this one's carrier reaches, itself among them."""
    account = account_of(inbox)
    if account is None or not _shared(account):
        return (inbox.id,)
    return tuple(db.session.scalars(_of_account(account)))


def note_block(inbox: Inbox, contact_id: int, number: str) -> None:
    """Keeps that the carrier blocks a number of this contact, and takes back what waits to go to them there.
    The caller holds the contact and commits."""
    inbox_ids = reach_of(inbox)
    for inbox_id in inbox_ids:
        blocks.block_number(contact_id, inbox_id, number)
    waiting = select(Conversation.id).where(
        Conversation.contact_id == contact_id, Conversation.inbox_id.in_(inbox_ids)
    )
    taken_back = db.session.scalars(
        update(Message)
        .where(Message.conversation_id.in_(waiting), Message.state == MessageState.QUEUED)
        .values(state=MessageState.SUPPRESSED, detail=BLOCKED, unsent_reason=Unsent.CARRIER_BLOCK)
        .returning(Message),
        execution_options={"synchronize_session": False, "populate_existing": True},
    ).all()
    for message in sorted(taken_back, key=lambda each: (each.conversation_id, each.id)):
        answering.unanswered(message)


def teams_sharing(account: CarrierAccount) -> list[str]:
    """The names of the teams whose inboxes one block of this account reaches, where more than one."""
    if not _shared(account):
        return []
    inboxes = db.session.scalars(select(Inbox).where(Inbox.carrier_account_id == account.id)).all()
    names = sorted({inbox.team.name for inbox in inboxes})
    return names if len(names) > 1 else []


def spread(account: CarrierAccount, inbox_ids: Collection[int]) -> None:
    """Blocks at inboxes that join an account whom it blocks at its others, where its blocks reach all."""
    if _shared(account):
        blocks.copy_carrier_blocks(db.session.scalars(_of_account(account)).all(), inbox_ids)


def _shared(account: CarrierAccount) -> bool:
    """Whether its blocks reach every inbox of it."""
    return driver_of(account).block_reach == BlockReach.ACCOUNT


def _of_account(account: CarrierAccount) -> Select[int]:
    return select(Inbox.id).where(Inbox.carrier_account_id == account.id).order_by(Inbox.id)
