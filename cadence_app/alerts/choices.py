"""Which mails a user chose. The caller commits."""

from __future__ import annotations

from datetime import UTC, datetime

from cadence_app.accounts.models import User
from cadence_app.alerts.models import AlertChoice
from cadence_app.extensions import db
from cadence_app.messaging.for_me_models import ForMeKind


def choice_of(user: User) -> AlertChoice:
    """What a user chose, or, in no session, what holds for who chose nothing."""
    return db.session.get(AlertChoice, user.id) or AlertChoice(
        user_id=user.id, tenant_id=user.tenant_id, mentions=True, assignments=True
    )


def wants_mail(choice: AlertChoice, kind: ForMeKind) -> bool:
    return choice.mentions if kind == ForMeKind.MENTION else choice.assignments


def choose(user: User, mentions: bool, assignments: bool, waiting: bool) -> None:
    """Mails of waiting texts tell of what comes in from now on."""
    choice = choice_of(user)
    db.session.add(choice)
    choice.mentions, choice.assignments = mentions, assignments
    if not waiting:
        choice.waiting_from = choice.waiting_next = None
    elif choice.waiting_from is None:
        choice.waiting_from = choice.waiting_next = datetime.now(UTC)
