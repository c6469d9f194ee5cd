"""What each kind of export holds, in both formats, filtered and with extra columns."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta

import pytest

from cadence_app.accounts import audit
from cadence_app.accounts.models import User
from cadence_app.consent import possible
from cadence_app.consent.ledger import Change, record_change
from cadence_app.consent.models import Source, Status
from cadence_app.extensions import db
from cadence_app.messaging.media.service import Came
from cadence_app.reports import service
from cadence_app.reports.filters import Filters
from cadence_app.reports.kinds import KINDS, OPT_OUT_HISTORY, Kind
from cadence_app.reports.models import Format
from tests.reports.exporting import (
    EXTRA,
    HEADER,
    agent_changes,
    ask_for,
    attachment,
    change,
    mail_of,
    mails_to,
    rows_of,
    run,
)
from tests.world import World, new_number


def _file(
    world: World, kind: Kind, filters: Filters | None = None, extra: tuple[str, ...] = ()
) -> list[list[str]]:
    """The rows of a CSV export, mailed, without the header."""
    done = run(world, ask_for(world, kind=kind, filters=filters or Filters(), extra=extra))
    return rows_of(attachment(mail_of(world, done)))[1:]


def test_the_classic_file_is_the_same_to_the_byte(world: World) -> None:
    moment = datetime(2026, 3, 8, 6, 59, 59, 999_999, tzinfo=UTC)
    contact_id = world.add_contact("+13035550147", first_name="=Zoë", last_name='O"B, c', external_id="007")
    change(world, contact_id, Status.OPTED_OUT, Source.TOGGLE, moment)
    run(world, ask_for(world, date(2026, 3, 8), date(2026, 3, 8)))
    expected = (
        "\ufeff" + ",".join(f'"{name}"' for name in HEADER).replace('"', "") + "\n"
        '"\'=Zoë","O""B, c","007","ADM","+13035550147","Opted Out","2026-03-08T06:59:59Z"\n'
    )
    assert attachment(mails_to(world)[0]) == expected.encode()


def test_extra_columns_come_after_the_seven_and_say_why(world: World) -> None:
    number = new_number()
    received = world.text(number, "hi, +1 for texts")
    world.text(number, "Stop")
    agent_changes(world, world.contact_id(number), Status.OPTED_IN, "They called and asked.")
    first, second, third = _file(world, OPT_OUT_HISTORY, extra=EXTRA)
    assert first[7:12] == ["First text", "", "", "hi, +1 for texts", str(received.message_id)]
    assert second[7:9] + second[10:11] == ["Keyword", "", "Stop"]
    assert third[7:12] == ["Toggle", "Agent Person", "They called and asked.", "", ""]
    utc = datetime.strptime(third[6], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    with world.session():
        local = utc.astimezone(db.session.get_one(User, world.admin_id).tenant.zone)
    assert third[12] == f"{local:%Y-%m-%d %H:%M:%S} America/New_York"
    # The order is the kind's own, and what was not asked for is not there.
    (one, *_) = _file(world, OPT_OUT_HISTORY, extra=("User", "Source"))
    assert one[7:] == ["First text", ""]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(), {"keyword", "toggle", "other team", "added"}),
        (Filters(source="keyword"), {"keyword", "other team"}),
        (Filters(status="opted_in"), {"added"}),
        (Filters(contact="TOGGLE"), {"toggle"}),
        (Filters(contact="og%le"), set()),
        (Filters(words="sto"), {"keyword"}),
        (Filters(source="keyword", words="END"), {"other team"}),
    ],
)
def test_the_file_has_exactly_what_the_filters_leave(
    world: World, filters: Filters, expected: set[str]
) -> None:
    now = datetime.now(UTC)
    out, into = Status.OPTED_OUT, Status.OPTED_IN
    for name, team_id, status, source, words in (
        ("keyword", world.team_id, out, Source.KEYWORD, "STOP"),
        ("toggle", world.team_id, out, Source.TOGGLE, ""),
        ("other team", world.other_team_id, out, Source.KEYWORD, "end"),
        ("added", world.team_id, into, Source.MANUAL_ADD, ""),
        ("imported", world.team_id, out, Source.IMPORT, ""),
    ):
        contact_id = world.add_contact(first_name=name)
        with world.session():
            record_change(Change(contact_id, team_id, status, source, words=words, at=now))
            db.session.commit()
    assert {row[0] for row in _file(world, OPT_OUT_HISTORY, filters)} == expected


def test_team_and_user_filters_take_that_team_and_user_only(world: World) -> None:
    ours, theirs = world.add_contact(first_name="Ours"), world.add_contact(first_name="Theirs")
    agent_changes(world, ours, Status.OPTED_OUT)
    with world.session():
        record_change(Change(theirs, world.other_team_id, Status.OPTED_OUT, Source.TOGGLE, world.admin_id))
        db.session.commit()
    for filters in (Filters(team_id=world.team_id), Filters(user_id=world.agent_id)):
        assert [row[0] for row in _file(world, OPT_OUT_HISTORY, filters)] == ["Ours"]


def test_the_mail_says_which_filters_and_columns_were_asked_for(legacy_world: World) -> None:
    world = legacy_world
    filters = Filters(team_id=world.team_id, source="keyword", contact="chen")
    run(world, ask_for(world, filters=filters, extra=("Source",)))
    (mail,) = mails_to(world)
    for kind in ("plain", "html"):
        body = mail.get_body((kind,))
        assert body is not None
        text = body.get_content()
        for said in ("Department", "Admissions", "Keyword", "“chen”", "Source", "fits the filters"):
            assert said in text, (kind, said)


def test_the_same_press_is_one_export_and_another_filter_format_or_column_is_another(world: World) -> None:
    ids: list[int] = []
    filters = Filters(source="keyword")
    threads = [threading.Thread(target=lambda: ids.append(ask_for(world, filters=filters))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(ids)) == 1
    others = [
        ask_for(world),
        ask_for(world, filters=Filters(source="toggle")),
        ask_for(world, filters=filters, file_format=Format.XLSX),
        ask_for(world, filters=filters, extra=("User",)),
    ]
    assert len({*others, *ids}) == 5


def test_a_kind_refuses_filters_and_columns_that_it_does_not_have(world: World) -> None:
    with pytest.raises(ValueError, match="no such filter"):
        ask_for(world, kind=KINDS["user-activity"], filters=Filters(words="x"))
    with pytest.raises(ValueError, match="no such filter"):
        ask_for(world, extra=("Password",))


def test_the_current_status_has_each_contact_and_team_once_imports_too(world: World) -> None:
    number = new_number()
    world.text(number, "hi")
    world.text(number, "STOP")
    imported = world.add_contact(first_name="Imported")
    change(world, imported, Status.OPTED_IN, Source.IMPORT, datetime.now(UTC))
    kind = KINDS["opt-out-status"]
    rows = _file(world, kind)
    assert {(row[0], row[5], row[7]) for row in rows} == {
        ("", "Opted Out", "Keyword"),
        ("Imported", "Opted In", "Import"),
    }
    assert [row[0] for row in _file(world, kind, Filters(status="opted_in"))] == ["Imported"]


def test_message_history_has_only_what_whoever_asks_may_read(world: World) -> None:
    for inbox in (world.shared, world.other_shared, world.personal, world.other_personal):
        world.text(new_number(), f"to {inbox}", inbox)
    texts = {row[11] for row in _file(world, KINDS["message-history"])}
    assert texts == {f"to {inbox}" for inbox in (world.shared, world.other_shared, world.other_personal)}


def test_message_history_counts_files_where_that_is_asked_for(world: World) -> None:
    number, came = new_number(), Came(content_type="image/png", content=b"\x89PNG\r\n\x1a\n")
    world.text(number, "none")
    world.text(number, "two", media=[came, came])
    counts = {row[11]: row[-1] for row in _file(world, KINDS["message-history"], extra=("Files",))}
    assert counts == {"none": "0", "two": "2"}


def test_possible_opt_outs_say_who_decided_what(world: World) -> None:
    first, second = new_number(), new_number()
    for number in (first, second):
        world.text(number, "please stop texting me")
    with world.session():
        agent = db.session.get_one(User, world.agent_id)
        flag = possible.open_flag(world.contact_id(first), world.team_id)
        assert flag
        assert possible.dismiss(agent, flag.contact_id, world.team_id, flag.message_id)
        db.session.commit()
    dismissed, still_open = _file(world, KINDS["possible-opt-outs"])
    assert (dismissed[5], dismissed[8], dismissed[10]) == (
        "please stop texting me",
        "Dismissed",
        "Agent Person",
    )
    assert dismissed[9]
    assert still_open[8:] == ["Open", "", ""]


def test_user_activity_counts_what_each_user_did_by_day_of_the_tenants_zone(world: World) -> None:
    contact_id, other_id = world.add_contact(), world.add_contact()
    # Half past eleven in the evening in New York is the next day in UTC.
    late = datetime(2026, 1, 11, 4, 30, tzinfo=UTC)
    with world.session():
        for change_ in (
            Change(contact_id, world.team_id, Status.OPTED_IN, Source.MANUAL_ADD, world.agent_id, at=late),
            Change(other_id, world.team_id, Status.OPTED_OUT, Source.TOGGLE, world.agent_id, at=late),
        ):
            record_change(change_)
        record_change(
            Change(
                *(other_id, world.team_id, Status.OPTED_IN, Source.TOGGLE, world.admin_id),
                at=late + timedelta(hours=1),
            )
        )
        db.session.commit()
        agent = db.session.get_one(User, world.agent_id)
        admin = db.session.get_one(User, world.admin_id)
        emails = agent.email, admin.email
    run(world, ask_for(world, date(2026, 1, 10), date(2026, 1, 11), kind=KINDS["user-activity"]))
    rows = rows_of(attachment(mails_to(world)[0]))[1:]
    assert rows == [
        ["2026-01-10", "Agent Person", emails[0], "1", "0", "1", "0", "0"],
        ["2026-01-11", "Admin Person", emails[1], "0", "1", "0", "0", "0"],
    ]


def test_another_tenants_rows_are_in_no_file(world: World, legacy_world: World) -> None:
    legacy_world.text(new_number(), "please stop texting me")
    with legacy_world.session():
        audit.record(None, "tag.made", "Athlete")
        db.session.commit()
    for kind in KINDS.values():
        filters = Filters(team_id=legacy_world.team_id) if "team_id" in kind.filters else Filters()
        # The audit log holds that these very files were asked for.
        assert [row for row in _file(world, kind, filters) if "export.requested" not in row] == []


def test_every_kind_with_no_row_is_mailed_too_and_says_so(world: World) -> None:
    for kind in KINDS.values():
        done = run(world, ask_for(world, date(2020, 1, 1), date(2020, 1, 2), kind=kind))
        body = mail_of(world, done).get_body(("plain",))
        assert body is not None
        assert kind.nothing in body.get_content()
    with world.session():
        assert len(service.latest_requests()) == len(KINDS)
