"""What tests of TEAM share: an organisation that asks, its question, and what became of it."""

from __future__ import annotations

from cadence_app.accounts.models import KeywordPolicy, Tenant
from cadence_app.extensions import db
from tests.world import World

ASKS = "Reply TEAM to stop only texts from Admissions."
# What the statuses are in both teams, after the word and after the answer.
STOPPED, BACK = ("opted_out", "opted_out"), ("opted_out", "opted_in")


def ask(world: World, asks: bool = True, policy: KeywordPolicy = KeywordPolicy.ORGANISATION) -> World:
    """Has the organisation ask which teams an opt-out word was meant for, or not."""
    with world.session():
        tenant = db.session.get_one(Tenant, world.tenant_id)
        tenant.keyword_policy, tenant.ask_team_only = policy, asks
        db.session.commit()
    return world


def confirmation(world: World, conversation_id: int) -> str:
    return [m.body for m in world.messages(conversation_id) if m.kind == "opt_out_reply"][-1]
