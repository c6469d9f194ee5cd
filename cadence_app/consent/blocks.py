"""Bars beside consent whose scope is not one team: personal inboxes, later teams, a toll-free network."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ARRAY, BigInteger, cast, delete, exists, func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from cadence_app.consent.models import Block, BlockScope
from cadence_app.extensions import db
from cadence_app.tenancy import tenant_in_use


def blocks_of(contact_id: int) -> list[Block]:
    return list(db.session.scalars(select(Block).where(Block.contact_id == contact_id).order_by(Block.id)))


def block(contact_id: int, scope: BlockScope, inbox_id: int | None = None) -> None:
    db.session.execute(
        upsert(Block)
        .values(tenant_id=tenant_in_use(), contact_id=contact_id, scope=scope, inbox_id=inbox_id)
        .on_conflict_do_nothing()
    )


def unblock(contact_id: int, scope: BlockScope, inbox_id: int | None = None) -> None:
    db.session.execute(
        delete(Block).where(
            Block.contact_id == contact_id,
            Block.scope == scope,
            Block.inbox_id.is_not_distinct_from(inbox_id),
        )
    )


def blocked(contact_id: int, scope: BlockScope, inbox_id: int | None = None) -> bool:
    return bool(
        db.session.scalar(
            select(
                exists().where(
                    Block.contact_id == contact_id,
                    Block.scope == scope,
                    Block.inbox_id.is_not_distinct_from(inbox_id),
                )
            )
        )
    )


def copy_carrier_blocks(from_inbox_ids: Collection[int], to_inbox_ids: Collection[int]) -> None:
    """Blocks at the second inboxes whoever is blocked at one of the first."""
    blocked_there = (
        select(
            Block.tenant_id,
            Block.contact_id,
            Block.scope,
            func.unnest(cast(list(to_inbox_ids), ARRAY(BigInteger))),
        )
        .where(Block.scope == BlockScope.CARRIER_NUMBER, Block.inbox_id.in_(from_inbox_ids))
        .distinct()
    )
    columns = ["tenant_id", "contact_id", "scope", "inbox_id"]
    db.session.execute(upsert(Block).from_select(columns, blocked_there).on_conflict_do_nothing())
