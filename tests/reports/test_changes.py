"""Paging through the history: each row once, whatever is written meanwhile."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cadence_app.consent.ledger import Change, record_change, record_changes
from cadence_app.consent.models import Source, Status
from cadence_app.extensions import db
from cadence_app.reports import changes
from cadence_app.reports.changes import Cursor, Page
from cadence_app.reports.filters import Filters
from cadence_app.reports.ranges import today
from cadence_app.reports.scope import Scope
from tests.world import World

NEW_YORK = ZoneInfo("America/New_York")


def _scope(filters: Filters | None = None) -> Scope:
    last = today(NEW_YORK)
    return Scope(last - timedelta(days=29), last, NEW_YORK, filters or Filters())


def _fill(world: World, count: int) -> set[int]:
    """Changes at few instants, so that many rows share one and only their ids tell them apart."""
    contact_ids = [world.add_contact() for _ in range(count)]
    start = datetime.now(UTC) - timedelta(hours=1)
    with world.session():
        ids = record_changes(
            [
                Change(
                    *(contact_id, world.team_id, Status.OPTED_OUT, Source.TOGGLE, world.agent_id),
                    at=start + timedelta(microseconds=index // 7),
                )
                for index, contact_id in enumerate(contact_ids)
            ]
        )
        db.session.commit()
    return {change_id for change_id in ids if change_id}


def _ids(page: Page) -> list[int]:
    return [change.id for change in page.changes]


def test_every_row_is_walked_exactly_once_while_others_are_written(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "PAGE", 8)
    before = _fill(world, 60)
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            contact_id = world.add_contact()
            with world.session():
                record_change(Change(contact_id, world.team_id, Status.OPTED_OUT, Source.TOGGLE))
                db.session.commit()

    writer = threading.Thread(target=write)
    writer.start()
    walked: list[int] = []
    try:
        with world.session():
            page = changes.newest(_scope())
            walked += _ids(page)
            while page.older:
                db.session.rollback()  # each page is a request, and so a transaction, of its own
                page = changes.older_than(_scope(), page.older)
                walked += _ids(page)
    finally:
        stop.set()
        writer.join()
    assert len(walked) == len(set(walked))
    assert before <= set(walked)


@pytest.mark.parametrize("filters", [Filters(), Filters(source="toggle")])
def test_the_way_back_shows_the_same_pages(
    world: World, monkeypatch: pytest.MonkeyPatch, filters: Filters
) -> None:
    monkeypatch.setattr(changes, "PAGE", 8)
    _fill(world, 30)
    with world.session():
        pages = [changes.newest(_scope(filters))]
        while older := pages[-1].older:
            pages.append(changes.older_than(_scope(filters), older))
        assert [len(page.changes) for page in pages] == [8, 8, 8, 6]
        back = [pages[-1]]
        while newer := back[-1].newer:
            back.append(changes.newer_than(_scope(filters), newer))
        assert [_ids(page) for page in reversed(back)] == [_ids(page) for page in pages]


def test_a_cursor_reads_back_as_what_it_was() -> None:
    cursor = Cursor(datetime(2026, 11, 1, 5, 59, 59, 999_999, tzinfo=UTC), 2**62)
    assert Cursor.parse(str(cursor)[:-1]) is not None
    small = Cursor(cursor.changed_at, 17)
    assert Cursor.parse(str(small)) == small


@pytest.mark.parametrize(
    "text", ["", "-", "1", "1-", "-1-1", "x-1", "1-1\n", "1" * 17 + "-1", "1-" + "9" * 19, "\u0661-\u0661"]
)
def test_what_is_no_cursor_is_none(text: str) -> None:
    assert Cursor.parse(text) is None


def test_rows_outside_the_days_stay_outside_whatever_the_cursor_says(world: World) -> None:
    _fill(world, 5)
    long_ago = Scope(date(2020, 1, 1), date(2020, 1, 2), NEW_YORK, Filters())
    with world.session():
        assert changes.older_than(long_ago, Cursor(datetime.now(UTC), 10**9)).changes == []
        assert changes.newer_than(long_ago, Cursor(datetime(2019, 1, 1, tzinfo=UTC), 1)).changes == []
