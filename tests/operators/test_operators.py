"""Operators: an account apart, names and counts only, and what suspending a tenant means."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from cadence_app.accounts.known_devices import NOWHERE
from cadence_app.accounts.models import AuditEntry, Tenant, User
from cadence_app.api.models import Scope
from cadence_app.api.tokens import create_token
from cadence_app.extensions import db
from cadence_app.mails import service as outbox
from cadence_app.messaging.models import Conversation
from cadence_app.messaging.sending import compose
from cadence_app.operators import overview, service
from cadence_app.reports import schedule_jobs, schedule_runs
from cadence_app.reports.filters import Filters
from cadence_app.reports.kinds import OPT_OUT_HISTORY
from cadence_app.reports.models import Export, Format
from cadence_app.reports.schedules import Every, Period, Timing
from tests.operators.arriving import show_password, sign_in_operator
from tests.world import PASSWORD, Browser, World, new_number


@pytest.fixture
def email(app: Flask) -> str:
    address = f"{uuid.uuid4().hex}@operators.example"
    with app.app_context():
        service.create_operator(address, "Ada Operator", PASSWORD)
        db.session.commit()
    return address


@pytest.fixture
def operator(app: Flask, email: str) -> Browser:
    return sign_in_operator(app, email)


def test_a_wrong_password_an_unknown_operator_and_a_tenants_admin_do_not_get_in(
    app: Flask, world: World, email: str
) -> None:
    with world.session():
        admin = db.session.get_one(User, world.admin_id).email
    for address, password in ((email, "wrong"), ("no@x.example", PASSWORD), (admin, PASSWORD), ("\x00", "x")):
        browser = Browser(app.test_client())
        form = {"email": address, "password": password}
        answer = browser.post("/operator/sign-in", form, token_from="/operator/sign-in")
        assert answer.status_code == 422
        assert browser.get("/operator/").location == "/operator/sign-in"


def test_an_operator_is_no_user_and_a_user_no_operator(world: World, operator: Browser) -> None:
    assert operator.get("/messages/").location.startswith("/login")
    assert world.sign_in("admin").get("/operator/").location == "/operator/sign-in"


def test_names_and_counts_are_shown_and_nothing_that_is_in_a_tenant(world: World, operator: Browser) -> None:
    world.text(new_number(), "A secret")
    contact_id = world.add_contact(first_name="Zebulon")
    assert contact_id
    for path in ("/operator/", f"/operator/tenants/{world.tenant_id}"):
        page = operator.get(path).text
        assert world.name in page
        for secret in ("A secret", "Zebulon", "Admin Person", "Front desk", "Admissions"):
            assert secret not in page
    page = operator.get(f"/operator/tenants/{world.tenant_id}").text
    for what, count in (("Active users", 2), ("Open teams", 2), ("Contacts", 2), ("Texts this month", 1)):
        assert re.search(rf"<dt>{what}</dt><dd>{count}</dd>", page)


def test_what_an_operator_changes_is_in_the_tenants_log_under_their_name(
    world: World, operator: Browser
) -> None:
    path, name = f"/operator/tenants/{world.tenant_id}", f"New {uuid.uuid4().hex[:8]}"
    assert operator.post(path, {"name": name}).status_code == 302
    operator.post(f"{path}/screens", {"screens": "legacy"})
    operator.post(f"{path}/suspend")
    operator.post(f"{path}/resume")
    with world.session():
        entries = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
        assert [entry.action for entry in entries] == [
            *("organisation.renamed", "screens.changed", "organisation.suspended", "organisation.resumed")
        ]
        assert {entry.user_name for entry in entries} == {"Ada Operator, operator of the server"}
        tenant = db.session.get_one(Tenant, world.tenant_id)
        assert (tenant.name, tenant.navigation, tenant.suspended_at) == (name, "legacy", None)


def test_a_tenant_is_made_and_a_name_that_is_taken_is_told_at_its_field(
    world: World, operator: Browser
) -> None:
    new = {"name": f"Made {uuid.uuid4().hex[:8]}", "screens": "teams", "time_zone": "America/Denver"}
    assert operator.post("/operator/", new).status_code == 302
    assert new["name"] in operator.get("/operator/").text
    for wrong in (new, new | {"name": ""}, new | {"name": "x", "time_zone": "Mars"}, new | {"name": "\x00"}):
        assert operator.post("/operator/", wrong).status_code == 422
    taken = operator.post(f"/operator/tenants/{world.tenant_id}", {"name": new["name"]})
    assert (taken.status_code, 'id="name-error"' in taken.text) == (422, True)
    assert operator.get(f"/operator/tenants/{'9' * 18}").status_code == 404


def test_the_admins_of_a_new_tenant_need_a_second_factor_unless_it_says_otherwise(
    app: Flask,
) -> None:
    runner = app.test_cli_runner()
    for asked, policy in (([], "admins"), (["--second-factor", "optional"], "optional")):
        name = f"Made {uuid.uuid4().hex[:8]}"
        assert runner.invoke(args=["cadence", "tenant", name, *asked]).exit_code == 0
        with app.app_context():
            assert db.session.scalars(select(Tenant.second_factor).where(Tenant.name == name)).one() == policy


def test_a_suspended_tenant_signs_nobody_in_sends_nothing_and_records_a_stop(
    world: World, operator: Browser
) -> None:
    number = new_number()
    conversation_id = world.text(number, "hello").conversation_id
    admin = world.sign_in("admin")
    with world.session():
        user = db.session.get_one(User, world.admin_id)
        _, secret = create_token(user, "Records", [Scope.CONTACTS_READ])
        plan = schedule_runs.Plan(Filters(), (), Format.CSV, Period.DAY, Timing(Every.DAY, 0, 1, 6), [user])
        schedule = schedule_runs.add_schedule(user, OPT_OUT_HISTORY, plan)
        schedule.next_run_at = datetime.now(UTC) - timedelta(minutes=1)
        db.session.commit()
        email, schedule_id = user.email, schedule.id
    operator.post(f"/operator/tenants/{world.tenant_id}/suspend")

    assert admin.get("/messages/").location.startswith("/login")
    browser = Browser(world.app.test_client())
    form = {"email": email, "password": PASSWORD}
    assert browser.post("/login", form, token_from="/login").status_code == 422
    called = browser.client.get("/api/v1/contacts", headers={"Authorization": f"Bearer {secret}"})
    assert called.status_code == 401
    with world.session():
        from_admin = db.session.get_one(User, world.admin_id)
        conversation = db.session.get_one(Conversation, conversation_id)
        assert "suspended" in compose(from_admin, conversation, "hi").detail
        db.session.commit()
    with world.app.app_context():
        schedule_jobs.sweep_schedules()
    with world.session():
        assert db.session.scalars(select(Export).where(Export.schedule_id == schedule_id)).all() == []
    world.text(number, "STOP")
    assert world.status(world.contact_id_of(conversation_id)) == "opted_out"
    assert world.messages(conversation_id)[-1].state == "delivered"

    operator.post(f"/operator/tenants/{world.tenant_id}/resume")
    assert world.sign_in("admin").get("/messages/").status_code == 200
    with world.app.app_context():
        schedule_jobs.sweep_schedules()
    with world.session():
        assert len(db.session.scalars(select(Export).where(Export.schedule_id == schedule_id)).all()) == 1


def test_an_operators_session_ends_with_the_account_and_at_sign_out(
    app: Flask, operator: Browser, email: str
) -> None:
    assert operator.post("/operator/sign-out").location == "/operator/sign-in"
    assert operator.get("/operator/").location == "/operator/sign-in"
    assert show_password(app, email).get("/operator/sign-in/code").status_code == 200
    with app.app_context():
        service.stop_operator(email)
        db.session.commit()
    assert show_password(app, email).get("/operator/sign-in/code").location == "/operator/sign-in"


def test_a_copied_cookie_is_worth_nothing_after_the_sign_out_or_after_half_a_day(
    app: Flask, operator: Browser, email: str
) -> None:
    cookie = operator.client.get_cookie("session")
    assert cookie
    thief = Browser(app.test_client())
    thief.client.set_cookie("session", cookie.value)
    assert thief.get("/operator/").status_code == 200
    operator.post("/operator/sign-out")
    assert thief.get("/operator/").location == "/operator/sign-in"
    with app.app_context():
        account = service.show_password(email, PASSWORD, "192.0.2.1", NOWHERE)
        assert account
        now = int(datetime.now(UTC).timestamp())
        assert service.operator_of(service.session_of(account, now + 60))
        assert service.operator_of(service.session_of(account, now - 1)) is None
        assert now < service.session_end() <= now + 12 * 3600 + 60
        for held in ("", "1", f"{account.id}:", f"{account.id}:{now + 60}:wrong"):
            assert service.operator_of(held) is None


def test_the_commands_list_suspend_resume_and_rename(world: World) -> None:
    cli = world.app.test_cli_runner()

    def said(*arguments: str) -> str:
        done = cli.invoke(args=["cadence", *arguments])
        assert done.exit_code == 0, done.output
        return done.output

    assert f"{world.name}: works, teams screens. Users: 2." in said("tenants")
    said("suspend", world.name)
    assert f"{world.name}: suspended" in said("tenants")
    said("resume", world.name)
    said("navigation", world.name, "legacy")
    address = f"{uuid.uuid4().hex}@operators.example"
    said("operator", address, "--name", "Op", "--password", PASSWORD)
    said("operator-stop", address)
    short = cli.invoke(args=["cadence", "operator", "x@y.example", "--name", "Op", "--password", "short"])
    assert "at least 14 characters" in short.output
    said("rename", world.name, f"{world.name} II")
    with world.session():
        actions = db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
        assert actions == [
            *("organisation.suspended", "organisation.resumed", "screens.changed", "organisation.renamed")
        ]


def test_what_waits_for_longer_than_it_should_is_counted(world: World) -> None:
    conversation_id = world.text(new_number(), "hello").conversation_id
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    with world.session():
        compose(
            db.session.get_one(User, world.admin_id), db.session.get_one(Conversation, conversation_id), "hi"
        ).created_at = hour_ago
        mail = outbox.enqueue("test", "a@b.example", "Subject", "text", "<p>text</p>")
        mail.next_attempt_at = hour_ago
        db.session.commit()
        counts = overview.counts_of(db.session.get_one(Tenant, world.tenant_id))
    assert (counts.late_texts, counts.late_exports, counts.late_mails) == (1, 0, 1)
