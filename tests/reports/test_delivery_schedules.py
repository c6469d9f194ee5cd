"""Schedules that deliver to destinations: what counts as delivered, with no gap and no overlap."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cadence_app.accounts.models import User
from cadence_app.extensions import db
from cadence_app.reports import schedule_runs
from cadence_app.reports.destinations import service
from cadence_app.reports.filters import Filters
from cadence_app.reports.kinds import OPT_OUT_HISTORY
from cadence_app.reports.models import Export, ExportState, Format
from cadence_app.reports.schedule_models import ExportSchedule
from cadence_app.reports.schedules import Period
from tests.reports.delivery import add_sftp, change_place, try_again
from tests.reports.exporting import run
from tests.reports.scheduling import (
    DAILY_AT_6,
    address_of,
    begin_next,
    exports_of,
    mails_of,
    make_due,
    run_next,
    sweep,
)
from tests.reports.servers import SftpHost
from tests.reports.test_schedule_changes import ids_in, opt_out
from tests.world import World


def schedule_to(
    world: World, *places: int, mail: bool = True, period: Period = Period.CHANGED, changed: int | None = None
) -> int:
    """A schedule to destinations, and by mail to the admin; `changed` is one that is to be so now."""
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        to = [admin] if mail else []
        plan = schedule_runs.Plan(Filters(), (), Format.CSV, period, DAILY_AT_6, to, service.chosen(places))
        if changed is None:
            return schedule_runs.add_schedule(admin, OPT_OUT_HISTORY, plan).id
        schedule_runs.change_schedule(db.session.get_one(ExportSchedule, changed), admin, plan)
        return changed


def file_ids(world: World, schedule: int, place: int) -> list[str]:
    """The ContactIds of all rows that reached a destination, file by file."""
    found: list[str] = []
    for export in exports_of(world, schedule):
        with world.session():
            row = db.session.get_one(Export, export.id)
            there = any(d.destination_id == place and d.delivered_at for d in row.deliveries)
        found += ids_in(world, export) if there else []
    return found


def let_a_day_pass(world: World, export: Export) -> None:
    """A run of a day ago, which failed then."""
    with world.session():
        row = db.session.get_one(Export, export.id)
        row.next_attempt_at = datetime.now(UTC) - timedelta(days=2)
        if row.scheduled_for:
            row.scheduled_for -= timedelta(days=1)
        db.session.commit()


def fail(world: World, export: Export) -> Export:
    """The worker's tries until it gives up on what needs somebody."""
    return try_again(world, export.id, 4)


def test_a_destination_alone_that_is_down_for_one_run_gets_everything_in_the_next(
    world: World, sftp_host: SftpHost
) -> None:
    place = add_sftp(world, sftp_host, folder="later", file_pattern="{date}-{time}")
    schedule = schedule_to(world, place, mail=False)
    opt_out(world, "a")
    failed = fail(world, run_next(world, schedule))
    assert failed.state == ExportState.FAILED
    opt_out(world, "b")
    (sftp_host.folder / "later").mkdir()
    assert run_next(world, schedule).state == ExportState.SENT
    opt_out(world, "c")
    assert run_next(world, schedule).state == ExportState.SENT
    assert file_ids(world, schedule, place) == ["a", "b", "c"]


def test_each_way_gets_each_change_once_where_one_is_down_for_a_run_and_back_for_the_next(
    world: World, sftp_host: SftpHost
) -> None:
    place = add_sftp(world, sftp_host, folder="later", file_pattern="{date}-{time}")
    schedule = schedule_to(world, place)
    opt_out(world, "a")
    make_due(world, schedule)
    sweep(world)
    (first,) = exports_of(world, schedule)
    first = fail(world, run(world, first.id))
    assert first.state == ExportState.FAILED
    assert mails_of(world, first).keys() == {address_of(world, world.admin_id)}
    opt_out(world, "b")
    # The next run, while it is still down: the same file again, once, and no new one beside it.
    let_a_day_pass(world, first)
    make_due(world, schedule)
    sweep(world)
    first = fail(world, run(world, first.id))
    assert first.state == ExportState.FAILED
    sweep(world)
    assert [each.state for each in exports_of(world, schedule)] == [ExportState.FAILED]
    # And the one after it, when it is back: the same file to whom it is missing, then the changes since.
    (sftp_host.folder / "later").mkdir()
    let_a_day_pass(world, first)
    sweep(world)
    assert run(world, first.id).state == ExportState.SENT
    sweep(world)
    second = exports_of(world, schedule)[-1]
    assert second.id != first.id
    second = run(world, second.id)
    assert second.state == ExportState.SENT
    assert (ids_in(world, first), ids_in(world, second)) == (["a"], ["b"])
    assert file_ids(world, schedule, place) == ["a", "b"]
    assert len(mails_of(world, first)) == len(mails_of(world, second)) == 1


def test_a_run_waits_while_one_way_still_waits_for_the_last_file(world: World, sftp_host: SftpHost) -> None:
    place = add_sftp(world, sftp_host)
    change_place(world, place, port=1)
    schedule = schedule_to(world, place)
    opt_out(world, "a")
    first = run_next(world, schedule)
    assert (first.state, len(mails_of(world, first))) == (ExportState.MAILING, 1)
    assert begin_next(world, schedule) is None
    change_place(world, place, port=sftp_host.port)
    assert try_again(world, first.id).state == ExportState.SENT
    opt_out(world, "b")
    assert ids_in(world, run_next(world, schedule)) == ["b"]


def test_a_way_that_is_taken_out_is_not_waited_for(world: World, sftp_host: SftpHost) -> None:
    place = add_sftp(world, sftp_host, folder="nowhere")
    schedule = schedule_to(world, place)
    opt_out(world, "a")
    first = fail(world, run_next(world, schedule))
    assert first.state == ExportState.FAILED
    schedule_to(world, changed=schedule)
    assert exports_of(world, schedule)[0].state == ExportState.SENT
    opt_out(world, "b")
    assert ids_in(world, run_next(world, schedule)) == ["b"]


def test_a_destination_that_is_deleted_leaves_its_schedules_and_pauses_those_with_nowhere_else(
    world: World, sftp_host: SftpHost
) -> None:
    place = add_sftp(world, sftp_host, folder="nowhere")
    alone, both = schedule_to(world, place, mail=False), schedule_to(world, place)
    failed = fail(world, run_next(world, both))
    admin = world.sign_in("admin")
    asked = admin.get(f"/settings/destinations/{place}/delete").text
    assert "These schedules deliver there." in asked
    assert "has nowhere else to go" in asked
    answer = admin.post(f"/settings/destinations/{place}/delete", follow_redirects=True).text
    assert "paused: 1." in answer
    with world.session():
        assert db.session.get_one(ExportSchedule, alone).paused_at
        assert db.session.get_one(ExportSchedule, both).paused_at is None
        assert db.session.get_one(Export, failed.id).state == ExportState.SENT
        assert service.all_destinations() == []
    assert admin.get(f"/settings/destinations/{place}/edit").status_code == 404


@pytest.mark.parametrize("mail", [True, False])
def test_a_schedule_of_days_goes_to_destinations_with_and_without_mail(
    world: World, sftp_host: SftpHost, mail: bool
) -> None:
    place = add_sftp(world, sftp_host, file_pattern="{kind}-{from}-to-{to}")
    export = run_next(world, schedule_to(world, place, mail=mail, period=Period.DAY))
    assert export.state == ExportState.SENT
    assert len(mails_of(world, export)) == int(mail)
    assert sftp_host.names() == [f"in/{export.file_name}"]
