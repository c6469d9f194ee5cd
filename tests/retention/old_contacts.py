"""Contacts whose last text is long ago, and what a test does to a run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cadence_app.accounts.models import Tenant, User
from cadence_app.consent import seals
from cadence_app.consent.ledger import Change, record_change
from cadence_app.consent.models import Source, Status
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.conversations import conversation_with
from cadence_app.messaging.models import Direction, Message, MessageState
from cadence_app.retention import jobs, service
from cadence_app.retention.models import RetentionRun
from tests.world import World, new_number

NOW = datetime.now(UTC)
# Older than the one year that these tests keep contacts for.
LONG_AGO = NOW - timedelta(days=400)


def old_contact(
    world: World,
    status: Status = Status.OPTED_IN,
    number: str | None = None,
    at: datetime = LONG_AGO,
    texts: int = 2,
    **names: str,
) -> int:
    """A contact with a status in the first team, a conversation and texts of that time."""
    number = number or new_number()
    with world.session():
        contact = Contact(
            tenant_id=world.tenant_id, number=number, created_at=at, **{"first_name": "Old"} | names
        )
        db.session.add(contact)
        db.session.flush()
        source = Source.KEYWORD if status == Status.OPTED_OUT else Source.COLD_INBOUND
        words = "STOP" if status == Status.OPTED_OUT else "hello"
        record_change(Change(contact.id, world.team_id, status, source, at=at, words=words))
        inbox = db.session.query(Inbox).filter_by(number=world.shared).one()
        conversation = conversation_with(inbox, contact.id)
        for index in range(texts):
            db.session.add(
                Message(
                    tenant_id=world.tenant_id,
                    conversation_id=conversation.id,
                    inbox_id=inbox.id,
                    direction=Direction.INBOUND,
                    body=f"text {index}",
                    state=MessageState.RECEIVED,
                    created_at=at,
                )
            )
        conversation.last_message_at = at
        db.session.commit()
        return contact.id


def keep_for_a_year(world: World) -> None:
    with world.session():
        db.session.get_one(Tenant, world.tenant_id).retention_years = 1
        db.session.commit()
        seals.seal_closed_days()


def dry_run(world: World) -> int:
    """A dry run that a worker has counted."""
    with world.session():
        run_id = service.request_dry_run(db.session.get_one(User, world.admin_id)).id
    work(world, run_id)
    return run_id


def work(world: World, run_id: int) -> RetentionRun:
    """Does the worker's part in this process."""
    with world.app.app_context():
        jobs.advance(world.tenant_id, run_id)
    return run_row(world, run_id)


def run_row(world: World, run_id: int) -> RetentionRun:
    with world.session():
        run = db.session.get_one(RetentionRun, run_id)
        db.session.expunge_all()
        return run


def approve(world: World, run_id: int) -> None:
    with world.session():
        run = db.session.get_one(RetentionRun, run_id)
        admin = db.session.get_one(User, world.admin_id)
        service.approve(admin, run, service.totals(run).contacts)


def remove_all(world: World) -> RetentionRun:
    """A dry run that an admin approves and a worker removes."""
    run_id = dry_run(world)
    approve(world, run_id)
    return work(world, run_id)
