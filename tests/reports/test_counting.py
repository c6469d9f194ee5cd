"""What closed days were counted to be, and what is counted live beside it: together always what there is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, delete, func, select, text, update

from cadence_app.accounts.models import Tenant, User
from cadence_app.consent.models import Source, Status
from cadence_app.extensions import db
from cadence_app.messaging.models import Direction, Message, MessageState
from cadence_app.reports import counting
from cadence_app.reports.activity import Activity
from cadence_app.reports.activity_periods import Period
from cadence_app.reports.counting_jobs import sweep_day_counts
from cadence_app.reports.counting_models import CountedChanges, CountedTexts, DayCounting, DayToRecount
from cadence_app.reports.filters import Filters
from cadence_app.reports.scope import Scope
from cadence_app.reports.trends import Trends, count, trends_of
from cadence_app.tenancy import tenant_in_use
from cadence_app.work import due
from tests.reports.exporting import NEW_YORK, change
from tests.reports.talking import DAYS, NOON, SECOND, Talk, activity
from tests.statements import statements
from tests.world import World

HOUR = timedelta(hours=1)


def settle(world: World) -> None:
    """Counts all that can be counted."""
    with world.session():
        while counting.count_days():
            pass


def live(world: World, period: Period = DAYS) -> tuple[Activity, Trends]:
    """What the reports show of rows alone, whatever was counted."""
    with world.session():
        kept = db.session.get(DayCounting, world.tenant_id)
        until = kept.counted_until if kept else None
        if kept:
            kept.counted_until = datetime(1900, 1, 1, tzinfo=UTC)
            for table in (CountedTexts, CountedChanges):
                db.session.execute(update(table).values(day=date(1900, 1, 1) + (table.day - DAYS.start)))
            db.session.commit()
    shown = (activity(world, period=period), trends(world, period))
    with world.session():
        if kept:
            db.session.get_one(DayCounting, world.tenant_id).counted_until = until
            for table in (CountedTexts, CountedChanges):
                db.session.execute(update(table).values(day=DAYS.start + (table.day - date(1900, 1, 1))))
            db.session.commit()
    return shown
