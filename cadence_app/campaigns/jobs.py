"""Campaigns on a queue of their own, so that a long one keeps no text of a person waiting. What is due stands
in PostgreSQL; a job only does it."""

from __future__ import annotations

from cadence_app.campaigns import sending
from cadence_app.tenancy import use_tenant
from cadence_app.work.queueing import job
from cadence_app.work.sweeps import sweep


@job("campaigns")
def send_campaign(tenant_id: int, campaign_id: int) -> None:
    """Sends for a while. Whoever waits longer waits behind the other campaigns."""
    use_tenant(tenant_id)
    if sending.work(campaign_id):
        dispatch(tenant_id, campaign_id)


def dispatch(tenant_id: int, campaign_id: int) -> bool:
    """Queues a campaign, unless it waits there already. False where Redis is out of reach; the sweep queues
    it later."""
    return send_campaign.put(f"campaign-{campaign_id}", tenant_id, campaign_id)


@sweep("due_campaigns")
def sweep_campaigns(tenant_id: int, campaign_id: int) -> None:
    """Queues a campaign whose time has come, whose people may be texted again, or whose worker died."""
    dispatch(tenant_id, campaign_id)
