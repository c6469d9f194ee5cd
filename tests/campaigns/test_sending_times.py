"""When a campaign is sent: quiet hours, a time that was missed, and one that is still to come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from cadence_app.accounts.models import Tenant
from cadence_app.campaigns import jobs
from cadence_app.campaigns.models import Campaign
from cadence_app.extensions import db, rq
from tests.campaigns.sending import (
    add_campaign,
    add_people,
    always_open,
    counts,
    schedule,
    send,
    state_of,
    work,
)
from tests.world import World, new_number


def test_who_sleeps_waits_until_their_morning_and_the_sweep_wakes_it(world: World) -> None:
    always_open(world)
    now = datetime.now(UTC)
    # Hours that are closed in the tenant's zone just now, which a number of no known area goes by.
    world_zone = "UTC"
    hour = (now.hour + 2) % 23
    with world.session():
        db.session.execute(
            update(Tenant)
            .where(Tenant.id == world.tenant_id)
            .values(texts_from=hour, texts_until=hour + 1, time_zone=world_zone)
        )
        db.session.commit()
    add_people(world, 1, number="+8835100012345")
    campaign_id = add_campaign(world)
    send(world, campaign_id)
    assert state_of(world, campaign_id) == "sending"
    assert counts(world, campaign_id) == {"waiting": 1}
    with world.session():
        wakes = db.session.get_one(Campaign, campaign_id).wake_at
    assert wakes
    assert (wakes.hour, wakes.minute) == (hour, 0)
    assert "in their quiet hours" in world.sign_in("agent").get(f"/campaigns/{campaign_id}").text
    always_open(world)
    with world.session():
        db.session.execute(update(Campaign).where(Campaign.id == campaign_id).values(wake_at=now))
        db.session.commit()
    with world.app.app_context():
        jobs.sweep_campaigns()
        rq.get_queue("campaigns").empty()
    work(world, campaign_id)
    assert counts(world, campaign_id) == {"delivered": 1}


@pytest.mark.parametrize(
    ("late", "becomes"), [(timedelta(hours=23), "finished"), (timedelta(hours=25), "missed")]
)
def test_a_missed_time_is_made_up_for_within_a_day_and_else_waits_for_a_person(
    world: World, late: timedelta, becomes: str
) -> None:
    always_open(world)
    add_people(world, 1)
    campaign_id = add_campaign(world)
    schedule(world, campaign_id, datetime.now(UTC) - late)
    work(world, campaign_id)
    assert state_of(world, campaign_id) == becomes
    page = world.sign_in("agent").get(f"/campaigns/{campaign_id}").text
    assert ("It missed its time" in page) == (becomes == "missed")
    if becomes == "missed":
        send(world, campaign_id)
    assert counts(world, campaign_id) == {"delivered": 1}


def test_a_scheduled_one_is_worked_out_anew_when_it_begins(world: World) -> None:
    always_open(world)
    gone = new_number()
    world.text(gone, "hi")
    campaign_id = add_campaign(world)
    schedule(world, campaign_id, datetime.now(UTC) + timedelta(hours=1))
    work(world, campaign_id)
    assert state_of(world, campaign_id) == "scheduled"
    world.text(gone, "STOP")
    world.text(new_number(), "hi")
    with world.session():
        db.session.execute(
            update(Campaign).where(Campaign.id == campaign_id).values(send_at=datetime.now(UTC))
        )
        db.session.commit()
    work(world, campaign_id)
    assert counts(world, campaign_id) == {"delivered": 1, "opted_out": 1}
