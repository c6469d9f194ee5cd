"""Blocks: what stands beside consent with a scope of its own, such as personal inboxes, the teams that
somebody joins later, or the numbers that a carrier blocks. Which of them keep a text from going: may_text.py.

Those that came with a number which somebody else had stopped are number_stops.py's.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ARRAY, BigInteger, cast, delete, exists, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from cadence_app.consent.models import Block, BlockScope
from cadence_app.contacts.models import ContactNumber
from cadence_app.extensions import db
from cadence_app.phone_numbers import spellings
from cadence_app.tenancy import tenant_in_use

STOPPED_EVERYWHERE = "The person had opted out of the whole organization before."


def blocks_of(contact_id: int) -> list[Block]:
    return list(db.session.scalars(select(Block).where(Block.contact_id == contact_id).order_by(Block.id)))


def block(contact_id: int, scope: BlockScope, inbox_id: int | None = None, number: str = "") -> None:
    """`number` is the one that a carrier blocks."""
    db.session.execute(
        upsert(Block)
        .values(
            tenant_id=tenant_in_use(), contact_id=contact_id, scope=scope, inbox_id=inbox_id, number=number
        )
        .on_conflict_do_nothing()
    )


def block_by_words(contact_id: int, scope: BlockScope, said_at: datetime) -> None:
    """A bar by the contact's own words, from when they said them; later words make it one from then."""
    statement = upsert(Block).values(
        tenant_id=tenant_in_use(), contact_id=contact_id, scope=scope, since=said_at
    )
    db.session.execute(
        statement.on_conflict_do_update(
            index_elements=["contact_id", "scope", "inbox_id", "number", "team_id"],
            set_={"since": func.greatest(Block.since, statement.excluded.since)},
        )
    )


def unblock_by_words(contact_id: int, scope: BlockScope, said_at: datetime) -> None:
    """Lifts a bar that was there when the contact said so; words that come late leave a newer one."""
    db.session.execute(
        delete(Block).where(
            Block.contact_id == contact_id,
            Block.scope == scope,
            Block.number == "",
            Block.since <= said_at,
        )
    )


def block_number(contact_id: int, inbox_id: int, number: str) -> None:
    """block_number_at() one inbox."""
    block_number_at(contact_id, [inbox_id], number)


def block_number_at(contact_id: int, inbox_ids: Collection[int], number: str) -> None:
    """Keeps that the carrier of these inboxes blocks a number (E.164) of a contact, and of whoever else has
    it by now: the carrier knows numbers, not people. Who gets it later is blocked by a trigger of the
    database."""
    now = select(ContactNumber.contact_id).where(
        ContactNumber.number.in_(spellings(number)), ContactNumber.until.is_(None)
    )
    rows = [
        {
            "tenant_id": tenant_in_use(),
            "contact_id": each,
            "scope": BlockScope.CARRIER_NUMBER,
            "inbox_id": inbox_id,
            "number": number,
        }
        for each in sorted({contact_id, *db.session.scalars(now)})
        for inbox_id in inbox_ids
    ]
    if rows:
        db.session.execute(upsert(Block).values(rows).on_conflict_do_nothing())


def unblock_number_at(inbox_ids: Collection[int], number: str) -> None:
    """Notes that the carrier of these inboxes blocks a number (E.164) no more, whoever has or had it."""
    db.session.execute(
        delete(Block).where(
            Block.scope == BlockScope.CARRIER_NUMBER,
            Block.inbox_id.in_(inbox_ids),
            Block.number.in_(spellings(number)),
        )
    )


def blocked(contact_id: int, scope: BlockScope, inbox_id: int | None = None, number: str = "") -> bool:
    return bool(
        db.session.scalar(
            select(
                exists().where(
                    Block.contact_id == contact_id,
                    Block.scope == scope,
                    Block.inbox_id.is_not_distinct_from(inbox_id),
                    Block.number == number,
                )
            )
        )
    )


def copy_carrier_blocks(from_inbox_ids: Collection[int], to_inbox_ids: Collection[int]) -> None:
    """Blocks at the second inboxes the numbers that are blocked at one of the first."""
    blocked_there = (
        select(
            Block.tenant_id,
            Block.contact_id,
            Block.scope,
            Block.number,
            func.unnest(cast(list(to_inbox_ids), ARRAY(BigInteger))),
        )
        .where(Block.scope == BlockScope.CARRIER_NUMBER, Block.inbox_id.in_(from_inbox_ids))
        .distinct()
    )
    columns = ["tenant_id", "contact_id", "scope", "number", "inbox_id"]
    db.session.execute(upsert(Block).from_select(columns, blocked_there).on_conflict_do_nothing())


def stops_everywhere(contact_id: int) -> bool:
    """Whether a contact's own words opted them out of teams that they join later too."""
    return contact_id in stopped_everywhere([contact_id])


def give_back_everywhere(contact_id: int, said_at: datetime, since: datetime | None) -> None:
    """Makes the bar by a contact's own words of teams they join later what it was before words of `said_at`:
    from `since` on, or none. One that was lifted or made anew meanwhile stays so."""
    theirs = (
        Block.contact_id == contact_id,
        Block.scope == BlockScope.ORGANISATION,
        Block.number == "",
        Block.since == max(said_at, since or said_at),
    )
    if since is None:
        db.session.execute(delete(Block).where(*theirs))
    else:
        db.session.execute(update(Block).where(*theirs).values(since=since))


def stopped_everywhere(contact_ids: Collection[int]) -> dict[int, datetime]:
    """Those of the contacts whose own words opted them out of teams they join later too, and since when."""
    query = select(Block.contact_id, Block.since).where(
        Block.contact_id.in_(contact_ids), Block.scope == BlockScope.ORGANISATION, Block.number == ""
    )
    return {row.contact_id: row.since for row in db.session.execute(query)}


def give_to(contact_id: int, from_id: int) -> None:
    """Gives a contact every block of another one beside its own."""
    copied = (
        *(Block.tenant_id, Block.scope, Block.inbox_id, Block.team_id, Block.number, Block.since),
        Block.reason,
    )
    own = select(literal(contact_id), *copied).where(Block.contact_id == from_id)
    given = upsert(Block).from_select(["contact_id", *(column.key for column in copied)], own)
    db.session.execute(given.on_conflict_do_nothing())


def move(contact_id: int, from_id: int) -> None:
    """Gives a contact the blocks of another one, who is gone and keeps none."""
    give_to(contact_id, from_id)
    db.session.execute(delete(Block).where(Block.contact_id == from_id))
