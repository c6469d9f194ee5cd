"""The Proof page, its button and the command line: who may use them and what they say."""

from __future__ import annotations

from datetime import timedelta

import pytest
from click.testing import Result
from sqlalchemy import Engine, select, text

from cadence_app.accounts.models import Tenant, User
from cadence_app.consent import jobs, seal_checks
from cadence_app.consent.seal_models import SealCheck
from cadence_app.extensions import db, rq
from cadence_app.records.certificate import certify
from cadence_app.work.queueing import waiting
from cadence_app.worker import ForkingWorker
from tests.consent.history import TODAY, agree, behind_its_back, flip, noon, seal, sealed_days
from tests.records.people import erase
from tests.world import World


@pytest.fixture(params=["teams", "legacy"])
def either(request: pytest.FixtureRequest, world: World, legacy_world: World) -> World:
    return world if request.param == "teams" else legacy_world


def _alter(owner: Engine, change_id: int) -> None:
    with behind_its_back(owner) as connection:
        connection.execute(text("UPDATE opt_out_changes SET words = 'x' WHERE id = :id"), {"id": change_id})


def _admin(world: World) -> User:
    return db.session.get_one(User, world.admin_id)


def _run(world: World, *arguments: str) -> Result:
    return world.app.test_cli_runner().invoke(args=["cadence", "verify", *arguments])


def _latest(world: World) -> SealCheck:
    with world.session():
        check = seal_checks.latest_checks(1)[0]
        db.session.expunge_all()
        return check


def _press(world: World) -> None:
    """Presses Verify, and lets a real worker do what that queued, and nothing that other tests left: an
    export's storage does not work in the fork of a process that has used it."""
    with world.app.app_context():
        rq.get_queue("reports").empty()
    assert world.sign_in("admin").post("/reports/proof/verify").status_code == 302
    with world.app.app_context():
        ForkingWorker([rq.get_queue("reports")], connection=rq.get_queue("reports").connection).work(
            burst=True
        )


@pytest.mark.parametrize("path", ["/reports/proof/", "/reports/proof/checks"])
def test_proof_is_for_admins_and_linked_from_reports_in_both_modes(either: World, path: str) -> None:
    assert either.app.test_client().get(path).location.startswith("/login?next=")
    agent, admin = either.sign_in("agent"), either.sign_in("admin")
    assert agent.get(path).status_code == 403
    assert agent.post("/reports/proof/verify").status_code == 403
    assert admin.get(path).status_code == 200
    with either.session():
        teams = db.session.get_one(Tenant, either.tenant_id).navigation == "teams"
    assert 'href="/reports/proof/"' in admin.get("/reports/exports" if teams else "/reports/").text
    assert admin.client.post("/reports/proof/verify").status_code == 400


def test_the_page_shows_the_seals_the_open_day_and_nobody_elses(world: World, legacy_world: World) -> None:
    flip(world, world.add_contact(), 3, 0)
    flip(legacy_world, legacy_world.add_contact(), 2)
    seal(world)
    seal(legacy_world)
    page = world.sign_in("admin").get("/reports/proof/").text
    for each in sealed_days(world):
        assert each.digest.hex() in page
    assert "Not sealed yet" in page
    assert sealed_days(legacy_world)[-1].digest.hex() not in page


def test_older_seals_are_a_page_away(world: World) -> None:
    flip(world, world.add_contact(), 45)
    seal(world)
    admin = world.sign_in("admin")
    first, oldest = admin.get("/reports/proof/").text, sealed_days(world)[0].digest.hex()
    before = TODAY - timedelta(days=30)
    assert oldest not in first
    assert f"/reports/proof/?before={before}" in first
    assert oldest in admin.get(f"/reports/proof/?before={before}").text


@pytest.mark.parametrize(
    "query", ["before=soon", "before=0001-01-01", "digest=%00", "digest=é", "digest=" + "f" * 9000]
)
def test_hostile_values_are_no_crash(world: World, query: str) -> None:
    assert world.sign_in("admin").get(f"/reports/proof/?{query}").status_code == 200


def test_a_digest_that_was_kept_is_found_and_an_unknown_one_is_not(world: World, legacy_world: World) -> None:
    for each in (world, legacy_world):
        flip(each, each.add_contact(), 3)
        seal(each)
    mine, theirs = (sealed_days(each)[-1].digest.hex() for each in (world, legacy_world))
    admin = world.sign_in("admin")
    assert "In the chain" in admin.get(f"/reports/proof/?digest=+{mine.upper()}+").text
    assert "Not in the chain" in admin.get(f"/reports/proof/?digest={theirs}").text


def test_verify_runs_on_the_queue_and_says_intact(world: World) -> None:
    flip(world, world.add_contact(), 40, 2)
    seal(world)
    _press(world)
    check = _latest(world)
    assert (check.state, check.days, check.rows, check.requested_by_id) == ("intact", 40, 2, world.admin_id)
    page = world.sign_in("admin").get("/reports/proof/checks").text
    assert "is as it was sealed" in page
    assert "hx-get" not in page


def test_verify_names_the_row_that_was_altered(world: World, owner: Engine) -> None:
    _, altered = flip(world, world.add_contact(), 5, 3)
    seal(world)
    _alter(owner, altered)
    _press(world)
    check = _latest(world)
    assert (check.state, check.problem_change_id, check.problem_day) == (
        "differs",
        altered,
        TODAY - timedelta(days=3),
    )
    assert f"row {altered} was altered" in world.sign_in("admin").get("/reports/proof/").text


def test_pressing_twice_is_one_check_and_an_open_one_keeps_the_page_fresh(world: World) -> None:
    with world.session():
        first = seal_checks.request_check(_admin(world)).id
        assert seal_checks.request_check(_admin(world)).id == first
    assert 'hx-get="/reports/proof/checks"' in world.sign_in("admin").get("/reports/proof/").text


def test_a_lost_check_is_queued_again_and_closed_days_are_sealed_by_the_sweep(world: World) -> None:
    flip(world, world.add_contact(), 3)
    with world.session():
        check_id = seal_checks.request_check(_admin(world)).id
        db.session.execute(text("UPDATE seal_checks SET touched_at = now() - interval '5 minutes'"))
        db.session.commit()
    with world.app.app_context():
        rq.get_queue("reports").empty()
        jobs.sweep_seals()
        jobs.sweep_seal_checks()
        assert {f"seal-{world.tenant_id}", f"seal-check-{check_id}"} <= set(waiting("reports"))
        ForkingWorker([rq.get_queue("reports")], connection=rq.get_queue("reports").connection).work(
            burst=True
        )
    assert len(sealed_days(world)) == 3
    assert _latest(world).state == "intact"


def test_a_check_that_breaks_says_so(world: World) -> None:
    with world.session():
        check_id = seal_checks.request_check(_admin(world)).id
        seal_checks.fail(check_id)
    assert _latest(world).state == "failed"
    assert "Not finished" in world.sign_in("admin").get("/reports/proof/").text


def test_the_command_says_intact_with_the_newest_seal(world: World) -> None:
    flip(world, world.add_contact(), 3)
    seal(world)
    done = _run(world, world.name)
    last = sealed_days(world)[-1]
    assert done.exit_code == 0, done.output
    assert (
        done.output == f"{world.name}: intact. Days: 3. Rows: 1. Evidence: 0."
        f" Seal: last {last.day} {last.digest.hex()}\n"
    )
    kept = _run(world, world.name, "--digest", last.digest.hex())
    assert kept.exit_code == 0
    assert f"that digest is the seal of {last.day}" in kept.output
    assert _run(world, world.name, "--digest", "00" * 32).exit_code == 1


def test_the_command_names_tenant_day_and_row_and_ends_with_an_error(
    world: World, legacy_world: World, owner: Engine
) -> None:
    for each in (world, legacy_world):
        (change_id,) = flip(each, each.add_contact(), 3)
        seal(each)
    _alter(owner, change_id)
    done = _run(world)
    assert done.exit_code == 1
    day = TODAY - timedelta(days=3)
    assert (
        f"{legacy_world.name}: DIFFERS. {day}: row {change_id} was altered after it was sealed."
        in done.output
    )
    assert f"{world.name}: intact." in done.output
    assert _run(world, "Nobody").exit_code == 1


def test_the_command_says_which_closed_days_wait(world: World) -> None:
    flip(world, world.add_contact(), 3)
    done = _run(world, world.name)
    assert "no day is sealed yet" in done.output
    assert f"closed: {TODAY - timedelta(days=3)} to {TODAY - timedelta(days=1)}" in done.output


def test_another_tenants_checks_are_not_shown(world: World, legacy_world: World) -> None:
    with legacy_world.session():
        seal_checks.request_check(_admin(legacy_world))
    with world.session():
        assert db.session.scalars(select(SealCheck)).all() == []


def _alter_evidence(owner: Engine, evidence_id: int) -> None:
    with behind_its_back(owner) as connection:
        change = text("UPDATE consent_evidence SET words = 'x' WHERE id = :id")
        connection.execute(change, {"id": evidence_id})


def test_the_page_counts_evidence_and_names_what_was_altered_of_it(either: World, owner: Engine) -> None:
    contact_id = either.add_contact()
    flip(either, contact_id, 5, 3)
    _, altered = agree(either, contact_id, 4, 3)
    seal(either)
    agree(either, contact_id, *[0] * 77)
    _press(either)
    check = _latest(either)
    assert (check.state, check.rows, check.evidence) == ("intact", 2, 2)
    page = either.sign_in("admin").get("/reports/proof/").text
    assert '<td data-label="Evidence" class="num">77</td>' in page
    assert '<td data-label="Evidence" class="num">2</td>' in page
    _alter_evidence(owner, altered)
    _press(either)
    check = _latest(either)
    assert (check.state, check.problem_change_id, check.evidence) == ("differs", None, 1)
    assert (check.problem_evidence_id, check.problem_day) == (altered, noon(3).date())
    said = f"{noon(3).date()}: evidence {altered} was altered after it was sealed"
    assert said in either.sign_in("admin").get("/reports/proof/checks").text


def test_the_page_lists_evidence_that_was_erased_beside_the_rows(world: World) -> None:
    contact_id = world.add_contact()
    (change,) = flip(world, contact_id, 3)
    (row,) = agree(world, contact_id, 3)
    seal(world)
    erase(world, contact_id, "Asked for by the person.")
    page = world.sign_in("admin").get("/reports/proof/").text
    assert f'<td data-label="Row">Evidence {row}</td>' in page
    assert f'<td data-label="Row">Row {change}</td>' in page


def test_the_command_counts_evidence_and_names_what_was_altered_of_it(world: World, owner: Engine) -> None:
    contact_id = world.add_contact()
    flip(world, contact_id, 4)
    (altered,) = agree(world, contact_id, 3)
    gone = world.add_contact()
    agree(world, gone, 2)
    seal(world)
    done = _run(world, world.name)
    assert (done.exit_code, "Days: 4. Rows: 1. Evidence: 2." in done.output) == (0, True)
    _alter_evidence(owner, altered)
    done = _run(world, world.name)
    assert done.exit_code == 1
    assert f"DIFFERS. {noon(3).date()}: evidence {altered} was altered after it was sealed." in done.output


def test_a_certificate_says_how_much_of_both_the_last_check_covered(world: World) -> None:
    contact_id = world.add_contact()
    flip(world, contact_id, 3)
    agree(world, contact_id, 3, 2)
    seal(world)
    with world.session():
        seal_checks.run(seal_checks.request_check(_admin(world)).id)
        certificate = certify(_admin(world), contact_id)
        assert certificate
        assert certificate.check_words.endswith("intact, 3 days with 1 rows of history and 2 of evidence.")
