"""A campaign for a test, and a worker that is killed while it sends one."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psutil
from sqlalchemy import Text, cast, func, insert, select, update

from cadence_app.accounts.models import Tenant, User
from cadence_app.campaigns import jobs, service
from cadence_app.campaigns.models import Campaign, CampaignState, Recipient, RecipientState
from cadence_app.campaigns.segments import Segment
from cadence_app.consent.ledger import Change, record_changes
from cadence_app.consent.models import OptOutChange, Source, Status
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.inbound import receive_text
from cadence_app.messaging.models import SENT_STATES, Conversation, Message, MessageKind
from tests.campaigns.carrier import NAME, CountingCarrier
from tests.conftest import ROOT
from tests.world import World, new_number


def always_open(world: World) -> None:
    """No quiet hours, and no speed limit to speak of."""
    with world.session():
        db.session.execute(
            update(Tenant).where(Tenant.id == world.tenant_id).values(texts_from=0, texts_until=24)
        )
        db.session.execute(update(Inbox).values(texts_per_second=10_000))
        db.session.commit()


def add_people(world: World, count: int, team_id: int | None = None, **values: Any) -> list[int]:
    """Contacts who are opted in to a team; their ids."""
    with world.session():
        rows = [
            {
                "tenant_id": world.tenant_id,
                "number": new_number(),
                "first_name": f"First{index}",
                "last_name": "Last",
                "external_id": "",
            }
            | values
            for index in range(count)
        ]
        ids = db.session.scalars(
            insert(Contact).returning(Contact.id, sort_by_parameter_order=True), rows
        ).all()
        team = team_id or world.team_id
        record_changes([Change(each, team, Status.OPTED_IN, Source.IMPORT) for each in ids])
        db.session.commit()
        return list(ids)


def add_campaign(
    world: World, segment: Segment | None = None, body: str = "Hi {first_name|there}", inbox: str = ""
) -> int:
    """A draft of the agent's."""
    with world.session():
        user = db.session.get_one(User, world.agent_id)
        box = db.session.scalars(select(Inbox).where(Inbox.number == (inbox or world.shared))).one()
        return service.save(user, None, box, "Open house", body, segment or Segment()).id


def send(world: World, campaign_id: int) -> None:
    """Starts it, and works until nothing is left to do just now."""
    start(world, campaign_id)
    with world.app.app_context():
        jobs.send_campaign(world.tenant_id, campaign_id)


def start(world: World, campaign_id: int) -> None:
    with world.session():
        user = db.session.get_one(User, world.agent_id)
        service.send_now(user, db.session.get_one(Campaign, campaign_id))


def schedule(world: World, campaign_id: int, at: datetime) -> None:
    with world.session():
        user = db.session.get_one(User, world.agent_id)
        service.schedule(user, db.session.get_one(Campaign, campaign_id), at)


def state_of(world: World, campaign_id: int) -> str:
    with world.session():
        return db.session.get_one(Campaign, campaign_id).state


def counts(world: World, campaign_id: int) -> dict[str, int]:
    """How many recipients are in each state, those left out by their reason."""
    with world.session():
        what = func.coalesce(func.nullif(Recipient.reason, ""), cast(Recipient.state, Text))
        query = select(what, func.count()).where(Recipient.campaign_id == campaign_id).group_by(what)
        return dict(db.session.execute(query).all())


def work(world: World, campaign_id: int) -> None:
    """Does the worker's part in this process."""
    with world.app.app_context():
        jobs.send_campaign(world.tenant_id, campaign_id)


def texts_of(world: World, campaign_id: int) -> list[Message]:
    """A campaign's texts, oldest first, detached."""
    with world.session():
        query = select(Message).where(Message.campaign_id == campaign_id).order_by(Message.id)
        rows = list(db.session.scalars(query))
        db.session.expunge_all()
        return rows


def act(world: World, what: str, campaign_id: int) -> None:
    """The agent's `pause`, `resume` or `cancel`."""
    with world.session():
        user = db.session.get_one(User, world.agent_id)
        getattr(service, what)(user, db.session.get_one(Campaign, campaign_id))


@contextmanager
def worker(carrier: CountingCarrier) -> Iterator[psutil.Process]:
    command = [sys.executable, "-W", "ignore", "-m", "tests.campaigns.worker", carrier.url]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    started = subprocess.Popen(command, cwd=ROOT, env=dict(os.environ), **quiet)  # type: ignore[call-overload]
    process = psutil.Process(started.pid)
    yield process
    for each in (*process.children(recursive=True), process):
        _kill(each)
    started.wait()


@dataclass
class Killed:
    """A campaign that was sent while its worker was killed again and again. `stopped_at` is when the opt out
    of each who sent one meanwhile had been committed, by number (time.monotonic())."""

    campaign_id: int
    stopped_at: dict[str, float] = field(default_factory=dict)


def send_with_kills(
    world: World, carrier: CountingCarrier, people: int, kills: int, seconds: float
) -> Killed:
    """Sends a campaign to that many while the process that sends is killed (SIGKILL) that often, the whole
    worker now and then, and one of those who wait opts out before each kill. Errors: AssertionError where it
    is not done in time."""
    always_open(world)
    with world.session():
        # Slow enough that it is not over before the last kill.
        pace = max(10, people // (2 * kills))
        db.session.execute(update(Inbox).values(provider=NAME, texts_per_second=pace))
        db.session.commit()
    add_people(world, people)
    killed = Killed(add_campaign(world))
    campaign_id = killed.campaign_id
    start(world, campaign_id)
    chance, deadline = random.Random(7), time.monotonic() + seconds
    left = kills
    while left:
        with worker(carrier) as process:
            # The last kill of a worker's life is its own.
            for _ in range(min(left, 10)):
                _until_more_texts(world, campaign_id, carrier, deadline)
                _one_opts_out(world, killed, chance)
                # Every other one falls while a text is with the carrier, whose answer is then lost.
                if left % 2:
                    _until_busy(carrier, deadline)
                else:
                    time.sleep(chance.random() * 0.05)
                horses = process.children()
                for horse in horses:
                    _kill(horse)
                left -= bool(horses)
                over = state_of(world, campaign_id) == CampaignState.FINISHED
                assert not over, f"it was over before {left} more kills"
    with worker(carrier):
        while state_of(world, campaign_id) != CampaignState.FINISHED:
            assert time.monotonic() < deadline, f"{counts(world, campaign_id)}, {carrier.total} texts"
            _keep_going(world, campaign_id)
            time.sleep(0.1)
    return killed


def texted_after_opting_out(world: World) -> list[str]:
    """The numbers of those who were texted although their opt out stood when the text was decided about. (One
    that was decided about before may reach the carrier a moment after the opt out.)"""
    out = (
        select(OptOutChange.id)
        .where(
            OptOutChange.contact_id == Conversation.contact_id,
            OptOutChange.team_id == Inbox.team_id,
            OptOutChange.status == Status.OPTED_OUT,
            OptOutChange.changed_at <= Message.decided_at,
        )
        .exists()
    )
    query = (
        select(Contact.number)
        .select_from(Message)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .join(Contact, Contact.id == Conversation.contact_id)
        .join(Inbox, Inbox.id == Message.inbox_id)
        .where(Message.kind == MessageKind.PERSON, Message.state.in_(SENT_STATES), out)
    )
    with world.session():
        return list(db.session.scalars(query))


def _one_opts_out(world: World, killed: Killed, chance: random.Random) -> None:
    """By a text; one of the next few, or whoever of those who wait."""
    with world.session():
        query = (
            select(Contact.number)
            .join(Recipient, Recipient.contact_id == Contact.id)
            .where(Recipient.campaign_id == killed.campaign_id, Recipient.state == RecipientState.WAITING)
            .order_by(Recipient.zones, Recipient.id)
        )
        waiting = [each for each in db.session.scalars(query) if each not in killed.stopped_at]
    if not waiting:
        return
    number = chance.choice(waiting[:5] if chance.random() < 0.5 else waiting)
    with world.app.app_context():
        receive_text(world.shared, number, "STOP", str(uuid.uuid4()), datetime.now(UTC))
    killed.stopped_at[number] = time.monotonic()


def _keep_going(world: World, campaign_id: int) -> None:
    """What the sweep does once a worker has not been heard of for a while."""
    with world.app.app_context():
        jobs.dispatch(world.tenant_id, campaign_id)


def _until_more_texts(world: World, campaign_id: int, carrier: CountingCarrier, deadline: float) -> None:
    before = carrier.total
    while carrier.total == before:
        assert time.monotonic() < deadline, f"no more texts: {counts(world, campaign_id)}"
        # More than once: a worker that comes too early finds that the dead one's lock is not let go of yet.
        _keep_going(world, campaign_id)
        time.sleep(0.02)


def _until_busy(carrier: CountingCarrier, deadline: float) -> None:
    while not carrier.busy:
        assert time.monotonic() < deadline, "no text came"
        time.sleep(0.0005)


def _kill(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        process.kill()
