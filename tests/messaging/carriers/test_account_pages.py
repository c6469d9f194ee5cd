"""The pages of accounts with carriers."""

from __future__ import annotations

import re
from html import unescape

import pytest
from sqlalchemy import select

from cadence_app.accounts.models import AuditEntry
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging import providers
from cadence_app.messaging.carriers.models import CarrierAccount
from tests.messaging.carriers.ends import CODES, ENDS
from tests.messaging.carriers.ends.base import SECRET
from tests.messaging.carriers.posting import Line
from tests.world import World

INDEX = "/settings/carriers/"
TWILIO = {"name": "Main", "answers": "built_in", "value_account_sid": "AC" + "0" * 32}


def inbox_id(world: World) -> str:
    with world.session():
        return str(db.session.scalars(select(Inbox.id).where(Inbox.number == world.shared)).one())


def test_an_admin_adds_an_account_and_gets_its_webhook_address(world: World) -> None:
    admin = world.sign_in("admin")
    assert "No accounts yet" in admin.get(INDEX).text
    form = TWILIO | {"value_auth_token": "a very secret token", "inboxes": inbox_id(world)}
    answer = admin.post(f"{INDEX}new/twilio", form)
    assert answer.status_code == 302
    page = admin.get(answer.location).text
    assert re.search(r"/webhooks/twilio/[\w-]{32}", page)
    assert "a very secret token" not in page
    with world.session():
        account = db.session.scalars(select(CarrierAccount)).one()
        assert account.secret("auth_token") == "a very secret token"
        entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
        assert "a very secret token" not in str(entry.changes)
        assert entry.changes["inboxes"] == [None, [world.shared]]
    assert admin.post(answer.location, TWILIO | {"value_auth_token": ""}).status_code == 302
    with world.session():
        account = db.session.scalars(select(CarrierAccount)).one()
        assert account.secret("auth_token") == "a very secret token"
        assert db.session.scalars(select(Inbox).where(Inbox.carrier_account_id.is_not(None))).all() == []


@pytest.mark.parametrize("code", CODES)
def test_every_carriers_form_asks_for_its_fields_and_says_what_is_wrong(world: World, code: str) -> None:
    admin, end, driver = world.sign_in("admin"), ENDS[code](), providers.driver(code)
    assert f'href="{INDEX}new/{code}"' in admin.get(INDEX).text
    page = unescape(admin.get(f"{INDEX}new/{code}").text)
    for field in driver.fields:
        assert field.label in page
        assert field.hint in page
    assert [driver.answer_name(each) in page for each in driver.answers] == [True] * len(driver.answers)
    values = {f"value_{name}": value for name, value in end.values().items()}
    form = {"name": "Main", "answers": str(driver.answers[0]), "inboxes": inbox_id(world)} | values
    secret = next(each for each in driver.fields if each.secret)
    wrong = [({f"value_{secret.name}": ""}, f"Enter the {secret.label}.")]
    if end.wrong:
        name, value, label = end.wrong
        wrong.append(({f"value_{name}": value}, f"This is no {label} as the carrier shows it."))
    for change, message in wrong:
        answer = admin.post(f"{INDEX}new/{code}", form | change)
        assert (answer.status_code, message in answer.text) == (422, True)
    answer = admin.post(f"{INDEX}new/{code}", form)
    assert answer.status_code == 302
    page = unescape(admin.get(answer.location).text)
    assert re.search(rf"/webhooks/{code}/[\w-]{{32}}", page)
    assert driver.where in page
    assert driver.missed in page
    assert SECRET not in page
    shown = admin.get(INDEX).text
    assert driver.name in shown
    assert driver.answer_name(driver.answers[0]) in shown


def test_what_is_wrong_is_said_at_its_field_and_nothing_is_saved(world: World) -> None:
    admin = world.sign_in("admin")
    Line(world, "telnyx").open()
    for change, message in (
        ({"value_account_sid": "AC123"}, "This is no Account SID"),
        ({"value_auth_token": ""}, "Enter the Auth token."),
        ({"name": "telnyx"}, "There is an account of this name."),
        ({"name": "a\x00b"}, "stored"),
        ({"answers": "nobody"}, "Not a valid choice"),
        ({"inboxes": "999999999999"}, "choice"),
    ):
        answer = admin.post(f"{INDEX}new/twilio", TWILIO | {"value_auth_token": "secret"} | change)
        assert answer.status_code == 422
        assert message in answer.text
    with world.session():
        assert [account.carrier for account in db.session.scalars(select(CarrierAccount))] == ["telnyx"]


def test_only_admins_of_the_tenant_reach_the_pages(world: World, legacy_world: World) -> None:
    path = f"{INDEX}{Line(world, 'twilio').open().account_id}"
    agent, theirs = world.sign_in("agent"), legacy_world.sign_in("admin")
    for each in (INDEX, f"{INDEX}new/twilio", path):
        assert world.app.test_client().get(each).status_code == 302
        assert agent.get(each).status_code == 403
    assert theirs.get(path).status_code == 404
    assert theirs.post(path, TWILIO).status_code == 404
    assert theirs.get(f"{INDEX}new/nobody").status_code == 404


def test_the_help_tells_of_every_carrier_what_its_driver_says(world: World) -> None:
    page = unescape(re.sub(r"\s+", " ", world.sign_in("agent").get("/help/carriers").text))
    names = [each.said_name for each in providers.carriers()]
    assert f"carrier: {', '.join(names[:-1])} or {names[-1]}." in page
    assert "nor can an inbox whose texts AWS carries." in page
    assert "with Telnyx it covers every number of the messaging profile, with AWS every number" in page
    assert "A messaging profile, opt-out list or loft for each" in page
    assert "With AWS, turn on self-managed opt outs" in page
