"""Endpoints: adding, changing, pausing, rolling the secret, deleting. Each is in the audit log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from cadence_app.accounts import audit
from cadence_app.accounts.models import Team, User
from cadence_app.consent.models import Source
from cadence_app.extensions import db
from cadence_app.vault import Unreadable, decrypt, encrypt
from cadence_app.webhooks import signing
from cadence_app.webhooks.models import DeliveryState, WebhookDelivery, WebhookEndpoint

OVERLAP = timedelta(hours=24)


@dataclass(frozen=True)
class Plan:
    """What an admin decides of an endpoint. Empty `sources` or `teams` mean all of them, later ones too."""

    url: str
    description: str
    sources: Sequence[Source]
    teams: Sequence[Team]


def add_endpoint(user: User, plan: Plan) -> tuple[WebhookEndpoint, str]:
    """Adds an endpoint, which gets what changes from now on, and commits. Returns it and its secret, which is
    not shown again."""
    secret = signing.new_secret()
    endpoint = WebhookEndpoint(
        tenant_id=user.tenant_id,
        secret=encrypt(secret),
        cursor=db.session.scalars(select(func.settled_change_id())).one(),
        created_by_id=user.id,
        **_columns(plan),
    )
    db.session.add(endpoint)
    audit.record(user, "webhook.added", endpoint.name, **_told(None, plan))
    db.session.commit()
    return endpoint, secret


def change_endpoint(user: User, endpoint: WebhookEndpoint, plan: Plan) -> None:
    """Commits. What is pending goes to the new address; new filters count from the next change on."""
    before = plan_of(endpoint)
    for name, value in _columns(plan).items():
        setattr(endpoint, name, value)
    endpoint.quiet_until = None
    audit.record(user, "webhook.changed", endpoint.name, **_told(before, plan))
    db.session.commit()


def plan_of(endpoint: WebhookEndpoint) -> Plan:
    teams = db.session.scalars(select(Team).where(Team.id.in_(endpoint.team_ids)).order_by(Team.name)).all()
    return Plan(endpoint.url, endpoint.description, endpoint.sources, teams)


def roll_secret(user: User, endpoint: WebhookEndpoint, *, overlap: bool) -> str:
    """Gives a new secret and commits. With `overlap` the former one signs too for a day, so that the receiver
    can change over without losing an event."""
    secret = signing.new_secret()
    overlap = overlap and _readable(endpoint.secret)
    endpoint.former_secret = endpoint.secret if overlap else None
    endpoint.former_until = datetime.now(UTC) + OVERLAP if overlap else None
    endpoint.secret = encrypt(secret)
    audit.record(
        user, "webhook.secret_rolled", endpoint.name, former_signs_until=(None, endpoint.former_until)
    )
    db.session.commit()
    return secret


def pause(user: User, endpoint: WebhookEndpoint) -> None:
    if endpoint.paused_at is None:
        endpoint.paused_at = datetime.now(UTC)
        audit.record(user, "webhook.paused", endpoint.name)
    db.session.commit()


def resume(user: User, endpoint: WebhookEndpoint) -> None:
    """Goes on where it stopped, after a pause or after Cadence turned it off, and commits."""
    if not endpoint.active:
        audit.record(user, "webhook.resumed", endpoint.name)
    endpoint.paused_at = endpoint.off_at = endpoint.quiet_until = endpoint.failing_since = None
    endpoint.off_reason, endpoint.failures = "", 0
    db.session.commit()


def delete_endpoint(user: User, endpoint: WebhookEndpoint) -> None:
    """Ends it for good and commits; its log is removed by the next pruning, its secrets now."""
    endpoint.deleted_at = datetime.now(UTC)
    endpoint.secret, endpoint.former_secret = "", None
    audit.record(user, "webhook.deleted", endpoint.name, url=(endpoint.origin, None))
    db.session.commit()


def all_endpoints() -> list[WebhookEndpoint]:
    query = select(WebhookEndpoint).where(WebhookEndpoint.deleted_at.is_(None))
    return list(db.session.scalars(query.order_by(WebhookEndpoint.id)))


def find_endpoint(endpoint_id: int) -> WebhookEndpoint | None:
    query = select(WebhookEndpoint).where(
        WebhookEndpoint.id == endpoint_id, WebhookEndpoint.deleted_at.is_(None)
    )
    return db.session.scalars(query).one_or_none()


def waiting(endpoint: WebhookEndpoint) -> int:
    """How many deliveries are pending; changes not yet taken from the ledger are not among them."""
    query = select(func.count()).where(
        WebhookDelivery.endpoint_id == endpoint.id, WebhookDelivery.state == DeliveryState.PENDING
    )
    return db.session.scalars(query).one()


def _readable(stored: str) -> bool:
    try:
        decrypt(stored)
    except Unreadable:
        return False
    return True


def _columns(plan: Plan) -> dict[str, object]:
    return {
        "url": plan.url,
        "description": plan.description,
        "sources": list(plan.sources),
        "team_ids": [team.id for team in plan.teams],
    }


def _told(before: Plan | None, after: Plan) -> dict[str, tuple[object, object]]:
    """What the audit log says of a change. Of the address only its beginning: the rest may be a secret."""
    old, new = _facts(before) if before else {}, _facts(after)
    facts = {name: (old.get(name), value) for name, value in new.items()}
    if before and before.url != after.url:
        facts["path_or_query"] = ("one", "another")
    return facts


def _facts(plan: Plan) -> dict[str, object]:
    return {
        "url": WebhookEndpoint(url=plan.url).origin,
        "description": plan.description,
        "sources": list(plan.sources) or "all",
        "teams": [team.code for team in plan.teams] or "all",
    }
