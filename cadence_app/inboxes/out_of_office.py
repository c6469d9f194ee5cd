"""Whether nobody is there in an inbox just now, until when, and who said so. Whom it then answers is
messaging/out_of_office.py's."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from cadence_app.accounts import audit
from cadence_app.accounts.models import User
from cadence_app.extensions import db
from cadence_app.inboxes import office_hours
from cadence_app.inboxes.models import AwayMode, Inbox, OutOfOffice
from cadence_app.inboxes.office_hours import Span, Week

_NINE_TO_FIVE = Span(9 * 60, 17 * 60)
# What a form begins with: most offices are.
USUAL: Week = (*(_NINE_TO_FIVE,) * 5, None, None)


@dataclass(frozen=True)
class Setting:
    """What an admin chooses. `week` is kept in every mode, so that it is there when it is turned on again."""

    mode: AwayMode
    body: str
    week: Week
    zone: str


@dataclass(frozen=True)
class Away:
    """Nobody is there. `until` (UTC) is None where that is until somebody turns it off, or for good."""

    body: str
    until: datetime | None
    set_by: str
    set_at: datetime


def of(inbox: Inbox) -> OutOfOffice | None:
    """The setting of an inbox as it is kept; None where none was ever made."""
    query = select(OutOfOffice).where(OutOfOffice.inbox_id == inbox.id).options(joinedload(OutOfOffice.user))
    return db.session.scalars(query).one_or_none()


def away(kept: OutOfOffice | None, moment: datetime | None = None) -> Away | None:
    """Whether nobody is there at a moment (now), by what is kept of an inbox."""
    if kept is None or kept.mode == AwayMode.OFF:
        return None
    until = None
    if kept.mode == AwayMode.HOURS:
        moment = moment or datetime.now(UTC)
        week, zone = office_hours.read(kept.hours), ZoneInfo(kept.time_zone)
        if office_hours.staffed(week, zone, moment):
            return None
        until = office_hours.back_at(week, zone, moment)
    return Away(kept.body, until, kept.user.name if kept.user else "", kept.set_at)


def away_now(inbox_ids: Collection[int]) -> dict[int, Away]:
    """Those of these inboxes in which nobody is there now, by id: one statement."""
    query = (
        select(OutOfOffice)
        .where(OutOfOffice.inbox_id.in_(inbox_ids), OutOfOffice.mode != AwayMode.OFF)
        .options(joinedload(OutOfOffice.user))
    )
    found = {kept.inbox_id: away(kept) for kept in db.session.scalars(query)}
    return {inbox_id: each for inbox_id, each in found.items() if each}


def choose(actor: User, inbox: Inbox, setting: Setting) -> bool:
    """Keeps what an admin chose and audits it; False where nothing is changed by it. The caller commits."""
    # One after the other: two admins who save at once would both make the row.
    db.session.refresh(inbox, ["name"], with_for_update=True)
    kept = db.session.get(OutOfOffice, inbox.id, populate_existing=True)
    before = _told(kept)
    if kept is None:
        kept = OutOfOffice(tenant_id=inbox.tenant_id, inbox_id=inbox.id)
        db.session.add(kept)
    kept.mode, kept.body, kept.time_zone = setting.mode, setting.body, setting.zone
    kept.hours = office_hours.stored(setting.week)
    after = _told(kept)
    if before == after:
        return False
    kept.user, kept.set_at = actor, func.clock_timestamp()
    changes = {name: (before.get(name), after[name]) for name in after}
    audit.record(actor, "inbox.out_of_office", inbox.name, **changes)
    db.session.flush()
    return True


def _told(kept: OutOfOffice | None) -> dict[str, object]:
    if kept is None:
        return {}
    return {
        "out_of_office": str(kept.mode),
        "answer": kept.body,
        "hours": office_hours.words(office_hours.read(kept.hours)),
        "time_zone": kept.time_zone,
    }
