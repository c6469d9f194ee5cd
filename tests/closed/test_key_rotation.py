"""`flask cadence rotate-keys`: afterwards nothing that is stored needs the old key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex

import pytest
from flask import Flask
from sqlalchemy import select, update

from cadence_app import key_rotation, secret_keys, vault
from cadence_app.accounts import sessions
from cadence_app.accounts.models import Team, User
from cadence_app.accounts.sign_in_models import Method, SingleSignOn
from cadence_app.alerts import subscribing
from cadence_app.alerts.models import PushKey, PushSubscription
from cadence_app.extensions import db
from cadence_app.mails import service as outbox
from cadence_app.mails.models import OutgoingMail
from cadence_app.messaging.carriers.accounts import add_account
from cadence_app.messaging.carriers.models import CarrierAccount
from cadence_app.messaging.providers.base import KeywordAnswers
from cadence_app.operators import service as operators
from cadence_app.operators.models import Operator
from cadence_app.reports.destinations import service as destinations
from cadence_app.reports.destinations.models import Destination, Protocol, WhenTaken
from cadence_app.reports.destinations.sftp import SftpPlace
from cadence_app.tenancy import set_tenant
from cadence_app.webhooks import service as webhooks
from cadence_app.webhooks.models import WebhookEndpoint
from tests.alerts.push_service import Phone
from tests.world import PASSWORD, World, make_world

# Where the tests of other areas have put what nobody can read any more.
LOST = "another"


@pytest.fixture
def worlds(alone: None, app: Flask) -> list[World]:
    """Two tenants, one of them suspended, with a secret of each kind."""
    made = [make_world(app, "teams"), make_world(app, "legacy")]
    for world in made:
        _fill(world)
    with made[1].session():
        tenant = operators.tenant_with(made[1].tenant_id)
        assert tenant
        operators.suspend(None, tenant)
        db.session.commit()
    return made


def _fill(world: World) -> None:
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        endpoint, _ = webhooks.add_endpoint(admin, webhooks.Plan("http://127.0.0.1:9/", "", [], []))
        endpoint.former_secret = vault.encrypt("former")
        place = SftpPlace("127.0.0.1", 9, "cadence", "", False)
        setup = destinations.Setup("Store", place, "stored", "{export}.csv", False, WhenTaken.REPLACE)
        destinations.add(admin, Protocol.SFTP, setup)
        account = add_account(admin, "twilio")
        account.name, account.keyword_answers = "Ours", KeywordAnswers.OURS
        account.secrets = vault.encrypt(json.dumps({"auth_token": "token"}))
        sso = SingleSignOn(tenant_id=world.tenant_id, issuer="https://idp.example", client_id="cadence")
        sso.client_secret = vault.encrypt("client")
        admin.second_factor_secret = vault.encrypt("totp")
        operator = operators.create_operator(_operators_address(world), "Operator Person", PASSWORD)
        operator.second_factor_secret = vault.encrypt("operator's totp")
        outbox.enqueue("test", "dean@college.example", "Hello", "The text", "<p>The HTML</p>")
        db.session.add_all([account, sso])
        sessions.begin(admin, Method.PASSWORD, sessions.Device("127.0.0.1", ""))
        db.session.commit()
        phone = Phone("https://web.push.apple.com/the-admins")
        session = sessions.of_user(admin)[0]
        subscribing.add(admin, session, subscribing.Given(**phone.given))


def _operators_address(world: World) -> str:
    return f"operator-of-{world.tenant_id}@operators.example"


def _secrets(world: World) -> dict[str, str]:
    """What is stored of a tenant, by table and column."""
    columns = [WebhookEndpoint.secret, WebhookEndpoint.former_secret, Destination.secret]
    columns += [PushKey.private_key, PushSubscription.endpoint, PushSubscription.auth]
    columns += [CarrierAccount.secrets, SingleSignOn.client_secret, OutgoingMail.text, OutgoingMail.html]
    with world.session():
        stored = {
            f"{c.class_.__tablename__}.{c.key}": db.session.scalars(select(c)).one() or "" for c in columns
        }
        admin = db.session.get_one(User, world.admin_id)
        operator = db.session.scalars(
            select(Operator).where(Operator.email == _operators_address(world))
        ).one()
        assert admin.second_factor_secret
        assert operator.second_factor_secret
        return stored | {
            "users.second_factor_secret": admin.second_factor_secret,
            "operators.second_factor_secret": operator.second_factor_secret,
        }


def _read(world: World) -> dict[str, str]:
    return {name: vault.decrypt(stored) for name, stored in _secrets(world).items()}


@pytest.fixture
def new_key(app: Flask) -> Iterator[str]:
    """The application's key is replaced; at the end everything is under the one from before again."""
    before = app.config["SECRET_KEY"]
    app.config |= {"SECRET_KEY": token_hex(32), "OLD_SECRET_KEYS": [before, LOST]}
    new = app.config["SECRET_KEY"]
    yield new
    app.config |= {"SECRET_KEY": before, "OLD_SECRET_KEYS": [new, LOST]}
    with app.app_context():
        key_rotation.rotate()
    app.config["OLD_SECRET_KEYS"] = []


def _run(app: Flask) -> tuple[int, str]:
    done = app.test_cli_runner().invoke(args=["cadence", "rotate-keys"])
    return done.exit_code, done.output


def test_every_column_of_secrets_is_tried_here(worlds: list[World]) -> None:
    assert set(_secrets(worlds[0])) == key_rotation.encrypted_columns()


def test_one_pass_renews_every_secret_of_every_tenant(app: Flask, worlds: list[World], new_key: str) -> None:
    with app.app_context():
        before = [_read(world) for world in worlds]
    status, said = _run(app)
    assert (status, "Nothing that is stored needs an old key." in said) == (0, True)
    app.config["OLD_SECRET_KEYS"] = []
    with app.app_context():
        assert [_read(world) for world in worlds] == before
    # Again, it finds nothing to do.
    status, said = _run(app)
    assert said.splitlines() == [
        "Encrypted anew under the current key: 0.",
        "Nothing that is stored needs an old key.",
    ]


def test_cut_off_it_goes_on_where_it_was(
    app: Flask, worlds: list[World], new_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = vault.renewed, []

    def cut_off(token: str) -> str:
        calls.append(token)
        if len(calls) == 10:
            raise KeyboardInterrupt
        return real(token)

    monkeypatch.setattr(key_rotation, "_AT_ONCE", 2)
    with monkeypatch.context() as patched, app.app_context():
        patched.setattr(vault, "renewed", cut_off)
        with pytest.raises(KeyboardInterrupt):
            key_rotation.rotate()
    with app.app_context():
        under = [vault.is_current(stored) for world in worlds for stored in _secrets(world).values()]
    assert not all(under)
    assert _run(app)[0] == 0
    app.config["OLD_SECRET_KEYS"] = []
    with app.app_context():
        assert [set(_read(world)) for world in worlds] == [set(_secrets(world)) for world in worlds]


def test_a_secret_that_is_changed_meanwhile_stays_as_it_was_changed(
    app: Flask, worlds: list[World], new_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, real = worlds[0], vault.renewed
    stored = _secrets(world)["destinations.secret"]

    def somebody_saves(token: str) -> str:
        if token == stored:
            with db.engine.begin() as connection:
                set_tenant(connection, world.tenant_id)
                connection.execute(update(Destination).values(secret=vault.encrypt("saved meanwhile")))
        return real(token)

    with monkeypatch.context() as patched, app.app_context():
        patched.setattr(vault, "renewed", somebody_saves)
        assert key_rotation.rotate().done
        assert _read(world)["destinations.secret"] == "saved meanwhile"


def test_what_is_left_under_the_old_key_is_told_wherever_it_is(
    app: Flask, worlds: list[World], new_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that still runs with the old key writes, and a column does not say that it holds secrets."""
    world, current = worlds[0], app.config["SECRET_KEY"]
    with world.session():
        app.config["SECRET_KEY"] = app.config["OLD_SECRET_KEYS"][0]
        admin = db.session.get_one(User, world.admin_id)
        before, admin.name = admin.name, f"x {vault.encrypt('hidden')} y"
        db.session.commit()
        app.config["SECRET_KEY"] = current
    status, said = _run(app)
    assert status == 1
    assert "users.name: 1 that only an old key reads." in said
    assert "restart all of Cadence" in said
    assert "Nothing that is stored" not in said
    with world.session():
        db.session.get_one(User, world.admin_id).name = before
        db.session.commit()
    assert _run(app)[0] == 0


def test_what_no_known_key_reads_is_told(app: Flask, worlds: list[World], new_key: str) -> None:
    app.config["OLD_SECRET_KEYS"] = app.config["OLD_SECRET_KEYS"][1:]
    status, said = _run(app)
    assert status == 1
    assert "destinations.secret: " in said
    assert "that no known key reads" in said
    app.config["OLD_SECRET_KEYS"] = [*app.config["OLD_SECRET_KEYS"]]


def test_a_text_that_looks_like_a_secret_is_left_alone(app: Flask, worlds: list[World], new_key: str) -> None:
    world = worlds[0]
    with world.session():
        app.config["SECRET_KEY"], current = token_hex(32), app.config["SECRET_KEY"]
        foreign = vault.encrypt("of another system")
        app.config["SECRET_KEY"] = current
        db.session.get_one(Team, world.team_id).name = foreign
        db.session.commit()
    assert _run(app)[0] == 0


def test_a_new_key_is_made_in_the_data_folder(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = secret_keys.find_or_make(tmp_path)
    monkeypatch.setitem(app.config, "DATA_DIR", tmp_path)
    done = app.test_cli_runner().invoke(args=["cadence", "new-key"])
    assert (done.exit_code, "Restart all of Cadence now" in done.output) == (0, True)
    assert secret_keys.find_or_make(tmp_path).old == (before.current,)
    assert before.current not in done.output
    monkeypatch.setenv("SECRET_KEY", token_hex(32))
    done = app.test_cli_runner().invoke(args=["cadence", "new-key"])
    assert (done.exit_code, "CADENCE_OLD_SECRET_KEYS" in done.output) == (1, True)


def test_the_other_key_is_of_no_concern_to_it(app: Flask, worlds: list[World], new_key: str) -> None:
    key = (app.config["DATA_DIR"] / "number_key").read_text()
    assert _run(app)[0] == 0
    assert (app.config["DATA_DIR"] / "number_key").read_text() == key
