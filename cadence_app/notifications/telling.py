"""Mails about what happened in a team since the last one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from flask import current_app, render_template
from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import aliased

from cadence_app.accounts.models import Tenant
from cadence_app.consent.change_feed import as_they_stand, settled
from cadence_app.consent.models import OptOutChange, Source, Status
from cadence_app.extensions import db
from cadence_app.mails.service import enqueue
from cadence_app.notifications import links, service
from cadence_app.notifications.models import Event, NotificationRecipient, NotificationRule, Pace
from cadence_app.ui.formatting import in_zone, phone
from cadence_app.ui.navigation import words_of

# More than a person reads in one mail; the rest is a number and a link to where it all stands.
_LISTED = 50
# A user changes a number and merges records: whoever is told of statuses is told of what that did to them.
_TOLD = (Source.KEYWORD, Source.TOGGLE, Source.NUMBER_CHANGE, Source.MERGE)


def tell(rule_id: int) -> int:
    """Puts the mails of a rule in the outbox and moves its cursor past what they tell, in one transaction, so
    that each change is told once. Returns how many mails; 0 where nothing happened or another session has
    the rule."""
    query = select(NotificationRule).where(NotificationRule.id == rule_id, NotificationRule.enabled)
    fresh = query.with_for_update(skip_locked=True).execution_options(populate_existing=True)
    rule = db.session.scalars(fresh).one_or_none()
    if rule is None or (rule.digest_at and rule.digest_at > datetime.now(UTC)):
        db.session.rollback()
        return 0
    end = settled()
    happened = [
        OptOutChange.team_id == rule.team_id,
        OptOutChange.id > rule.cursor,
        OptOutChange.id <= end,
        _told_as(rule.event),
    ]
    count = db.session.scalars(select(func.count()).select_from(OptOutChange).where(*happened)).one()
    told = rule.reached if count else []
    if told:
        listed = select(OptOutChange).where(*happened).order_by(OptOutChange.id).limit(_LISTED)
        found = db.session.scalars(listed).all()
        changes, taken = as_they_stand(found)
        if taken < len(found):
            # Somebody of them is held just now: they are told of together with the next sweep.
            db.session.rollback()
            return 0
        for recipient in told if changes else ():
            _mail(rule, recipient, changes, count)
    rule.cursor = end
    if rule.digest_at:
        rule.digest_at = service.next_digest(rule.team.tenant.zone)
    db.session.commit()
    return len(told)


def _told_as(event: Event) -> ColumnElement[bool]:
    """The changes that are an event. A first text that is an opt-out word is an unknown contact too."""
    if event == Event.STATUS_CHANGE:
        return OptOutChange.source.in_(_TOLD)
    if event == Event.CONTACT_ADDED:
        return OptOutChange.source == Source.MANUAL_ADD
    earlier = aliased(OptOutChange)
    known = exists().where(earlier.contact_id == OptOutChange.contact_id, earlier.id < OptOutChange.id)
    first_word = and_(OptOutChange.source == Source.KEYWORD, OptOutChange.external_id == "", ~known)
    return or_(OptOutChange.source == Source.COLD_INBOUND, first_word)


def _mail(
    rule: NotificationRule, recipient: NotificationRecipient, changes: Sequence[OptOutChange], count: int
) -> None:
    tenant, team = rule.team.tenant, rule.team
    site = current_app.config["PUBLIC_URL"]
    words = words_of(tenant)
    context: dict[str, Any] = {
        "tenant": tenant,
        "team": team,
        "words": words,
        "title": f"{team.name}: {_title(rule.event, changes, count)}",
        "lines": [_line(change, tenant) for change in changes],
        "more": count - len(changes),
        "daily": rule.pace == Pace.DAILY,
        "site": site,
        "unsubscribe_url": links.unsubscribe_url(recipient),
    }
    enqueue(
        kind="notification",
        recipient=recipient.email,
        subject=f"{context['title']} ({tenant.name})",
        text=render_template("notifications/mail/told.txt", **context),
        html=render_template("notifications/mail/told.html", **context),
        headers=links.unsubscribe_headers(recipient),
    )


def _title(event: Event, changes: Sequence[OptOutChange], count: int) -> str:
    first = changes[0]
    who = _name(first)
    if event == Event.STATUS_CHANGE:
        if count > 1:
            return f"{count:,} opt out status changes"
        return f"{who} opted {'out' if first.status == Status.OPTED_OUT else 'in'}"
    if event == Event.UNKNOWN_CONTACT:
        return f"{count:,} unknown contacts wrote" if count > 1 else f"an unknown contact wrote, {who}"
    return f"{count:,} contacts added" if count > 1 else f"{who} was added"


def _line(change: OptOutChange, tenant: Tenant) -> dict[str, str]:
    """One change in words, with the record's address."""
    by = {
        Source.KEYWORD: "by a text of their own",
        Source.TOGGLE: f"by {change.user_name}",
        Source.COLD_INBOUND: "by their first text",
        Source.MANUAL_ADD: f"added by {change.user_name}",
        Source.NUMBER_CHANGE: f"with a change of their number by {change.user_name}",
        Source.MERGE: f"with a merge of two records by {change.user_name}",
    }
    return {
        "name": _name(change),
        "number": phone(change.number),
        "external_id": change.external_id,
        "status": "Opted out" if change.status == Status.OPTED_OUT else "Opted in",
        "by": by[change.source],
        "at": in_zone(change.changed_at, tenant.zone),
        "url": f"{current_app.config['PUBLIC_URL']}/contacts/{change.contact_id}",
    }


def _name(change: OptOutChange) -> str:
    """Never empty: the number of who has no name."""
    return f"{change.first_name} {change.last_name}".strip() or phone(change.number)
