"""With servers of one's own: PostgreSQL whose owner is no superuser, directly and behind a pooler, Redis over
TCP, and a mail server."""

from __future__ import annotations

import mailbox
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser, expect

from cadence_app import embedded
from tests.conftest import free_port, wait_for_port
from tests.e2e.conftest import PASSWORD, Site, scratch_folder
from tests.pooler import pooling

OWN_PASSWORD = "a password of my own"


@dataclass
class Servers:
    """The databases' owner is `college`, who made the login `desk`; mails are in `maildir`."""

    superuser_url: str
    redis_url: str
    mail_port: int
    maildir: Path

    def database_url(self, user: str, database: str) -> str:
        socket_folder = psycopg.conninfo.conninfo_to_dict(self.superuser_url)["host"]
        return f"postgresql://{user}:secret@/{database}?host={socket_folder}"

    def site(self, folder: Path, database: str, pooler: str = "") -> Site:
        settings = {
            "DATABASE_URL": f"{pooler}/{database}" if pooler else self.database_url("desk", database),
            "DATABASE_OWNER_URL": self.database_url("college", database),
            "REDIS_URL": self.redis_url,
            "MAIL_SERVER": "127.0.0.1",
            "MAIL_PORT": str(self.mail_port),
        }
        return Site(folder, settings=settings)


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with scratch_folder("cadence-servers-") as folder:
        redis_port, mail_port = free_port(), free_port()
        mail = [sys.executable, "-m", "aiosmtpd", "-n", "-l", f"127.0.0.1:{mail_port}"]
        running = [
            subprocess.Popen(
                [embedded.redis_server(), "--port", str(redis_port), "--save", ""], stdout=subprocess.DEVNULL
            ),
            subprocess.Popen([*mail, "-c", "aiosmtpd.handlers.Mailbox", str(folder / "mail")]),
        ]
        url = embedded.ensure_postgres(folder)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE ROLE college LOGIN CREATEROLE PASSWORD 'secret'")
            for name in ("plain", "demo"):
                connection.execute(f"CREATE DATABASE {name} OWNER college")
        for port in (redis_port, mail_port):
            wait_for_port(port)
        yield Servers(url, f"redis://127.0.0.1:{redis_port}/3", mail_port, folder / "mail")
        for program in running:
            program.terminate()
            program.wait(10)


def test_a_college_starts_for_real_without_demo_and_gets_its_export(
    servers: Servers, browser: Browser
) -> None:
    with scratch_folder("cadence-real-") as folder:
        site = servers.site(folder, "plain")
        assert 'CREATE ROLE "desk"' in site.flask("cadence", "prepare-database")
        printed = site.start()
        try:
            assert "lakeside" not in printed
            assert not (folder / "postgres").exists()
            make = [
                ("tenant", "My College", "--second-factor", "optional", "--time-zone", "America/Denver"),
                ("team", "My College", "Admissions", "ADM"),
                ("user", "My College", "me@my.example", "--name", "Me", "--role", "admin", "--team", "ADM"),
                ("inbox", "My College", "ADM", "+1 303 555 0100", "--name", "Front desk"),
            ]
            for command in make:
                secret = ("--password", OWN_PASSWORD) if command[0] == "user" else ()
                site.flask("cadence", *command, *secret)
            page = browser.new_context(base_url=site.url).new_page()
            for path in ("/dev/phone/", "/dev/mail/"):
                answer = page.goto(path)
                assert answer
                assert answer.status == 404
            page.goto("/login")
            assert page.get_by_text("cadence-demo").count() == 0
            page.fill("[name=email]", "me@my.example")
            page.fill("[name=password]", OWN_PASSWORD)
            page.get_by_role("button", name="Sign in", exact=True).click()
            page.goto("/contacts/new")
            page.fill("[name=number]", "303 555 0123")
            page.get_by_role("button", name="Add").or_(page.get_by_role("button", name="Save")).click()
            page.goto("/reports/exports/opt-out-history")
            page.get_by_role("button", name="Request Export").click()
            expect(page.locator("#export-list tbody tr").first).to_contain_text("Sent", timeout=30_000)
            (mail,) = mailbox.Maildir(servers.maildir)
            assert "me@my.example" in mail["To"]
        finally:
            assert site.stop() == 0


def test_demo_data_goes_into_a_database_behind_a_pooler_only_when_asked(
    servers: Servers, browser: Browser
) -> None:
    with (
        scratch_folder("cadence-demo-") as folder,
        pooling(servers.superuser_url, folder, "desk", remedy=True, connections=30) as pooler,
    ):
        site = servers.site(folder, "demo", pooler)
        site.flask("cadence", "prepare-database")
        site.start("--demo")
        try:
            page = browser.new_context(base_url=site.url).new_page()
            # The first pages open every connection of the pool, beside all programs and a second test.
            page.set_default_timeout(90_000)
            page.goto("/login")
            page.fill("[name=email]", "agent@harbor.example")
            page.fill("[name=password]", PASSWORD)
            page.get_by_role("button", name="Sign in", exact=True).click()
            expect(page.locator("a.convo").first).to_be_visible()
            page.goto("/contacts/")
            login = psycopg.connect(f"{pooler}/demo")
            with login, pytest.raises(psycopg.errors.InsufficientPrivilege):
                login.execute("SELECT 1 FROM contacts")
        finally:
            assert site.stop() == 0
