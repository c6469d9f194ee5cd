"""Keys: which are taken, and that replacing one is noticed by nobody."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

import config
from cadence_app import number_key, secret_keys, vault
from cadence_app.accounts import links
from cadence_app.accounts.models import User
from cadence_app.extensions import db
from cadence_app.messaging.media import links as media_links
from cadence_app.messaging.media import service as media
from cadence_app.messaging.models import Direction, Message
from cadence_app.notifications import links as unsubscribing
from cadence_app.notifications.models import NotificationRecipient, NotificationRule
from cadence_app.secret_keys import Keys
from tests.closed.serving import PUBLIC
from tests.conftest import ROOT, free_port
from tests.world import World, new_number

PUBLISHED = "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf"
Load = Callable[..., dict[str, object]]


@pytest.fixture
def load(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    def load(**settings: str) -> dict[str, object]:
        monkeypatch.delenv("CADENCE_DEVELOPMENT", raising=False)
        monkeypatch.setenv("CADENCE_DATA_DIR", str(data_dir))
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        return config.load()

    return load


@pytest.mark.parametrize("key", ["dev", "x" * 31, "a" * 64, "abab" * 20, "12345678" * 8])
@pytest.mark.parametrize("mode", [{"CADENCE_DEVELOPMENT": "1"}, {"CADENCE_PUBLIC_URL": PUBLIC}])
def test_a_key_that_can_be_guessed_stops_the_start_and_says_how_to_make_one(
    load: Load, key: str, mode: dict[str, str]
) -> None:
    with pytest.raises(ValueError, match=r"SECRET_KEY (has|says) .*token_hex.*CADENCE_OLD_SECRET_KEYS"):
        load(SECRET_KEY=key, **mode)


@pytest.mark.parametrize(
    "key",
    [
        PUBLISHED,
        PUBLISHED.upper(),
        "change-me-to-something-long-and-random-1234567890",
        "cadence-demo-key-for-trying-out-locally-0123",
        "my_secret_key_that_is_certainly_long_enough_987",
        "you-will-never-guess-what-this-key-is-0123456",
    ],
)
def test_a_key_that_is_known_is_for_development_alone(load: Load, app: Flask, key: str) -> None:
    with pytest.raises(ValueError, match="others know"):
        load(SECRET_KEY=key, CADENCE_PUBLIC_URL=PUBLIC)
    with pytest.raises(ValueError, match="others know"):
        load(SECRET_KEY=key, CADENCE_PUBLIC_URL="http://127.0.0.1:5000")
    assert load(SECRET_KEY=key, CADENCE_PUBLIC_URL="", CADENCE_DEVELOPMENT="1")["SECRET_KEY"] == key


@given(st.binary(min_size=32, max_size=32))
def test_what_the_advice_makes_is_taken(content: bytes) -> None:
    key = content.hex()
    # One in 10**17 says the same few digits over and over.
    if len(set(key)) >= 10:
        secret_keys.check(Keys(key, ()), development=False)


def test_a_new_installation_gets_a_key_that_only_its_owner_reads(tmp_path: Path) -> None:
    keys = secret_keys.find_or_make(tmp_path)
    secret_keys.check(keys, development=False)
    assert secret_keys.find_or_make(tmp_path) == keys
    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("program", [["-c", "import wsgi"], ["-m", "cadence_app.supervisor"]])
def test_the_refusal_is_one_line_and_starts_nothing(tmp_path: Path, program: list[str]) -> None:
    given = {"SECRET_KEY": "dev", "CADENCE_DATA_DIR": str(tmp_path), "PORT": str(free_port())}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", *program],
        cwd=ROOT,
        env=os.environ | given,
        capture_output=True,
        text=True,
        check=False,
    )
    (line,) = done.stderr.splitlines()
    assert (done.returncode, line[:28]) == (1, "SECRET_KEY has 3 characters;")
    assert not (tmp_path / "postgres").exists()


def test_a_web_server_that_refuses_to_start_says_so_once_and_ends(tmp_path: Path) -> None:
    given = {"SECRET_KEY": "dev", "CADENCE_DATA_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "gunicorn", "wsgi:app", "--bind", "127.0.0.1:0", "--no-control-socket"],
        cwd=ROOT,
        env=os.environ | given,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr.count("SECRET_KEY has 3 characters;")) == (1, 1)


def test_an_empty_file_is_no_key(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("\n")
    with pytest.raises(ValueError, match="is empty"):
        secret_keys.find_or_make(tmp_path)


def test_a_new_key_in_the_file_keeps_the_old_ones(tmp_path: Path) -> None:
    first = secret_keys.find_or_make(tmp_path)
    secret_keys.put_before(tmp_path)
    second = secret_keys.find_or_make(tmp_path)
    secret_keys.put_before(tmp_path)
    third = secret_keys.find_or_make(tmp_path)
    assert third.old == (second.current, first.current)
    assert (third.first, third.still_signing) == (first.current, [first.current, second.current])
    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_file_whose_line_end_was_part_of_the_key_is_read_as_before(tmp_path: Path) -> None:
    key = token_hex(32)
    (tmp_path / "secret_key").write_text(f"{key}\n")
    assert secret_keys.find(tmp_path) == Keys(key, (f"{key}\n",))
    secret_keys.put_before(tmp_path)
    assert f"{key}\n" in secret_keys.find_or_make(tmp_path).old


def test_a_key_of_the_environment_is_not_replaced_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", token_hex(32))
    with pytest.raises(ValueError, match="CADENCE_OLD_SECRET_KEYS"):
        secret_keys.put_before(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_old_key_that_can_be_guessed_decrypts_and_is_believed_no_signature(load: Load) -> None:
    good = token_hex(32)
    found = load(SECRET_KEY=token_hex(32), CADENCE_OLD_SECRET_KEYS=f"{good} dev {PUBLISHED}")
    assert found["OLD_SECRET_KEYS"] == [f"{good} dev {PUBLISHED}", good, "dev", PUBLISHED]
    assert found["SECRET_KEY_FALLBACKS"] == [good]


@pytest.mark.parametrize("before", ["change me please", "a key of more than thirty-two characters", "dev\n"])
def test_what_was_stored_under_a_key_with_spaces_or_a_line_end_is_read_after_a_change(
    load: Load, app: Flask, before: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = load(SECRET_KEY=token_hex(32), CADENCE_OLD_SECRET_KEYS=before)
    assert found["SECRET_KEY_FALLBACKS"] == []
    with app.app_context():
        monkeypatch.setitem(app.config, "SECRET_KEY", before)
        stored = vault.encrypt("a secret")
        for name in ("SECRET_KEY", "OLD_SECRET_KEYS"):
            monkeypatch.setitem(app.config, name, found[name])
        assert vault.decrypt(stored) == "a secret"


def test_the_key_of_stopped_numbers_stays_when_the_other_changes(tmp_path: Path) -> None:
    first = secret_keys.find_or_make(tmp_path)
    kept = number_key.load_or_make(tmp_path, first.first)
    secret_keys.put_before(tmp_path)
    assert number_key.load_or_make(tmp_path, secret_keys.find_or_make(tmp_path).first) == kept


def test_an_installation_whose_numbers_were_hashed_with_a_replaced_key_takes_the_oldest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", token_hex(32))
    monkeypatch.setenv("CADENCE_OLD_SECRET_KEYS", "newer oldest")
    found = secret_keys.find(tmp_path)
    assert found
    assert number_key.load_or_make(tmp_path, found.first) == "oldest"


@contextmanager
def replaced(app: Flask, forgotten: bool = False) -> Iterator[None]:
    """The application after its key was replaced; `forgotten` is the one from before."""
    names = ("SECRET_KEY", "SECRET_KEY_FALLBACKS", "OLD_SECRET_KEYS", "WTF_CSRF_SECRET_KEY")
    before = {name: app.config[name] for name in names}
    old, new = [] if forgotten else [app.config["SECRET_KEY"]], token_hex(32)
    app.config |= {"SECRET_KEY": new, "SECRET_KEY_FALLBACKS": old, "OLD_SECRET_KEYS": old}
    app.config["WTF_CSRF_SECRET_KEY"] = [*old, new]
    try:
        yield
    finally:
        app.config |= before


def test_who_is_signed_in_stays_so_and_an_open_form_can_be_sent(world: World) -> None:
    browser = world.sign_in("admin")
    browser.get("/settings/tags/")
    with replaced(world.app):
        assert browser.post("/settings/tags/", {"name": "Athlete"}).status_code == 302
        # From now on the new key signs.
        old, kept = world.app.config["SECRET_KEY_FALLBACKS"], browser.client.get_cookie("session")
        world.app.config["SECRET_KEY_FALLBACKS"] = []
        assert kept
        assert browser.get("/settings/tags/").status_code == 200
        world.app.config["SECRET_KEY_FALLBACKS"] = old
    with replaced(world.app, forgotten=True):
        assert browser.get("/settings/tags/").status_code == 302


def test_links_of_all_kinds_work_until_the_old_key_is_taken_away(world: World) -> None:
    received = world.text(new_number(), "hello")
    with world.session():
        user = db.session.get_one(User, world.agent_id)
        reset, _ = links.make(user, links.Purpose.RESET)
        text = db.session.scalars(select(Message).where(Message.direction == "outbound")).first()
        text = text or db.session.scalars(select(Message)).first()
        assert text
        upload = media.Upload("seat.png", "image/png", b"\x89PNG\r\n\x1a\n")
        media.attach(text, media.store([upload]))
        text.direction = Direction.OUTBOUND
        rule = NotificationRule(tenant_id=world.tenant_id, team_id=world.team_id, event="contact_added")
        rule.recipients = [NotificationRecipient(tenant_id=world.tenant_id, email="dean@college.example")]
        db.session.add(rule)
        db.session.commit()
        file = media_links.path_of(media.of_texts([text.id])[text.id][0])
        leave = unsubscribing.unsubscribe_url(rule.recipients[0])
    assert received.conversation_id
    paths = [path.replace(world.app.config["PUBLIC_URL"], "") for path in (reset, file, leave)]

    def works() -> list[bool]:
        # A link that does not is 404, or says so in a page.
        answers = [world.app.test_client().get(path) for path in paths]
        return [answer.status_code == 200 and b"no longer" not in answer.data for answer in answers]

    assert works() == [True] * 3
    with replaced(world.app):
        assert works() == [True] * 3
    with replaced(world.app, forgotten=True):
        assert works() == [False] * 3


def test_a_stored_secret_is_read_with_the_old_key_and_written_with_the_new(world: World) -> None:
    with world.app.app_context():
        stored = vault.encrypt("whsec")
        with replaced(world.app):
            assert (vault.decrypt(stored), vault.is_current(stored)) == ("whsec", False)
            fresh = vault.renewed(stored)
            assert (vault.decrypt(fresh), vault.is_current(fresh)) == ("whsec", True)
            assert vault.is_current(vault.encrypt("x"))
        with pytest.raises(vault.Unreadable):
            vault.renewed(fresh)
