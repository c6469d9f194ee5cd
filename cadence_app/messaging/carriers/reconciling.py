"""What a carrier says by itself, where it can be asked: its list of blocked numbers, against ours, and the
numbers whose opt outs it leaves to us."""

from __future__ import annotations

from itertools import islice

from sqlalchemy import exists, select

from cadence_app.consent.contact_rows import lock_contacts
from cadence_app.consent.models import Block, BlockScope
from cadence_app.contacts.models import ContactNumber
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging import providers
from cadence_app.messaging.carriers.models import CarrierAccount
from cadence_app.messaging.carriers.of_inbox import driver_of
from cadence_app.messaging.carriers.scopes import note_block

_BATCH = 1000


def carriers_with_a_list() -> list[str]:
    return [each.code for each in providers.carriers() if each.blocked_numbers]


def has_a_list(account: CarrierAccount) -> bool:
    return driver_of(account).blocked_numbers is not None


def take_over_blocks(account: CarrierAccount) -> int:
    """Blocks the contacts whom the carrier blocks and we do not; commits each. Returns how many they were.
    Errors: those of asking the carrier."""
    inbox = db.session.scalars(
        select(Inbox).where(Inbox.carrier_account_id == account.id).order_by(Inbox.id).limit(1)
    ).one_or_none()
    listed = driver_of(account).blocked_numbers
    if inbox is None or listed is None:
        return 0
    taken, blocked = 0, listed(account)
    while numbers := list(islice(blocked, _BATCH)):
        known = exists().where(
            Block.contact_id == ContactNumber.contact_id,
            Block.scope == BlockScope.CARRIER_NUMBER,
            Block.inbox_id == inbox.id,
            Block.number == ContactNumber.number,
        )
        unknown = (
            select(ContactNumber.contact_id, ContactNumber.number)
            .where(ContactNumber.number.in_(numbers), ContactNumber.until.is_(None), ~known)
            .order_by(ContactNumber.contact_id)
        )
        for contact_id, number in db.session.execute(unknown).all():
            lock_contacts([contact_id])
            # Also of whoever has it by now, where it went to somebody else while this waited.
            note_block(inbox, contact_id, number)
            db.session.commit()
            taken += 1
    return taken


def note_self_managed(account: CarrierAccount) -> None:
    """Keeps for which numbers the carrier leaves the opt outs to us; commits. Errors: those of asking it."""
    if tells := driver_of(account).self_managed_numbers:
        account.self_managed = tells(account)
        db.session.commit()
