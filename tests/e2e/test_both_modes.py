"""What a person does in each mode, in a browser, against the whole of Cadence."""

from __future__ import annotations

import csv
import io
import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.acting import MODES, OpenPage, open_export, text_from
from tests.e2e.conftest import Site


def _rows_for(content: bytes, number: str) -> list[tuple[str, str]]:
    rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    return [(row["Status"], row["DepartmentCode"]) for row in rows if row["MobileNumber"] == number]


@pytest.mark.parametrize("mode", MODES)
def test_what_an_agent_and_a_phone_do_is_in_the_file_an_admin_gets_by_mail(
    mode: str, open_page: OpenPage, site: Site, tmp_path: Path
) -> None:
    domain, clicks, inbox = MODES[mode]
    number = f"+1212555{'3' if mode == 'teams' else '4'}{int(time.time()) % 1000:03}"
    anybody = open_page()
    text_from(anybody, number, inbox, "Hello, is this the college?")

    agent = open_page(f"agent@{domain}")
    agent.get_by_role("searchbox").or_(agent.locator("[name=q]")).first.fill(number[2:])
    agent.keyboard.press("Enter")
    agent.locator("a.convo").first.click()
    expect(agent.locator(".thread")).to_contain_text("Hello, is this the college?")
    agent.get_by_role("button", name="Opt out", exact=True).click()
    expect(agent.locator(".consent-card")).to_contain_text("Opted out")
    agent.get_by_role("radio", name="In person or by phone").check()
    agent.fill("[name=agreed_on]", "2026-01-02")
    agent.get_by_role("button", name="Opt in", exact=True).click()
    expect(agent.locator("[name=agreed_on]")).to_be_focused()
    agent.fill("[name=agreed_on]", "")
    agent.get_by_role("button", name="Opt in", exact=True).click()
    expect(agent.get_by_role("button", name="Opt out", exact=True)).to_be_visible()

    text_from(anybody, number, inbox, "STOP")
    expect(anybody.locator("#phone-texts")).to_contain_text("You are opted out", timeout=40_000)
    # The open page learns of it by itself, and then asks for the reason.
    expect(agent.locator("#composer")).to_contain_text("opted out", timeout=40_000)
    agent.locator("[name=reason]").fill("Called us and asked for texts again.")
    agent.get_by_role("button", name="Opt in", exact=True).click()
    expect(agent.locator(".ledger").first).to_contain_text("Called us and asked for texts again.")
    # On the Teams screens an agent has Reports for its Analytics; nobody but an admin reaches an export.
    assert agent.get_by_role("link", name="Reports").count() == (1 if mode == "teams" else 0)

    admin = open_page(f"admin@{domain}")
    open_export(admin, clicks)
    admin.get_by_role("button", name="Request Export").click()
    expect(admin.locator("#export-list tbody tr").first).to_contain_text("Sent", timeout=40_000)
    expected = [("Opted In",), ("Opted Out",), ("Opted In",), ("Opted Out",), ("Opted In",)]

    anybody.goto("/dev/mail/")
    anybody.get_by_role("link", name=re.compile("Opt out history")).first.click()
    with anybody.expect_download() as download:
        anybody.get_by_role("link", name=re.compile(r"\.csv")).click()
    download.value.save_as(tmp_path / "mailed.csv")
    mailed = (tmp_path / "mailed.csv").read_bytes()
    assert [(status,) for status, _ in _rows_for(mailed, number)] == expected
    with admin.expect_download() as download:
        admin.get_by_role("link", name="Download").first.click()
    download.value.save_as(tmp_path / "downloaded.csv")
    assert (tmp_path / "downloaded.csv").read_bytes() == mailed


@pytest.mark.parametrize("mode", MODES)
def test_a_bad_range_gets_its_message_at_the_field_and_requests_nothing(
    mode: str, open_page: OpenPage
) -> None:
    domain, clicks, _ = MODES[mode]
    page = open_page(f"admin@{domain}")
    open_export(page, clicks)
    before = page.locator("#export-list tbody tr").count()
    page.fill("[name=start_date]", "2026-05-02")
    page.fill("[name=end_date]", "2026-05-01")
    page.get_by_role("button", name="Request Export").click()
    expect(page.locator("#end_date-error")).to_contain_text("before the first day")
    assert page.locator("#export-list tbody tr").count() == before


def test_signing_in_toggling_and_sending_work_without_scripts(open_page: OpenPage, site: Site) -> None:
    number = f"+1212556{int(time.time()) % 10000:04}"
    text_from(open_page(), number, "Admissions desk", "Hi from an old browser")
    page = open_page("agent@lakeside.example", scripts=False)
    page.goto(f"/messages/?q={number[2:]}")
    page.locator("a.convo").first.click()
    page.locator("[name=body]").fill("Hello there")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".thread")).to_contain_text("Hello there")
    page.get_by_role("button", name="Opt out", exact=True).click()
    expect(page.locator(".consent-card")).to_contain_text("Opted out")
    expect(page.locator("[name=body]")).to_be_disabled()


def test_the_flag_moves_a_tenant_to_the_other_screens_at_the_next_page_load(
    open_page: OpenPage, site: Site
) -> None:
    def move(screens: str) -> None:
        site.flask("cadence", "navigation", "Harbor College", screens)

    page = open_page("admin@harbor.example")
    try:
        move("teams")
        page.goto("/reports/opt-out-changes/export")
        page.get_by_role("link", name="Open the report").click()
        assert page.url.endswith("/reports/exports/opt-out-history")
    finally:
        move("legacy")
    page.goto("/reports/")
    expect(page.get_by_role("link", name="Export Opt-out Changes")).to_be_visible()
