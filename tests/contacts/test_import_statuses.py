"""Histories of statuses as other systems write them: how they are told, and what can't be read in them."""

from __future__ import annotations

import re
from datetime import datetime

from cadence_app.consent.models import Status
from cadence_app.contacts.imports.models import Import
from tests.contacts.importing import (
    HISTORY,
    check,
    csv_of,
    problems,
    row,
    run,
    start,
    upload,
    work,
)
from tests.records.people import IN, OUT
from tests.world import Browser, World, new_number


def _columns(browser: Browser, world: World, import_id: int, **codes: str) -> Import:
    """Takes the suggested columns with these teams for codes, and checks."""
    kinds = [each["kind"] for each in row(world, import_id).columns]
    form = {"action": "check"} | {f"column-{number}": kind for number, kind in enumerate(kinds)} | codes
    answer = browser.post(f"/contacts/import/{import_id}/columns", form)
    assert answer.status_code == 302, answer.text
    return work(world, import_id)


def test_a_history_is_read_as_one_and_unknown_codes_are_chosen_once(world: World) -> None:
    one, two = new_number(), new_number()
    content = csv_of(
        ("Jo", "Park", "L1", "Athletics", one, "Opted Out", "2026-03-01T12:00:00Z"),
        ("Lu", "Diaz", "L2", "Athletics", two, "Opted In", "2026-03-01T12:00:00Z"),
        ("Jo", "Park", "L1", "ADM", one, "opted in", "3/2/2026 4:05 PM"),
        header=HISTORY,
    )
    import_id = upload(world, content)
    assert [each["kind"] for each in row(world, import_id).columns][-2:] == ["status", "status_date"]
    browser = world.sign_in("admin")
    assert "Athletics" in browser.get(f"/contacts/import/{import_id}/columns").text
    refused = _columns(browser, world, import_id)
    assert (refused.unknown_codes, refused.refusals) == ({"Athletics": 2}, {"unknown_team": 2})
    browser.post(f"/contacts/import/{import_id}/change-columns")
    checked = _columns(browser, world, import_id, **{"code-0": str(world.other_team_id)})
    assert checked.rows_refused == 0
    start(world, import_id)
    assert work(world, import_id).state == "done"
    first, second = world.contact_id(one), world.contact_id(two)
    assert [world.status(first, each) for each in (world.team_id, world.other_team_id)] == [IN, OUT]
    assert world.status(second, world.other_team_id) == IN
    # The next file has the same code.
    page = browser.get(f"/contacts/import/{upload(world, content)}/columns").text
    assert re.search(rf'<option selected value="{world.other_team_id}">', page)


def test_a_column_named_status_is_one_of_consent_only_beside_a_status_date(world: World) -> None:
    content = csv_of((new_number(), "Admitted"), header=("Mobile", "Status"))
    assert [each["kind"] for each in row(world, upload(world, content)).columns] == ["number", "skip"]


def test_what_can_not_be_read_in_a_history_is_refused_at_its_cell(world: World) -> None:
    later = datetime.now().year + 5
    content = csv_of(
        ("A", "", "1", "ADM", new_number(), "Opted", "2026-03-01"),
        ("B", "", "2", "ADM", new_number(), "Opted In", f"{later}-03-01"),
        ("C", "", "3", "ADM", new_number(), "Opted In", "soon"),
        header=HISTORY,
    )
    done = run(world, content)
    assert done.refusals == {"bad_status": 1, "bad_day": 2}
    assert problems(world, done)[0] == "Line 2: Status: “Opted” is neither Opted Out nor Opted In."


def test_opted_in_of_a_history_never_lifts_a_stop_whatever_is_ticked(world: World) -> None:
    number = new_number()
    world.text(number, "hi")
    world.text(number, "STOP")
    contact_id = world.contact_id(number)
    content = csv_of(
        ("A", "", "", "ADM", number, "Opted In", datetime.now().isoformat()),
        header=HISTORY,
    )
    done = run(world, content, stop_reason="They signed a form.")
    assert (world.status(contact_id), done.opt_ins_held) == (Status.OPTED_OUT, 1)
    import_id = upload(world, content)
    check(world, import_id)
    assert 'name="lift_stops"' not in world.sign_in("admin").get(f"/contacts/import/{import_id}").text
