"""Campaigns on a queue of their own, so that a long one keeps no text of a person waiting. What is due stands
in PostgreSQL; a job only does it."""

from __future__ import annotations

import uuid

from flask import current_app
from redis.exceptions import RedisError
from sqlalchemy import func, select

from cadence_app.accounts.models import Tenant
from cadence_app.campaigns import sending
from cadence_app.campaigns.models import Campaign
from cadence_app.extensions import db, rq
from cadence_app.tenancy import use_tenant
from cadence_app.work.sweeps import quick_sweep

_JOB = "cadence_app.campaigns.jobs.send_campaign"


@rq.job(queue="campaigns")
def send_campaign(tenant_id: int, campaign_id: int) -> None:
    """Sends for a while. Whoever waits longer waits behind the other campaigns."""
    use_tenant(tenant_id)
    if sending.work(campaign_id):
        dispatch(tenant_id, campaign_id)


def dispatch(tenant_id: int, campaign_id: int) -> bool:
    """Queues a campaign, unless it waits there already. False where Redis is out of reach; the sweep queues
    it later."""
    queue, prefix = rq.get_queue("campaigns"), f"campaign-{campaign_id}-"
    try:
        if not any(job_id.startswith(prefix) for job_id in queue.get_job_ids()):
            # Never the id of the job that queues its own next slice: that one's end would delete this.
            job_id = f"{prefix}{uuid.uuid4().hex}"
            queue.enqueue(_JOB, args=(tenant_id, campaign_id), job_id=job_id, result_ttl=0)
    except RedisError:
        current_app.logger.warning("Redis is out of reach: campaign %s waits for the sweep", campaign_id)
        return False
    return True


@quick_sweep
def sweep_campaigns() -> None:
    """Queues each campaign whose time has come, whose people may be texted again, or whose worker died."""
    for tenant_id in db.session.scalars(select(Tenant.id).order_by(Tenant.id)).all():
        use_tenant(tenant_id)
        due = select(Campaign.id).where(Campaign.wake_at <= func.now()).order_by(Campaign.wake_at)
        for campaign_id in db.session.scalars(due).all():
            dispatch(tenant_id, campaign_id)
        db.session.rollback()
