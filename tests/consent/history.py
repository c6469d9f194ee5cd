"""A history to seal, and the ways of somebody who has the database's password."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection, Engine, insert, select, text

from cadence_app.consent import seals
from cadence_app.consent.evidence_models import Evidence, Method, Way
from cadence_app.consent.ledger import Change, record_changes
from cadence_app.consent.models import Source, Status
from cadence_app.consent.seal_models import Seal
from cadence_app.consent.verifying import Outcome, verify
from cadence_app.extensions import db
from tests.world import World

# The first day that is not closed: a day is sealed ten minutes after its end.
TODAY = (datetime.now(UTC) - timedelta(minutes=10)).date()
FIRST = TODAY - timedelta(days=5)


def noon(days_ago: int) -> datetime:
    return datetime.combine(TODAY - timedelta(days=days_ago), datetime.min.time(), UTC) + timedelta(hours=12)


def flip(world: World, contact_id: int, *days_ago: int, source: Source = Source.TOGGLE) -> list[int]:
    """Changes of one contact's status at noon (UTC) of these days; their ids."""
    ids = []
    with world.session():
        for index, ago in enumerate(days_ago):
            status = (Status.OPTED_OUT, Status.OPTED_IN)[index % 2]
            (change_id,) = record_changes(
                [Change(contact_id, world.team_id, status, source, words="Zoë, STOP", at=noon(ago))]
            )
            assert change_id
            ids.append(change_id)
        db.session.commit()
    return ids


def agree(world: World, contact_id: int, *days_ago: int, **values: object) -> list[int]:
    """Evidence of one contact, with something in every field, recorded at noon (UTC) of these days; the ids.
    As if each day were today: evidence itself is recorded now."""
    row: dict[str, object] = {
        "tenant_id": world.tenant_id,
        "contact_id": contact_id,
        "team_id": world.team_id,
        "method": Method.WEB_FORM,
        "way": Way.RECORD,
        "agreed_on": noon(9).date(),
        "agreed_at": noon(9),
        "words": "Zoë agreed: 世界, 1:,",
        "page_url": "https://lakeside.example/join",
        "sha256": bytes(range(32)),
        "ip": "203.0.113.7",
        "number": "+12125550199",
        "collected_by": "Ana at the desk",
        "user_id": world.agent_id,
        "user_name": "Agent Person",
        "origin": "spring.csv",
    }
    with world.session():
        rows = [row | values | {"recorded_at": noon(ago)} for ago in days_ago]
        statement = insert(Evidence).returning(Evidence.id, sort_by_parameter_order=True)
        ids = list(db.session.scalars(statement, rows))
        db.session.commit()
    return ids


def seal(world: World) -> int:
    with world.session():
        return seals.seal_closed_days()


def check(world: World) -> Outcome:
    with world.session():
        return verify()


def sealed_days(world: World) -> list[Seal]:
    with world.session():
        found = list(db.session.scalars(select(Seal).order_by(Seal.day)))
        db.session.expunge_all()
        return [each for each in found if each.tenant_id == world.tenant_id]


# Columns that a row made by hand copies from another.
COPIED = (
    "tenant_id, contact_id, team_id, status, source, first_name, last_name, external_id, number, team_code"
)
COPIED += ", user_name, words, reason"


@contextmanager
def behind_its_back(owner: Engine) -> Iterator[Connection]:
    """What a person with the database's password can do: the triggers off, in this transaction only."""
    with owner.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        yield connection


def put_the_clock_back(world: World, owner: Engine, days: int = 3) -> datetime:
    """Makes it as if the clock had been set back: there is a seal of a day that many days ahead. Returns the
    first instant that no seal has closed."""
    day = datetime.now(UTC).date() + timedelta(days=days)
    with owner.begin() as connection:
        add_seal(connection, world, day)
    return datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC)


def add_seal(connection: Connection, world: World, day: date) -> None:
    """Seals a day as a superuser, although it is not over: past the trigger that refuses that."""
    connection.execute(text("SET LOCAL session_replication_role = replica"))
    connection.execute(
        text(
            "INSERT INTO seals (tenant_id, day, version, rows, rows_digest, digest)"
            " VALUES (:tenant, :day, 1, 0, '', '')"
        ),
        {"tenant": world.tenant_id, "day": day},
    )
    connection.execute(text("SET LOCAL session_replication_role = origin"))
