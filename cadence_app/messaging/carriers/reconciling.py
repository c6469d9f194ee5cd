"""What a carrier says by itself, where it can be asked: its list of blocked numbers, against ours, and the
numbers whose opt outs it leaves to us."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Protocol

from sqlalchemy import exists, select

from cadence_app.consent.ledger import lock_contacts
from cadence_app.consent.models import Block, BlockScope
from cadence_app.contacts.models import ContactNumber
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.carriers.models import Carrier, CarrierAccount
from cadence_app.messaging.carriers.scopes import note_block
from cadence_app.messaging.providers.aws import Aws
from cadence_app.messaging.providers.telnyx import Telnyx


class _Listed(Protocol):
    def blocked_numbers(self) -> Iterator[str]: ...


_LISTS: dict[str, Callable[[CarrierAccount], _Listed]] = {Carrier.TELNYX: Telnyx, Carrier.AWS: Aws}
_BATCH = 1000


def carriers_with_a_list() -> list[str]:
    return list(_LISTS)


def has_a_list(account: CarrierAccount) -> bool:
    return account.carrier in _LISTS


def take_over_blocks(account: CarrierAccount) -> int:
    """Blocks the contacts whom the carrier blocks and we do not; commits each. Returns how many they were.
    Errors: those of asking the carrier."""
    inbox = db.session.scalars(
        select(Inbox).where(Inbox.carrier_account_id == account.id).order_by(Inbox.id).limit(1)
    ).one_or_none()
    if inbox is None:
        return 0
    taken = 0
    blocked = _LISTS[account.carrier](account).blocked_numbers()
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
    if account.carrier == Carrier.AWS:
        account.self_managed = Aws(account).self_managed_numbers()
        db.session.commit()
