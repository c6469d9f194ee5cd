"""What an operator sees of the tenants and of the queues: names and counts, never what is in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from redis.exceptions import RedisError
from sqlalchemy import func, select

from cadence_app.accounts.models import Team, Tenant, User
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db, rq
from cadence_app.mails.models import OutgoingMail
from cadence_app.messaging.models import Message, MessageState
from cadence_app.reports.models import UNFINISHED, Export
from cadence_app.tenancy import use_tenant

# A text or an export that waits longer than this is late: its job was lost, or no worker runs.
_LATE = timedelta(minutes=2)


@dataclass(frozen=True)
class Counts:
    """`texts` are those of this month (UTC), in and out; `late_*` wait for longer than they should."""

    users: int
    teams: int
    contacts: int
    texts: int
    late_texts: int
    late_exports: int
    late_mails: int


@dataclass(frozen=True)
class Health:
    """`queues` is how many jobs wait in each queue, None where Redis is out of reach."""

    queues: dict[str, int] | None
    late_texts: int
    late_exports: int
    late_mails: int

    @property
    def well(self) -> bool:
        late = self.late_texts + self.late_exports + self.late_mails
        return self.queues is not None and late == 0


def tenants() -> list[tuple[Tenant, Counts]]:
    """Every tenant by name, each counted as itself: row-level security holds for an operator too."""
    found = db.session.scalars(select(Tenant).order_by(func.lower(Tenant.name))).all()
    return [(tenant, counts_of(tenant)) for tenant in found]


def counts_of(tenant: Tenant) -> Counts:
    use_tenant(tenant.id)
    now = datetime.now(UTC)
    month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    numbers = (
        select(func.count()).select_from(User).where(User.active),
        select(func.count()).select_from(Team).where(Team.closed_at.is_(None)),
        select(func.count()).select_from(Contact),
        select(func.count()).select_from(Message).where(Message.created_at >= month),
        select(func.count())
        .select_from(Message)
        .where(Message.state == MessageState.QUEUED, Message.created_at < now - _LATE),
        select(func.count())
        .select_from(Export)
        .where(Export.state.in_(UNFINISHED), Export.next_attempt_at < now - _LATE),
        select(func.count()).select_from(OutgoingMail).where(OutgoingMail.next_attempt_at < now - _LATE),
    )
    row = db.session.execute(select(*(number.scalar_subquery() for number in numbers))).one()
    return Counts(*row)


def health(counted: list[tuple[Tenant, Counts]]) -> Health:
    try:
        queues = {name: len(queue) for name, queue in rq.queues.items()}
    except RedisError:
        queues = None
    return Health(
        queues,
        sum(counts.late_texts for _, counts in counted),
        sum(counts.late_exports for _, counts in counted),
        sum(counts.late_mails for _, counts in counted),
    )
