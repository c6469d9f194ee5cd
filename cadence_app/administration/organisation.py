"""The settings of the whole organisation. Each function audits what it changes; the caller commits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select

from cadence_app.accounts import audit
from cadence_app.accounts.audit import Actor
from cadence_app.accounts.models import (
    KeywordPolicy,
    Navigation,
    PossibleOptOutPolicy,
    SecondFactorPolicy,
    Tenant,
)
from cadence_app.accounts.service import Refused
from cadence_app.administration.policy_notices import passed
from cadence_app.consent import own_keywords, team_only
from cadence_app.consent.keyword_scope import days_left
from cadence_app.extensions import db
from cadence_app.reports.ranges import today
from cadence_app.reports.schedule_models import ExportSchedule
from cadence_app.ui.navigation import SCREENS


@dataclass(frozen=True)
class Policy:
    """What an opt-out word reaches, from which day (None: from now on), what a text that reads like one
    does, and whether a confirmation asks if only one team was meant."""

    keywords: KeywordPolicy
    begins: date | None
    possible: PossibleOptOutPolicy
    ask_team_only: bool

    @property
    def begins_on(self) -> date | None:
        """A day counts for the organisation's policy only: the other is in force until then."""
        return self.begins if self.keywords == KeywordPolicy.ORGANISATION else None


def set_basics(actor: Actor, tenant: Tenant, name: str, time_zone: str) -> None:
    """Name and time zone. Schedules keep their hour, which is one of the new zone then. Errors: Refused for a
    name that is taken."""
    if db.session.scalar(select(Tenant.id).where(Tenant.name == name, Tenant.id != tenant.id)):
        raise Refused("This name cannot be used here. Choose another.")
    changes = {"name": (tenant.name, name), "time_zone": (tenant.time_zone, time_zone)}
    moved = tenant.time_zone != time_zone
    tenant.name, tenant.time_zone = name, time_zone
    if moved:
        _move_schedules(ZoneInfo(time_zone))
    _record(actor, tenant, changes)


def changes_reach(tenant: Tenant, policy: Policy) -> bool:
    """Whether a policy differs from the stored one in what an opt-out word reaches, or from when."""
    stored = tenant.keyword_policy, tenant.keyword_policy_from
    return stored != (policy.keywords, policy.begins_on)


def set_policy(actor: Actor, tenant: Tenant, policy: Policy) -> None:
    """From then on; nobody's status changes by it. Notices to admins start anew for another day. Errors:
    Refused for a question whose answer is a keyword of the organisation's own."""
    # As own_keywords.add_keyword() does, so that TEAM never means two things.
    db.session.execute(select(Tenant.id).where(Tenant.id == tenant.id).with_for_update(key_share=True))
    if policy.ask_team_only and own_keywords.named(team_only.WORD):
        raise Refused("TEAM is a keyword of your own. Remove it under Keywords first.")
    begins = policy.begins_on
    changes = {
        "keyword_policy": (tenant.keyword_policy, policy.keywords),
        "keyword_policy_from": (tenant.keyword_policy_from, begins),
        "possible_opt_outs": (tenant.possible_opt_out_policy, policy.possible),
        "ask_team_only": (tenant.ask_team_only, policy.ask_team_only),
    }
    if changes_reach(tenant, policy):
        tenant.keyword_policy, tenant.keyword_policy_from = policy.keywords, begins
        tenant.keyword_policy_told = passed(days_left(tenant, today(tenant.zone)))
    tenant.possible_opt_out_policy, tenant.ask_team_only = policy.possible, policy.ask_team_only
    _record(actor, tenant, changes)


def set_second_factor(actor: Actor, tenant: Tenant, policy: SecondFactorPolicy) -> None:
    """Whoever is asked for a second factor and has none is led to set one up, from their next page on."""
    before, tenant.second_factor = tenant.second_factor, policy
    _record(actor, tenant, {"second_factor": (before, policy)})


def set_notices(actor: Actor, tenant: Tenant, named: bool) -> None:
    """Whether notices and mails to colleagues may name who texted (alerts/), from the next one on."""
    before, tenant.notices_name = tenant.notices_name, named
    _record(actor, tenant, {"notices_name": (before, named)})


def set_navigation(actor: Actor, tenant: Tenant, navigation: Navigation) -> None:
    """Moves everybody to the other screens, from the next page they load."""
    before, tenant.navigation = tenant.navigation, navigation
    if before != navigation:
        audit.record(
            actor, "screens.changed", tenant.name, screens=(SCREENS[Navigation(before)], SCREENS[navigation])
        )


def _record(actor: Actor, tenant: Tenant, changes: Mapping[str, tuple[object, object]]) -> None:
    if any(before != after for before, after in changes.values()):
        audit.record(actor, "organisation.changed", tenant.name, **changes)


def _move_schedules(zone: ZoneInfo) -> None:
    """A run that is due already stays due."""
    now = datetime.now(UTC)
    waiting = select(ExportSchedule).where(
        ExportSchedule.deleted_at.is_(None), ExportSchedule.next_run_at > now
    )
    for schedule in db.session.scalars(waiting.with_for_update()):
        schedule.next_run_at = schedule.timing.next_run(zone, now).at
