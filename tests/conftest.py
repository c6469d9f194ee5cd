"""The real engines for every test: PostgreSQL, Redis and a mail catcher, started once in a scratch folder.

Tests share one database: each makes a tenant of its own, and row-level security keeps them apart as it keeps
customers apart. After a file of tests their tenants go (engines.py), for what goes through all of them.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask_migrate import upgrade
from jinja2 import FileSystemBytecodeCache

import config
from cadence_app import create_app, embedded
from tests import engines, properties, sizes
from tests.world import World, make_world

ROOT = Path(__file__).parent.parent
# A file is one worker's: the longest come first, so that no core waits for one at the end. What starts whole
# programs and browsers comes after all others, again the longest first.
_FIRST = (
    "tests/requests/test_fuzz_screens",
    "tests/requests/test_fuzz_legacy",
    "tests/requests/",
    "tests/api/test_document",
    "tests/messaging/carriers/test_hostile_posts",
    "tests/accounts/test_route_matrix",
    "tests/messaging/carriers/test_unread",
)
_LAST = ("tests/e2e/test_pages", "tests/e2e/test_kills", "tests/e2e/test_real_servers", "tests/e2e/")

_APP = pytest.StashKey[Flask]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(sizes.OPTION, action="store_true", help="what takes long, and nothing else")


def pytest_configure(config: pytest.Config) -> None:
    sizes.choose(config.getoption(sizes.OPTION))
    properties.say_soon()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    others = [item for item in items if not sizes.is_of_this_run(item)]
    config.hook.pytest_deselected(items=others)
    items[:] = sorted((item for item in items if sizes.is_of_this_run(item)), key=_turn)


def _turn(item: pytest.Item) -> int:
    """Below zero for what comes first, above it for what comes last."""
    for place, start in enumerate(_FIRST):
        if item.nodeid.startswith(start):
            return place - len(_FIRST)
    places = (place for place, start in enumerate(_LAST, 1) if item.nodeid.startswith(start))
    return next(places, 0)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture(scope="session")
def data_dir() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="cadence-tests-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def app(data_dir: Path, request: pytest.FixtureRequest) -> Iterator[Flask]:
    mail_port = free_port()
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "MAIL_SERVER", "FILES_URL"):
        os.environ.pop(name, None)
    os.environ |= {"CADENCE_DATA_DIR": str(data_dir), "MAIL_PORT": str(mail_port), "CADENCE_DEVELOPMENT": "1"}
    programs = [
        subprocess.Popen(embedded.command(name), stdout=subprocess.DEVNULL) for name in ("redis", "mail")
    ]
    settings = config.load()
    # For what happens behind everybody's back: neither Cadence nor the tables' owner is a superuser.
    superuser = config.database_url(embedded.ensure_postgres(data_dir))
    engines.wait_for_no_disk(superuser)
    engines.hash_cheaply()
    settings |= {"TESTING": False, "RATELIMIT_ENABLED": False, "SUPERUSER_URL": superuser}
    app = create_app(settings)
    if cache := getattr(request.config, "cache", None):
        # Known by what is in them, so that one that was changed is compiled anew.
        app.jinja_env.bytecode_cache = FileSystemBytecodeCache(str(cache.mkdir("templates")))
    with app.app_context():
        upgrade(directory=str(ROOT / "migrations"))
    wait_for_port(mail_port)
    engines.keep_what_is_loaded()
    request.session.stash[_APP] = app
    yield app
    for program in programs:
        program.terminate()
        program.wait(10)


def wait_for_port(port: int) -> None:
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(f"nothing listens on port {port}")


@pytest.fixture(scope="module", autouse=True)
def _organizations_go(request: pytest.FixtureRequest) -> Iterator[None]:
    """Made before all else of a file, so that it comes after all of it."""
    yield
    if app := request.session.stash.get(_APP, None):
        engines.forget_organizations(app.config["SUPERUSER_URL"])


@pytest.fixture
def alone(app: Flask) -> None:
    """No organization of another test is there, for what goes through all of them again and again."""
    engines.forget_organizations(app.config["SUPERUSER_URL"], many=1)


@pytest.fixture
def world(app: Flask) -> World:
    """A Teams tenant with two teams, an admin, an agent of the first team and inboxes of every kind."""
    return make_world(app, "teams")


@pytest.fixture
def legacy_world(app: Flask) -> World:
    return make_world(app, "legacy")
