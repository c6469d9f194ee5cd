"""Jobs beside the webhooks: reading what one could only keep, reading back what none brought, and the
carriers' own lists of blocks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from cadence_app.extensions import db
from cadence_app.messaging.carriers import read_back, unread
from cadence_app.messaging.carriers.intake import take_in
from cadence_app.messaging.carriers.models import CarrierAccount
from cadence_app.messaging.carriers.reconciling import (
    carriers_with_a_list,
    has_a_list,
    note_self_managed,
    take_over_blocks,
)
from cadence_app.messaging.jobs import dispatch
from cadence_app.messaging.media.jobs import fetch_soon
from cadence_app.tenancy import use_tenant
from cadence_app.work.queueing import job
from cadence_app.work.sweeps import EVERYBODY, sweep
from cadence_app.work.units import on_its_own

# On the queue of files, for a carrier that answers slowly must hold up no round, which sends texts too.
_LONGEST_SECONDS = 1800
_HOURLY = 3600


def _carriers(names: Iterable[str]) -> Mapping[str, list[str]]:
    return {"carriers": [str(name) for name in names]}


@sweep("due_carrier_events")
def sweep_carrier_events(tenant_id: int, event_id: int) -> None:
    """Reads an event that waits; of each tenant the oldest first."""
    if received := take_in(event_id):
        dispatch(received.reply_id)
        fetch_soon(tenant_id, received.media_ids)


@sweep("due_read_backs", late=read_back.WHILE_HELD, given=lambda: _carriers(read_back.carriers_that_list()))
def sweep_read_backs(tenant_id: int, _: int) -> None:
    """Queues the reading back of a tenant's accounts that are due for it: hourly, and at once after a gap."""
    for account_id in read_back.claim_due():
        read_account_back.put(f"read-back-{account_id}", tenant_id, account_id)


@job("media", _LONGEST_SECONDS)
def read_account_back(tenant_id: int, account_id: int) -> None:
    """Takes in the texts that an account's carrier has and did not bring. Twice at once does no harm."""
    use_tenant(tenant_id)
    for received in read_back.read_back(account_id):
        dispatch(received.reply_id)
        fetch_soon(tenant_id, received.media_ids)


@sweep(
    "due_read_posts",
    late=unread.KEPT_AFTER_READING,
    every=_HOURLY,
    queue="sweeps",
    seconds=_LONGEST_SECONDS,
    of_each=1,
    at_most=EVERYBODY,
)
def discard_read_posts(tenant_id: int, _: int) -> None:
    """Deletes the posts of a tenant that nobody could read and an admin has read, 90 days later."""
    unread.discard_old(datetime.now(UTC))


@sweep("due_block_lists", every=_HOURLY, at_most=EVERYBODY, given=lambda: _carriers(carriers_with_a_list()))
def reconcile_blocks(tenant_id: int, account_id: int) -> None:
    """Has the carrier of an account asked for the blocks it has."""
    reconcile_account.put(f"blocks-{account_id}", tenant_id, account_id)


@job("media", _LONGEST_SECONDS)
def reconcile_account(tenant_id: int, account_id: int) -> None:
    """Takes over the blocks that a carrier has and we do not know of. One that it does not have changes
    nothing here: it opts nobody in. Notes as well which numbers' opt outs it leaves to us."""
    use_tenant(tenant_id)
    for about in (take_over_blocks, note_self_managed):
        with on_its_own("the blocks of carrier account %s are out of reach", account_id):
            if account := db.session.get(CarrierAccount, account_id):
                about(account)


def ask_soon(account: CarrierAccount) -> None:
    """Has a carrier asked about an account that was just entered. Without Redis the hourly sweep does it."""
    if has_a_list(account):
        reconcile_account.put(f"blocks-{account.id}", account.tenant_id, account.id)
