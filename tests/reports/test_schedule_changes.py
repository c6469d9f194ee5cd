"""Files of only what changed since the last delivered one: every change in one of them, and in no other."""

from __future__ import annotations

import csv
import io
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Event

from sqlalchemy import text

from cadence_app import files
from cadence_app.consent.ledger import Change, record_change
from cadence_app.consent.models import Source, Status
from cadence_app.extensions import db
from cadence_app.reports import service
from cadence_app.reports.filters import Filters
from cadence_app.reports.models import Export, ExportState
from cadence_app.reports.schedules import Period
from tests.reports.exporting import change, export_row, run
from tests.reports.scheduling import (
    add_schedule,
    begin_next,
    exports_of,
    mails_of,
    run_next,
)
from tests.smtp import KnowingNobody, mail_goes_to
from tests.world import World


def ids_in(world: World, export: Export) -> list[str]:
    """The ContactIds of the rows of an export's file, in their order."""
    with world.app.app_context():
        content = files.read(export.file_key).decode("utf-8-sig")
    return [row["ContactId"] for row in csv.DictReader(io.StringIO(content, newline=""))]


def opt_out(world: World, name: str) -> None:
    """A change of a contact that has the name as its ContactId."""
    contact = world.add_contact(external_id=name)
    change(world, contact, Status.OPTED_OUT, Source.TOGGLE, datetime.now(UTC))


def test_the_first_file_holds_the_whole_history_and_the_next_ones_what_came_since(world: World) -> None:
    opt_out(world, "a")
    opt_out(world, "b")
    schedule = add_schedule(world, Period.CHANGED)
    first = run_next(world, schedule)
    assert (first.state, ids_in(world, first)) == (ExportState.SENT, ["a", "b"])
    nothing = run_next(world, schedule)
    assert (nothing.state, ids_in(world, nothing)) == (ExportState.SENT, [])
    opt_out(world, "c")
    third = run_next(world, schedule)
    assert ids_in(world, third) == ["c"]
    assert third.after_change_id == nothing.up_to_change_id
    assert third.starts_at == nothing.ends_at
    (mail,) = mails_of(world, third).values()
    body = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "only what changed since the last delivered file" in body


def test_a_change_of_a_transaction_that_is_open_over_a_run_is_in_the_next_file(world: World) -> None:
    schedule = add_schedule(world, Period.CHANGED)
    held = world.add_contact(external_id="held")
    began, commit = Event(), Event()

    def hold_open() -> None:
        with world.session():
            record_change(Change(held, world.team_id, Status.OPTED_OUT, Source.TOGGLE, at=datetime.now(UTC)))
            began.set()
            commit.wait(30)
            db.session.commit()

    opt_out(world, "before")
    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(hold_open)
        assert began.wait(30)
        opt_out(world, "after")
        first = run_next(world, schedule)
        commit.set()
        holding.result(30)
    second = run_next(world, schedule)
    assert ids_in(world, first) == ["before"]
    assert sorted(ids_in(world, second)) == ["after", "held"]


def test_runs_among_many_writers_hold_every_change_exactly_once(world: World) -> None:
    schedule = add_schedule(world, Period.CHANGED)
    contacts = {f"{n}": world.add_contact(external_id=f"{n}") for n in range(120)}
    held = world.add_contact(external_id="held")
    began, commit = Event(), Event()

    def write(names: list[str]) -> None:
        with world.session():
            for number, name in enumerate(names):
                at = datetime.now(UTC)
                record_change(Change(contacts[name], world.team_id, Status.OPTED_OUT, Source.TOGGLE, at=at))
                # Ids are given out now and can be seen later, in another order.
                db.session.execute(text("SELECT pg_sleep(random() * 0.01)"))
                if number % 3 == 2:
                    db.session.commit()
            db.session.commit()

    def hold_open() -> None:
        with world.session():
            record_change(Change(held, world.team_id, Status.OPTED_OUT, Source.TOGGLE, at=datetime.now(UTC)))
            began.set()
            commit.wait(60)
            db.session.commit()

    names = list(contacts)
    exports = []
    with ThreadPoolExecutor(7) as pool:
        # Some have written before the transaction that is held open over the next runs, most do later.
        pool.submit(write, names[:20]).result(60)
        writers = [pool.submit(write, names[20 + n :: 5]) for n in range(5)]
        exports.append(run_next(world, schedule))
        holding = pool.submit(hold_open)
        assert began.wait(30)
        exports += [run_next(world, schedule) for _ in range(3)]
        for writer in writers:
            writer.result(60)
        exports.append(run_next(world, schedule))
        assert sum(len(ids_in(world, export)) for export in exports) < len(names) + 1
        commit.set()
        holding.result(60)
    exports.append(run_next(world, schedule))
    found = [name for export in exports for name in ids_in(world, export)]
    assert len(found) == len(set(found))
    assert set(found) == {*names, "held"}
    assert sum(1 for export in exports if ids_in(world, export)) > 1


def test_a_file_that_was_not_delivered_does_not_move_the_place(world: World) -> None:
    opt_out(world, "a")
    schedule = add_schedule(world, Period.CHANGED)
    with mail_goes_to(world.app, KnowingNobody()):
        failed = run_next(world, schedule)
    assert failed.state == ExportState.FAILED
    opt_out(world, "b")
    delivered = run_next(world, schedule)
    assert ids_in(world, delivered) == ["a", "b"]
    # Now to send the failed one as well would bring its change twice.
    page = world.sign_in("admin").post(f"/exports/{failed.id}/retry", follow_redirects=True)
    assert "A later file of its schedule holds these changes." in page.text
    assert "A later file holds these changes" in page.text
    assert export_row(world, failed.id).state == ExportState.FAILED


def test_a_failed_file_that_is_retried_first_counts_as_delivered(world: World) -> None:
    opt_out(world, "a")
    schedule = add_schedule(world, Period.CHANGED)
    with mail_goes_to(world.app, KnowingNobody()):
        failed = run_next(world, schedule)
    with world.session():
        assert service.retry(db.session.get_one(Export, failed.id))
    # Until it is there nobody knows where the next one begins.
    assert begin_next(world, schedule) is None
    assert run(world, failed.id).state == ExportState.SENT
    opt_out(world, "b")
    assert ids_in(world, run_next(world, schedule)) == ["b"]


def test_a_run_waits_while_the_last_file_is_on_its_way_and_so_does_send_now(world: World) -> None:
    opt_out(world, "a")
    schedule = add_schedule(world, Period.CHANGED)
    first = begin_next(world, schedule)
    assert first
    assert begin_next(world, schedule) is None
    page = world.sign_in("admin").post(f"/reports/schedules/{schedule}/send", follow_redirects=True)
    assert "still on its way" in page.text
    assert [export.id for export in exports_of(world, schedule)] == [first]
    run(world, first)
    assert begin_next(world, schedule)


def test_filters_narrow_what_changed_and_move_the_place_past_the_rest(world: World) -> None:
    opt_out(world, "out")
    schedule = add_schedule(world, Period.CHANGED, filters=Filters(status=Status.OPTED_IN))
    assert ids_in(world, run_next(world, schedule)) == []
    contact = world.add_contact(external_id="in")
    change(world, contact, Status.OPTED_IN, Source.MANUAL_ADD, datetime.now(UTC))
    assert ids_in(world, run_next(world, schedule)) == ["in"]


def test_another_tenants_changes_are_never_in_it(world: World, legacy_world: World) -> None:
    opt_out(legacy_world, "theirs")
    opt_out(world, "ours")
    assert ids_in(world, run_next(world, add_schedule(world, Period.CHANGED))) == ["ours"]


def test_the_list_of_requests_and_the_schedule_say_what_the_file_holds(world: World) -> None:
    opt_out(world, "a")
    schedule = add_schedule(world, Period.CHANGED)
    run_next(world, schedule)
    admin = world.sign_in("admin")
    path = "/reports/exports/opt-out-history"
    assert "The whole history" in admin.get(path).text
    assert "What changed since <time" not in admin.get(path).text
    run_next(world, schedule)
    assert "What changed since <time" in admin.get(path).text
    assert "Only what changed since the last delivered file" in admin.get("/reports/schedules/").text
