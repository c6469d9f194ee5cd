"""Runs of schedules: made once, for whom they are meant, and mailed to each of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest

from cadence_app.accounts.models import Role, User
from cadence_app.consent.models import Source, Status
from cadence_app.extensions import db
from cadence_app.reports import schedule_runs
from cadence_app.reports.filters import Filters
from cadence_app.reports.kinds import KINDS, MESSAGE_HISTORY, OPT_OUT_HISTORY, Kind
from cadence_app.reports.models import ExportState
from cadence_app.reports.schedule_models import ExportSchedule
from cadence_app.reports.schedules import Period
from tests.reports.exporting import NEW_YORK, attachment, change, export_row, rows_of, run
from tests.reports.scheduling import (
    DAILY_AT_6,
    add_admin,
    add_schedule,
    address_of,
    begin_next,
    exports_of,
    mails_of,
    make_due,
    run_next,
    sweep,
)
from tests.smtp import KnowingNobody, Taking, mail_goes_to
from tests.world import World


class KnowingAllBut(Taking):
    """Refuses one address."""

    def __init__(self, address: str, answer: str) -> None:
        super().__init__()
        self.address, self.answer = address, answer

    async def handle_RCPT(self, server, session, envelope, address, options):  # type: ignore[no-untyped-def]
        if address == self.address:
            return self.answer
        envelope.rcpt_tos.append(address)
        return "250 known"


def demote(world: World, user_id: int) -> None:
    with world.session():
        db.session.get_one(User, user_id).role = Role.AGENT
        db.session.commit()


def test_a_due_run_is_made_for_yesterday_and_is_mailed_to_each_recipient(world: World) -> None:
    contact = world.add_contact()
    yesterday = datetime.now(NEW_YORK) - timedelta(days=1)
    change(world, contact, Status.OPTED_OUT, Source.TOGGLE, yesterday.replace(hour=12))
    second = add_admin(world)
    schedule = add_schedule(world, recipient_ids=(world.admin_id, second), extra=("Source",))
    latest = make_due(world, schedule)
    sweep(world)
    (export,) = exports_of(world, schedule)
    assert (export.scheduled_for, export.requested_by_id) == (latest, world.admin_id)
    assert export.start_date == export.end_date == latest.astimezone(NEW_YORK).date() - timedelta(days=1)
    export = run(world, export.id)
    assert (export.state, export.problem) == (ExportState.SENT, "")
    mails = mails_of(world, export)
    assert mails.keys() == {address_of(world, world.admin_id), address_of(world, second)}
    for mail in mails.values():
        assert rows_of(attachment(mail))[0][-1] == "Source"
        text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
        assert "Admin Person scheduled this export for Admin Person, Second Admin." in text


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.key)
def test_every_kind_can_be_scheduled(world: World, kind: Kind) -> None:
    period = Period.DAY if kind.dated else Period.NOW
    export = run_next(world, add_schedule(world, period, kind=kind))
    assert (export.kind, export.state) == (kind.key, ExportState.SENT)


def test_runs_that_were_missed_for_days_are_made_up_once_for_the_latest(world: World) -> None:
    schedule = add_schedule(world)
    latest = make_due(world, schedule, days=5)
    sweep(world)
    sweep(world)
    (export,) = exports_of(world, schedule)
    assert export.scheduled_for == latest
    assert export.end_date == latest.astimezone(NEW_YORK).date() - timedelta(days=1)
    with world.session():
        row = db.session.get_one(ExportSchedule, schedule)
        assert row.next_run_at == DAILY_AT_6.next_run(NEW_YORK, datetime.now(UTC)).at


def test_sweeps_at_once_make_one_run(world: World) -> None:
    schedules = [add_schedule(world) for _ in range(5)]
    for schedule in schedules:
        make_due(world, schedule, days=2)
    together = Barrier(4)

    def sweep_together(_: int) -> None:
        together.wait()
        sweep(world)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(sweep_together, range(4)))
    sweep(world)
    assert [len(exports_of(world, schedule)) for schedule in schedules] == [1] * 5


def test_a_run_that_another_session_is_making_is_left_to_it(world: World) -> None:
    schedule = add_schedule(world)
    at = make_due(world, schedule)
    with world.session():
        db.session.get_one(ExportSchedule, schedule, with_for_update=True)
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(_run_due, world, schedule, at).result(20) is None
    assert _run_due(world, schedule, at)
    assert _run_due(world, schedule, at) is None


def _run_due(world: World, schedule_id: int, at: datetime) -> int | None:
    with world.session():
        export = schedule_runs.run_due(schedule_id, at)
        return export.id if export else None


def test_a_paused_schedule_makes_nothing_and_resumes_with_its_next_run(world: World) -> None:
    schedule = add_schedule(world)
    with world.session():
        row = db.session.get_one(ExportSchedule, schedule)
        schedule_runs.pause(row.owner, row)
    make_due(world, schedule, days=3)
    sweep(world)
    assert exports_of(world, schedule) == []
    with world.session():
        row = db.session.get_one(ExportSchedule, schedule)
        schedule_runs.resume(row.owner, row)
        assert row.next_run_at > datetime.now(UTC)
    sweep(world)
    assert exports_of(world, schedule) == []


def test_a_deleted_schedule_makes_nothing_and_what_it_made_is_still_sent(world: World) -> None:
    schedule = add_schedule(world)
    made = begin_next(world, schedule)
    assert made
    with world.session():
        row = db.session.get_one(ExportSchedule, schedule)
        schedule_runs.delete_schedule(row.owner, row)
        assert schedule_runs.all_schedules() == []
    make_due(world, schedule)
    sweep(world)
    assert len(exports_of(world, schedule)) == 1
    assert run(world, made).state == ExportState.SENT


def test_who_is_no_admin_any_more_is_left_out_and_it_says_so(world: World) -> None:
    second = add_admin(world)
    schedule = add_schedule(world, recipient_ids=(world.admin_id, second))
    demote(world, second)
    export = run_next(world, schedule)
    assert export.state == ExportState.SENT
    assert export.problem == "Not sent to Second Admin (no admin any more)."
    assert mails_of(world, export).keys() == {address_of(world, world.admin_id)}
    page = world.sign_in("admin").get("/reports/schedules/").text
    assert "no admin any more: left out" in page
    assert export.problem in page


def test_a_schedule_goes_on_for_the_others_when_its_owner_is_no_admin_any_more(world: World) -> None:
    second = add_admin(world)
    schedule = add_schedule(world, recipient_ids=(second,))
    own = add_schedule(world, recipient_ids=(second,), kind=MESSAGE_HISTORY)
    demote(world, world.admin_id)
    assert run_next(world, schedule).state == ExportState.SENT
    # What it holds is what the owner may read, so it waits for another.
    assert begin_next(world, own) is None
    browser = world.sign_in_as(address_of(world, second))
    assert "Waits" in browser.get("/reports/schedules/").text
    sent = browser.post(f"/reports/schedules/{own}/send", follow_redirects=True)
    assert "Take it over first" in sent.text
    assert exports_of(world, own) == []


def test_nothing_is_written_when_no_recipient_is_an_admin_any_more(world: World) -> None:
    second = add_admin(world)
    schedule = add_schedule(world, recipient_ids=(second,))
    demote(world, second)
    export = run_next(world, schedule)
    assert (export.state, export.file_key) == (ExportState.FAILED, "")
    assert export.problem == "Nobody it goes to is an admin any more."


def test_an_address_that_is_refused_keeps_the_mail_from_nobody_else(world: World) -> None:
    second = add_admin(world)
    schedule = add_schedule(world, recipient_ids=(world.admin_id, second))
    server = KnowingAllBut(address_of(world, world.admin_id), "550 no such user")
    with mail_goes_to(world.app, server):
        export = run_next(world, schedule)
    assert (export.state, server.taken) == (ExportState.SENT, 1)
    assert export.problem.startswith("Not sent to Admin Person (")


def test_a_mail_that_has_to_wait_is_tried_again_for_those_who_have_not_got_it(world: World) -> None:
    second = add_admin(world)
    schedule = add_schedule(world, recipient_ids=(world.admin_id, second))
    server = KnowingAllBut(address_of(world, world.admin_id), "450 later")
    with mail_goes_to(world.app, server):
        export = run_next(world, schedule)
    assert (export.state, server.taken) == (ExportState.MAILING, 1)
    with world.session():
        row = schedule_runs.last_run(db.session.get_one(ExportSchedule, schedule))
        assert row
        row.next_attempt_at = datetime.now(UTC) - timedelta(minutes=1)
        db.session.commit()
    export = run(world, export.id)
    assert (export.state, export.problem) == (ExportState.SENT, "")
    assert mails_of(world, export).keys() == {address_of(world, world.admin_id)}


def test_a_run_that_failed_is_retried_as_any_export(world: World) -> None:
    schedule = add_schedule(world)
    with mail_goes_to(world.app, KnowingNobody()):
        export = run_next(world, schedule)
    assert export.state == ExportState.FAILED
    world.sign_in("admin").post(f"/exports/{export.id}/retry")
    assert run(world, export.id).state == ExportState.SENT


def test_send_now_makes_one_run_and_leaves_the_next_as_it_is(world: World) -> None:
    schedule = add_schedule(world, filters=Filters(status=Status.OPTED_OUT))
    with world.session():
        row = db.session.get_one(ExportSchedule, schedule)
        before = row.next_run_at
        first, new = schedule_runs.run_now(row.owner, row)
        assert first
        assert new
        again, new = schedule_runs.run_now(row.owner, row)
        assert (again, new) == (first, False)
        assert row.next_run_at == before
        export_id = first.id
    export = run(world, export_id)
    assert (export.state, export.scheduled_for) == (ExportState.SENT, None)
    assert export.filters == {"status": "opted_out"}


def test_a_request_by_hand_is_not_taken_for_a_run_of_the_same_days(world: World) -> None:
    schedule = add_schedule(world)
    made = begin_next(world, schedule)
    assert made
    export = export_row(world, made)
    form = {"start_date": str(export.start_date), "end_date": str(export.end_date), "format": "csv"}
    page = world.sign_in("admin").post("/reports/exports/opt-out-history", form, follow_redirects=True)
    assert "Export requested." in page.text
    assert "by a schedule of Admin Person, for Admin Person" in page.text
    assert OPT_OUT_HISTORY.key == export.kind
