"""A whole Cadence, started as a newcomer starts it, and a browser."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, StorageState, ViewportSize, expect, sync_playwright
from sqlalchemy import create_engine, text

from cadence_app.embedded import ensure_postgres
from tests.conftest import ROOT, free_port
from tests.messaging.carriers.api import Api, carrier_server

AXE = ROOT / "tests" / "vendor" / "axe" / "axe.min.js"
PASSWORD = "cadence-demo"
_FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
# Machines that run tests are small and busy.
expect.set_options(timeout=15_000)
SIZES: dict[str, ViewportSize] = {
    "desktop": {"width": 1360, "height": 850},
    "phone": {"width": 390, "height": 844},
}


_OURS = frozenset(
    {"DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "MAIL_SERVER", "MAIL_PORT", "FILES_URL"}
)
_OURS |= {"CADENCE_DEVELOPMENT", "CADENCE_PUBLIC_URL"}


@dataclass
class Site:
    """A Cadence of its own in `data_dir`; `settings` are added to its environment."""

    data_dir: Path
    port: int = field(default_factory=free_port)
    settings: dict[str, str] = field(default_factory=dict)
    server: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """For the programs of this Cadence, such as the flask command."""
        inherited = {name: value for name, value in os.environ.items() if name not in _OURS}
        return inherited | {"CADENCE_DATA_DIR": str(self.data_dir), "PORT": str(self.port)} | self.settings

    def start(self, *options: str) -> str:
        """Starts it as script/server does, and returns what it printed once it is ready."""
        self.server = subprocess.Popen(
            [sys.executable, "-m", "cadence_app.supervisor", *options],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.server.stdout
        printed = ""
        for line in self.server.stdout:
            printed += line
            if "Ctrl-C" in line:
                break
        assert "is ready" in printed, printed
        return printed

    def stop(self) -> int:
        assert self.server
        self.server.send_signal(signal.SIGINT)
        return self.server.wait(60)

    def flask(self, *arguments: str) -> str:
        """What a `flask` command of this Cadence prints."""
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "flask", "--app", "wsgi:app", *arguments],
            cwd=ROOT,
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout


def sign_in(page: Page, email: str, password: str) -> None:
    page.goto("/login")
    page.fill("[name=email]", email)
    page.fill("[name=password]", password)
    page.get_by_role("button", name="Sign in", exact=True).click()


@contextmanager
def scratch_folder(name: str) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=name))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def _without_a_night(site: Site) -> None:
    """No text that is typed is held up by quiet hours, at whatever hour this runs."""
    engine = create_engine(ensure_postgres(site.data_dir).replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.execute(text("UPDATE tenants SET texts_from = 0, texts_until = 24"))
    engine.dispose()


@pytest.fixture(scope="session")
def carriers() -> Iterator[tuple[Api, str]]:
    """The carriers that the site's accounts reach, and their address."""
    with carrier_server() as (api, address):
        yield api, address


@pytest.fixture(scope="session")
def site(carriers: tuple[Api, str]) -> Iterator[Site]:
    with scratch_folder("cadence e2e 100% ") as folder:
        site = Site(folder, settings={"CADENCE_AWS_API_URL": carriers[1]})
        site.start()
        _without_a_night(site)
        yield site
        assert site.stop() == 0


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """The one that never has a window, where it is: it takes a third less of a processor."""
    headed = bool(os.environ.get("CADENCE_HEADED"))
    names = ["chromium"] if headed else ["chromium-headless-shell", "chromium"]
    yield from _launched(playwright, names, headless=not headed)


@pytest.fixture(scope="session")
def showing_browser(playwright: Playwright) -> Iterator[Browser]:
    """One that shows notices, which the other never may."""
    yield from _launched(playwright, ["chromium"], headless=True)


def _launched(playwright: Playwright, names: list[str], *, headless: bool) -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, names)), None)
    browser = playwright.chromium.launch(executable_path=path, args=list(_FLAGS), headless=headless)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def sign_ins() -> dict[str, StorageState]:
    """The cookies of whoever has signed in, by e-mail address: once each, for sign-ins are limited."""
    return {}


@pytest.fixture
def open_page(browser: Browser, site: Site, sign_ins: dict[str, StorageState]) -> Iterator[object]:
    """Makes pages signed in as somebody, where a sign-in leads; fails the test on a script or CSP error."""
    yield from _pages(browser, site, sign_ins)


@pytest.fixture
def open_showing_page(
    showing_browser: Browser, site: Site, sign_ins: dict[str, StorageState]
) -> Iterator[object]:
    """The same, in a browser that shows notices."""
    yield from _pages(showing_browser, site, sign_ins)


def _pages(browser: Browser, site: Site, sign_ins: dict[str, StorageState]) -> Iterator[object]:
    contexts, problems = [], []

    def open_page(email: str | None = None, size: str = "desktop", scripts: bool = True) -> Page:
        context = browser.new_context(
            viewport=SIZES[size],
            base_url=site.url,
            java_script_enabled=scripts,
            # What is fading is looked at by nobody, least of all for its contrast.
            reduced_motion="reduce",
            storage_state=sign_ins.get(email) if email else None,
        )
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "console",
            lambda message: problems.append(message.text) if "Content Security" in message.text else None,
        )
        if email in sign_ins:
            page.goto("/")
        elif email:
            sign_in(page, email, PASSWORD)
            page.wait_for_url(re.compile("/(messages|reports)/"))
            sign_ins[email] = context.storage_state()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []
