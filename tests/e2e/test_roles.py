"""An auditor in a browser, in both modes: the reports, their files, and nothing else."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.acting import MODES, OpenPage, check, open_export


@pytest.mark.parametrize("mode", MODES)
def test_an_auditor_has_reports_only_and_gets_an_export(mode: str, open_page: OpenPage) -> None:
    domain, clicks, _ = MODES[mode]
    page = open_page(f"auditor@{domain}", size="phone" if mode == "teams" else "desktop")
    page.goto("/reports/")
    menu = page.locator("header nav").first.locator("a")
    expect(menu).to_have_text(["Reports", "Phone simulator", "Mailbox"])
    check(page)
    for path in ("/messages/", "/contacts/", "/campaigns/", "/settings/users/"):
        answer = page.goto(path)
        assert answer
        assert answer.status == 403, path
    page.goto("/reports/")
    if mode == "teams":
        page.locator(".topbar-burger > summary").click()
    open_export(page, clicks)
    page.get_by_role("button", name="Request Export").click()
    latest = page.locator("#export-list tbody tr").first
    expect(latest).to_contain_text("Sent", timeout=40_000)
    with page.expect_download() as download:
        latest.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename.endswith(".csv")
