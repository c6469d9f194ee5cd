"""Destinations and saved filters in a browser, in both modes, against the whole of Cadence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.acting import MODES, ON_TEAMS, OpenPage, check
from tests.reports.servers import PASSWORD, USER, SftpHost, sftp_serving


@pytest.mark.parametrize("mode", ON_TEAMS)
def test_an_admin_adds_a_destination_exports_to_it_and_saves_the_filters(
    mode: str, open_page: OpenPage, tmp_path: Path
) -> None:
    page = open_page(f"admin@{MODES[mode][0]}", size="desktop" if mode == "teams" else "phone")
    with sftp_serving(SftpHost(tmp_path)) as host:
        page.goto("/settings/destinations")
        check(page)
        page.get_by_role("link", name="SFTP server", exact=True).click()
        page.fill("[name=name]", f"Loader {mode}")
        page.fill("[name=host]", "127.0.0.1")
        page.fill("[name=port]", str(host.port))
        page.fill("[name=user]", USER)
        expect(page.get_by_label("Private key", exact=True).last).to_be_hidden()
        page.fill("[name=password]", PASSWORD)
        page.fill("[name=file_pattern]", "nightly-{kind}")
        expect(page.locator("output")).to_have_text("nightly-opt-out-history.csv")
        check(page)
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.locator("main")).to_contain_text(host.key.get_fingerprint())
        check(page)
        page.get_by_role("button", name="This is the right server").click()
        row = page.locator("tr", has_text=f"Loader {mode}")
        row.get_by_role("button", name="Test").click()
        expect(page.locator("#flashes")).to_contain_text("It works.")
        check(page)
        page.goto(
            "/reports/exports/opt-out-history" if mode == "teams" else "/reports/opt-out-changes/export"
        )
        page.get_by_text("Filters", exact=True).click()
        page.locator("#source").select_option("Keyword")
        page.get_by_text("Delivery: by e-mail").click()
        page.get_by_label(f"Loader {mode}").check()
        check(page)
        page.get_by_role("button", name="Request Export").click()
        expect(page.locator("#export-list")).to_contain_text("Delivered", timeout=40_000)
        assert [path.name for path in tmp_path.iterdir()] == ["nightly-opt-out-history.csv"]
        page.get_by_role("button", name="Save filters").click()
        page.fill("[name=name]", f"Stops {mode}")
        expect(page.get_by_label(re.compile("Last 30 days"))).to_be_checked()
        check(page)
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.locator("#source")).to_have_value("keyword")
        page.get_by_role("link", name="Manage").click()
        check(page)
        page.goto("/settings/destinations")
        check(page)
        page.locator("tr", has_text=f"Loader {mode}").get_by_role("link", name="Delete").click()
        check(page)
        page.get_by_role("button", name="Delete destination").click()
        expect(page.locator("#flashes")).to_contain_text("is deleted.")
