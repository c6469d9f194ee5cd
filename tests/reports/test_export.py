"""What the file of an export holds, and that one request is one file."""

from __future__ import annotations

import hashlib
import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from cadence_app.accounts.models import User
from cadence_app.consent import by_user as consent
from cadence_app.consent.models import Source, Status
from cadence_app.contacts import service as contacts
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.reports import writing
from cadence_app.reports.models import Delivery, Export
from cadence_app.reports.ranges import utc_bounds
from tests.reports.exporting import (
    HEADER,
    NEW_YORK,
    ask_for,
    attachment,
    cells_of,
    change,
    mails_to,
    open_in_spreadsheet,
    rows_of,
    run,
)
from tests.world import World, new_number


def test_the_four_kinds_of_change_are_in_the_file_oldest_first_and_no_import_is(world: World) -> None:
    cold = new_number()
    world.text(cold, "hi")
    world.text(cold, "STOP")
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        team = next(team for team in admin.teams if team.id == world.team_id)
        added = contacts.add_contact(admin, team, new_number(), "Zoë", "O'Brien", "00123")
        number, added_id = added.number, added.id
    with world.session():
        consent.set_by_user(
            db.session.get_one(User, world.agent_id), added_id, world.team_id, Status.OPTED_OUT
        )
        db.session.commit()
    imported = world.add_contact()
    change(world, imported, Status.OPTED_IN, Source.IMPORT, datetime.now(UTC))
    change(world, imported, Status.OPTED_OUT, Source.API, datetime.now(UTC))

    export = run(world, ask_for(world))
    (mail,) = mails_to(world)
    header, *rows = rows_of(attachment(mail))
    assert header == HEADER
    assert [row[:6] for row in rows] == [
        ["", "", "", "ADM", cold, "Opted In"],
        ["", "", "", "ADM", cold, "Opted Out"],
        ["Zoë", "O'Brien", "00123", "ADM", number, "Opted In"],
        ["Zoë", "O'Brien", "00123", "ADM", number, "Opted Out"],
    ]
    assert [row[6] for row in rows] == sorted(row[6] for row in rows)
    assert all(datetime.strptime(row[6], "%Y-%m-%dT%H:%M:%SZ") for row in rows)
    assert (export.state, export.rows_written, export.delivery) == ("sent", 4, Delivery.CSV)


def test_a_rename_after_the_change_leaves_the_old_row_as_it_was(world: World) -> None:
    contact_id = world.add_contact(first_name="Old", last_name="Name")
    change(world, contact_id, Status.OPTED_OUT, Source.TOGGLE, datetime.now(UTC))
    with world.session():
        contacts.edit_contact(
            db.session.get_one(User, world.admin_id),
            db.session.get_one(Contact, contact_id),
            first_name="New",
            last_name="Name",
            external_id="77",
        )
    run(world, ask_for(world))
    assert rows_of(attachment(mails_to(world)[0]))[1][:3] == ["Old", "Name", ""]


@pytest.mark.parametrize(
    ("day", "hours"),
    [(date(2026, 3, 8), 23), (date(2025, 11, 2), 25), (date(2026, 7, 1), 24)],
    ids=["clocks go forward", "clocks go back", "an ordinary day"],
)
def test_the_first_and_last_second_of_a_day_are_in_its_file(world: World, day: date, hours: int) -> None:
    start, end = utc_bounds(day, day, NEW_YORK)
    assert end - start == timedelta(hours=hours)
    moments = [start - timedelta(seconds=1), start, end - timedelta(seconds=1), end]
    contact_id = world.add_contact()
    statuses = [Status.OPTED_OUT, Status.OPTED_IN] * 2
    for moment, status in zip(moments, statuses, strict=True):
        change(world, contact_id, status, Source.TOGGLE, moment)
    run(world, ask_for(world, day, day))
    dates = [row[6] for row in rows_of(attachment(mails_to(world)[0]))[1:]]
    assert dates == [f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in moments[1:3]]


def test_no_rows_are_mailed_too_as_a_file_with_only_its_header(world: World) -> None:
    run(world, ask_for(world))
    (mail,) = mails_to(world)
    assert rows_of(attachment(mail)) == [HEADER]
    for kind in ("plain", "html"):
        body = mail.get_body((kind,))
        assert body is not None
        assert "no change" in body.get_content().lower()


def test_what_a_spreadsheet_would_run_is_defused_and_the_rest_is_left_alone(world: World) -> None:
    names = [
        ('=HYPERLINK("http://x")', '\'=HYPERLINK("http://x")'),
        ("+1", "'+1"),
        ("-2", "'-2"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("\uff1d1", "'\uff1d1"),
        ('Zoë "Z", O\'Brien', 'Zoë "Z", O\'Brien'),
        ("two\nlines", "two\nlines"),
        ("\u05d3\u05d5\u05d3", "\u05d3\u05d5\u05d3"),
        ("a=b", "a=b"),
    ]
    for first_name, _ in names:
        contact_id = world.add_contact(first_name=first_name)
        change(world, contact_id, Status.OPTED_OUT, Source.TOGGLE, datetime.now(UTC))
    run(world, ask_for(world))
    rows = rows_of(attachment(mails_to(world)[0]))[1:]
    assert [row[0] for row in rows] == [expected for _, expected in names]
    assert all(row[4].startswith("+1") for row in rows)


def test_hostile_cells_survive_into_a_spreadsheet(world: World, tmp_path: Path) -> None:
    names = [
        '=HYPERLINK("http://x")',
        'Zoë "Z", O\'Brien',
        "two\nlines",
        "\u05d3\u05d5\u05d3 \u0628",
        "Plain",
    ]
    for index, name in enumerate(names):
        contact_id = world.add_contact(first_name=name, external_id=f"0012{index}")
        change(world, contact_id, Status.OPTED_OUT, Source.TOGGLE, datetime.now(UTC))
    run(world, ask_for(world))
    source = tmp_path / "export.csv"
    source.write_bytes(attachment(mails_to(world)[0]))
    converted = open_in_spreadsheet(source, "fods")
    cells = cells_of(converted, len(HEADER))
    assert cells[0] == HEADER
    assert [row[0] for row in cells[1:]] == ["'" + names[0], *names[1:]]
    assert [row[2] for row in cells[1:]] == [f"0012{index}" for index in range(len(names))]
    assert all(row[4].startswith("+1") for row in cells[1:])
    assert "of:=" not in converted.read_text()


def test_one_request_pressed_twice_at_once_is_one_export(world: World) -> None:
    ids: list[int] = []
    threads = [threading.Thread(target=lambda: ids.append(ask_for(world))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(ids)) == 1
    assert ask_for(world, date(2026, 1, 1), date(2026, 1, 2)) not in ids


def test_running_an_export_twice_at_once_mails_it_once(world: World) -> None:
    export_id = ask_for(world)
    threads = [threading.Thread(target=run, args=(world, export_id)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(mails_to(world)) == 1


def test_the_digest_of_the_row_is_that_of_the_file(world: World) -> None:
    world.text(new_number(), "hi")
    export = run(world, ask_for(world))
    content = attachment(mails_to(world)[0])
    assert export.sha256 == hashlib.sha256(content).hexdigest()
    assert export.size == len(content)
    with world.session():
        assert db.session.scalar(select(func.count()).select_from(Export)) == 1


def test_a_file_of_many_pieces_is_whole_and_its_digest_right(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "_PIECE", 64)
    numbers = [new_number() for _ in range(40)]
    for number in numbers:
        world.text(number, "hi")
    export = run(world, ask_for(world))
    content = attachment(mails_to(world)[0])
    assert [row[4] for row in rows_of(content)[1:]] == numbers
    assert (export.size, export.sha256) == (len(content), hashlib.sha256(content).hexdigest())
