"""Times in which the web server was away, and reading back what came in them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import update

from cadence_app.extensions import db
from cadence_app.messaging.carriers import gaps, jobs
from cadence_app.messaging.carriers.models import CarrierAccount, InboundBeat
from tests.messaging.carriers.posting import Line
from tests.world import World


def ago(**of: float) -> datetime:
    return datetime.now(UTC) - timedelta(**of)


def change(line: Line, **values: object) -> None:
    with line.world.session():
        db.session.execute(
            update(CarrierAccount).where(CarrierAccount.id == line.account_id).values(**values)
        )
        db.session.commit()


def account(line: Line) -> CarrierAccount:
    with line.world.session():
        found = db.session.get_one(CarrierAccount, line.account_id)
        db.session.expunge(found)
        return found


def silent_since(world: World, at: datetime, line: Line | None = None) -> None:
    """The web server said last at this time that it is there; the account is older."""
    with world.session():
        db.session.execute(update(InboundBeat).values(beat_at=at))
        db.session.commit()
    if line:
        change(line, settled_to=at)


def back(world: World) -> None:
    with world.session():
        gaps.beat()


def read(line: Line) -> None:
    with line.world.app.app_context():
        jobs.read_account_back(line.world.tenant_id, line.account_id)


def why(line: Line) -> str:
    with line.world.session():
        return gaps.why_held(db.session.get_one(CarrierAccount, line.account_id))
