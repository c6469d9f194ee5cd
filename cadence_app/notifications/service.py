"""Setting up who is told of what, and unsubscribing."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from cadence_app.accounts import audit
from cadence_app.accounts.models import Team, User
from cadence_app.consent.change_feed import settled
from cadence_app.extensions import db
from cadence_app.notifications.models import Event, NotificationRecipient, NotificationRule, Pace
from cadence_app.reports.schedules import Every, Timing

# Before the working day begins.
DIGEST_HOUR = 8
_DIGEST = Timing(Every.DAY, weekday=0, month_day=1, hour=DIGEST_HOUR)


class Unsubscribed(ValueError):
    """These addresses unsubscribed from the rule, and only they themselves may subscribe again."""

    def __init__(self, emails: list[str]) -> None:
        super().__init__(", ".join(emails))
        self.emails = emails


def all_rules() -> dict[tuple[int, Event], NotificationRule]:
    """The tenant's rules by team id and event; one that was never set up is not there."""
    return {(rule.team_id, rule.event): rule for rule in db.session.scalars(select(NotificationRule))}


def find_rule(team_id: int, event: Event) -> NotificationRule | None:
    query = select(NotificationRule).where(
        NotificationRule.team_id == team_id, NotificationRule.event == event
    )
    return db.session.scalars(query).one_or_none()


def set_rule(
    admin: User, team: Team, event: Event, enabled: bool, pace: Pace, emails: Collection[str]
) -> NotificationRule:
    """Sets up what a team is told of an event, and commits it. Errors: Unsubscribed.

    A rule that was off tells of what happens from now on. The team's row is held, so that two admins who
    save at once follow each other.
    """
    db.session.execute(select(Team.id).where(Team.id == team.id).with_for_update())
    rule = find_rule(team.id, event)
    if rule is None:
        rule = NotificationRule(
            tenant_id=team.tenant_id, team_id=team.id, event=event, enabled=False, recipients=[]
        )
        db.session.add(rule)
    wanted = {email.lower(): email for email in emails}
    left = [each.email for each in rule.recipients if each.unsubscribed_at and each.email.lower() in wanted]
    if left:
        db.session.rollback()
        raise Unsubscribed(left)
    before = (rule.enabled, rule.pace, sorted(each.email for each in rule.reached))
    was_on = rule.on
    _set_recipients(rule, wanted)
    rule.enabled = enabled
    if not was_on:
        rule.cursor = settled()
    if pace != rule.pace or (pace == Pace.DAILY and not (was_on and rule.digest_at)):
        rule.digest_at = next_digest(team.tenant.zone) if pace == Pace.DAILY else None
    rule.pace = pace
    db.session.flush()
    after = (rule.enabled, rule.pace, sorted(each.email for each in rule.reached))
    names = ("enabled", "pace", "recipients")
    told = dict(zip(names, zip(before, after, strict=True), strict=True))
    if before != after:
        audit.record(admin, "notification.changed", f"{team.name}: {event.replace('_', ' ')}", **told)
    db.session.commit()
    return rule


def next_digest(zone: ZoneInfo) -> datetime:
    """The next instant (UTC) at which a daily mail of a tenant in this zone goes out."""
    return _DIGEST.next_run(zone, datetime.now(UTC)).at


def find_recipient(recipient_id: int) -> NotificationRecipient | None:
    return db.session.get(NotificationRecipient, recipient_id)


def rule_of(recipient: NotificationRecipient) -> NotificationRule:
    return db.session.get_one(NotificationRule, recipient.rule_id)


def unsubscribe(recipient: NotificationRecipient) -> None:
    """No mail of the rule goes to this address any more; commits. Doing it again changes nothing."""
    recipient.unsubscribed_at = recipient.unsubscribed_at or func.now()
    db.session.commit()


def subscribe_again(recipient: NotificationRecipient) -> None:
    """What a recipient may take back; commits. The rule goes on from where it is."""
    recipient.unsubscribed_at = None
    db.session.commit()


def _set_recipients(rule: NotificationRule, wanted: dict[str, str]) -> None:
    """Adds and removes addresses; those that unsubscribed stay."""
    kept = set()
    for recipient in list(rule.recipients):
        if recipient.email.lower() in wanted:
            kept.add(recipient.email.lower())
        elif recipient.unsubscribed_at is None:
            rule.recipients.remove(recipient)
            db.session.delete(recipient)
    for key, email in wanted.items():
        if key not in kept:
            rule.recipients.append(NotificationRecipient(tenant_id=rule.tenant_id, email=email))
