"""Texts a second, queued to delivered: by the sender in one process, as ratios within one run.

Yardstick: one connection that commits an update of each text, one after the other, on the same database. And
against a carrier that answers after 250 ms, with the inbox at 100 a second: the part of the set pace.
"""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, text, update

from benchmarks.scratch import Scratch, scratch_installation
from cadence_app.accounts.models import User
from cadence_app.campaigns import sending as campaigns
from cadence_app.campaigns import service
from cadence_app.campaigns.models import Campaign
from cadence_app.campaigns.segments import Segment
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging import providers
from cadence_app.messaging.models import Message, MessageState
from cadence_app.messaging.sender import Sender
from cadence_app.tenancy import use_tenant
from tests.campaigns.carrier import NAME, counting_carrier, driver_at
from tests.campaigns.sending import add_people, always_open
from tests.messaging.under_way import queue
from tests.world import World, make_world

_SLOW_SECONDS = 0.25
_PACE = 100


def report(folder: Path, texts: int) -> str:
    """Measures, writes sending.json and sending.md to the folder, and returns the latter."""
    with scratch_installation() as scratch:
        found = _measure(scratch, texts)
    (folder / "sending.json").write_text(json.dumps(found, indent=2) + "\n")
    told = _markdown(found)
    (folder / "sending.md").write_text(told)
    return told


def _measure(scratch: Scratch, texts: int) -> dict[str, Any]:
    world = make_world(scratch.app, "teams")
    always_open(world)
    people = add_people(world, texts)
    commits = _commits(world, min(texts, 500))
    singles = _sent_by_sender(world, queue(world, people))
    campaign = _campaign(world)
    with counting_carrier(_SLOW_SECONDS) as carrier:
        providers.register(driver_at(carrier.url))
        with world.session():
            values = {"provider": NAME, "texts_per_second": _PACE, "next_text_at": None}
            db.session.execute(update(Inbox).values(values))
            db.session.commit()
        slow = _sent_by_sender(world, queue(world, people))
        once = max(len(bodies) for bodies in carrier.texts.values()) == 1
    return {
        "texts": texts,
        "commits_a_second": round(commits, 1),
        "single_texts_a_second": round(singles, 1),
        "campaign_texts_a_second": round(campaign, 1),
        "slow_carrier_texts_a_second": round(slow, 1),
        "slow_carrier_of_the_set_pace": round(slow / _PACE, 3),
        "each_once": once,
    }


def _commits(world: World, count: int) -> float:
    """Single updates of a row that are committed, in a second."""
    with world.session():
        begun = time.perf_counter()
        for _ in range(count):
            db.session.execute(
                text("UPDATE inboxes SET next_text_at = NULL WHERE id = (SELECT min(id) FROM inboxes)")
            )
            db.session.commit()
        return count / (time.perf_counter() - begun)


def _sent_by_sender(world: World, message_ids: list[int]) -> float:
    with world.app.app_context():
        sender = Sender()

    def run() -> None:
        with world.app.app_context():
            sender.send()

    thread = threading.Thread(target=run)
    begun = time.perf_counter()
    thread.start()
    while _open(world, message_ids):
        time.sleep(0.2)
    seconds = time.perf_counter() - begun
    sender.stop()
    thread.join()
    return len(message_ids) / seconds


def _open(world: World, message_ids: list[int]) -> int:
    with world.session():
        going = Message.state.in_((MessageState.QUEUED, MessageState.SENDING))
        query = select(func.count()).where(Message.id.between(message_ids[0], message_ids[-1]), going)
        return db.session.scalars(query).one()


def _campaign(world: World) -> float:
    """One worker's slices until it is over."""
    with world.session():
        user = db.session.get_one(User, world.agent_id)
        box = db.session.scalars(select(Inbox).where(Inbox.number == world.shared)).one()
        campaign = service.save(user, None, box, "Bench", "Hi {first_name|there}", Segment())
        service.send_now(user, db.session.get_one(Campaign, campaign.id))
        campaign_id = campaign.id
    with world.session():
        use_tenant(world.tenant_id)
        begun = time.perf_counter()
        while campaigns.work(campaign_id):
            pass
        seconds = time.perf_counter() - begun
        sent = db.session.scalars(select(func.count()).where(Message.campaign_id == campaign_id)).one()
    return sent / seconds


def _markdown(found: dict[str, Any]) -> str:
    rows = [
        ("One row updated and committed, one connection (the yardstick)", "commits_a_second"),
        ("Single texts, simulator", "single_texts_a_second"),
        ("Campaign, simulator", "campaign_texts_a_second"),
        ("Single texts, a carrier of 250 ms, inbox at 100 a second", "slow_carrier_texts_a_second"),
    ]
    lines = ["# Sending", "", f"{found['texts']:,} texts each, queued to delivered.", ""]
    lines += ["| What | A second |", "|---|---|"]
    lines += [f"| {what} | {found[key]} |" for what, key in rows]
    lines += [
        "",
        f"Of the set pace: {found['slow_carrier_of_the_set_pace']}. Nobody twice: {found['each_once']}.",
    ]
    return "\n".join(lines) + "\n"
