"""A whole Cadence, started as a newcomer starts it, and a browser."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.conftest import ROOT, free_port

AXE = ROOT / "tests" / "vendor" / "axe" / "axe.min.js"
PASSWORD = "cadence-demo"
_FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
SIZES = {"desktop": {"width": 1360, "height": 850}, "phone": {"width": 390, "height": 844}}


@dataclass(frozen=True)
class Site:
    url: str
    data_dir: Path


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    folder = Path(tempfile.mkdtemp(prefix="cadence e2e 100% "))
    folder.chmod(0o755)
    port = free_port()
    ours = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "MAIL_SERVER", "MAIL_PORT", "FILES_URL")
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    server = subprocess.Popen(
        [sys.executable, "-m", "cadence_app.supervisor"],
        cwd=ROOT,
        env=environment | {"PORT": str(port), "CADENCE_DATA_DIR": str(folder)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout
    printed = []
    for line in server.stdout:
        printed.append(line)
        if "Ctrl-C" in line:
            break
    assert any("is ready" in line for line in printed), "".join(printed)
    yield Site(f"http://127.0.0.1:{port}", folder)
    server.send_signal(signal.SIGINT)
    assert server.wait(60) == 0
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=list(_FLAGS), headless=True
        )
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, site: Site) -> Iterator[object]:
    """Makes pages signed in as somebody; fails the test on a script or CSP error."""
    contexts, problems = [], []

    def open_page(email: str | None = None, size: str = "desktop", scripts: bool = True) -> Page:
        context = browser.new_context(
            viewport=SIZES[size], base_url=site.url, java_script_enabled=scripts, accept_downloads=True
        )
        context.set_default_timeout(8_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "console",
            lambda message: problems.append(message.text) if "Content Security" in message.text else None,
        )
        if email:
            page.goto("/login")
            page.fill("[name=email]", email)
            page.fill("[name=password]", PASSWORD)
            page.get_by_role("button", name="Sign in", exact=True).click()
            page.wait_for_url("**/messages/")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []
