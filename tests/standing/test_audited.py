"""What is done with tokens, exports and schedules is in the audit log, with who did it."""

from __future__ import annotations

import threading

from cadence_app.accounts.models import User
from cadence_app.api import tokens
from cadence_app.api.models import ApiToken, Scope
from cadence_app.extensions import db
from cadence_app.reports import schedule_runs
from cadence_app.reports.schedule_models import ExportSchedule
from tests.api.conftest import make_api
from tests.reports.exporting import ask_for, run
from tests.standing.leaving import logged, schedule_of
from tests.world import World

EXPORT = {"kind": "opt-out-history", "start_date": "2026-01-01", "end_date": "2026-01-31"}


def test_a_tokens_life_is_in_the_log(world: World) -> None:
    api = make_api(world, name="Student records")
    for _ in range(3):
        assert api.get("/teams").status_code == 200
    admin = world.sign_in("admin")
    admin.post(f"/settings/api-tokens/{api.token_id}/revoke")
    admin.post(f"/settings/api-tokens/{api.token_id}/revoke")
    assert logged(world, "token") == [
        ("Admin Person", "token.made", "Student records"),
        ("Student records (API token)", "token.first_used", "Student records"),
        ("Admin Person", "token.ended", "Student records"),
    ]
    page = admin.get("/settings/audit-log/?what=token").text
    for words in ("Token made", "Token first used", "Token ended", "An admin ended it"):
        assert words in page
    assert api.token[-64:] not in page


def test_of_many_first_calls_at_once_one_is_the_first(world: World) -> None:
    api = make_api(world, name="Busy")
    barrier = threading.Barrier(4)

    def use() -> None:
        with world.session():
            token = db.session.get_one(ApiToken, api.token_id)
            assert token.last_used_at is None
            barrier.wait(10)
            tokens.note_use(token)

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert [entry[1] for entry in logged(world, "token")] == ["token.made", "token.first_used"]


def test_exports_and_their_files_are_in_the_log_from_the_screen_and_the_api(world: World) -> None:
    export_id = ask_for(world)
    run(world, export_id)
    admin = world.sign_in("admin")
    assert admin.client.head(f"/exports/{export_id}/download").status_code == 200
    assert admin.get(f"/exports/{export_id}/download").status_code == 200
    assert admin.get("/exports/999999999/download").status_code == 404
    api = make_api(world, name="Student records")
    by_api = api.post("/exports", json=EXPORT, key="once").get_json()["id"]
    assert api.post("/exports", json=EXPORT, key="once").get_json()["id"] == by_api
    assert api.get(f"/exports/{export_id}/file").status_code == 200
    entries = [(who, action) for who, action, _ in logged(world, "export")]
    assert entries == [
        ("Admin Person", "export.requested"),
        ("Admin Person", "export.downloaded"),
        ("Student records (API token)", "export.requested"),
        ("Student records (API token)", "export.downloaded"),
    ]
    assert logged(world, "export")[2][2] == "Opt out history, 2026-01-01 to 2026-01-31"


def test_what_is_done_to_a_schedule_is_in_the_log(world: World) -> None:
    schedule = schedule_of(world, world.admin_id)
    with world.session():
        row, admin = db.session.get_one(ExportSchedule, schedule), db.session.get_one(User, world.admin_id)
        schedule_runs.pause(admin, row)
        schedule_runs.pause(admin, row)
        schedule_runs.resume(admin, row)
        schedule_runs.run_now(admin, row)
        schedule_runs.delete_schedule(admin, row)
    assert [entry[1] for entry in logged(world, "schedule")] == [
        f"schedule.{done}" for done in ("made", "paused", "resumed", "deleted")
    ]
    assert [entry[1] for entry in logged(world, "export")] == ["export.requested"]


def test_a_token_that_may_not_be_used_has_no_first_use(world: World) -> None:
    api = make_api(world, [Scope.CONTACTS_READ], name="Narrow")
    assert api.get("/changes").status_code == 403
    assert [entry[1] for entry in logged(world, "token")] == ["token.made"]
