"""Schedules in a browser, in both modes, with the whole of Cadence behind them."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests import sizes
from tests.e2e.acting import MODES, ON_TEAMS, OpenPage, check
from tests.e2e.conftest import Site

_LINKS = {"teams": ("Reports", "Exports", "Schedules"), "legacy": ("Reports", "View Schedules")}


def _open_schedules(page: Page, mode: str) -> None:
    for click in _LINKS[mode]:
        page.locator("main, header nav").get_by_role("link", name=re.compile(f"^{click}")).last.click()
    expect(page.get_by_role("heading", name="Schedules")).to_be_visible()


@pytest.mark.parametrize(("mode", "scripts"), [("teams", True), ("legacy", False)])
def test_an_admin_schedules_an_export_sends_it_and_finds_the_mail(
    mode: str, scripts: bool, open_page: OpenPage, site: Site
) -> None:
    page = open_page(f"admin@{MODES[mode][0]}", scripts=scripts)
    _open_schedules(page, mode)
    page.get_by_label("What to schedule").select_option("opt-out-history")
    page.get_by_role("button", name="New schedule").click()
    page.get_by_label("Only what changed").check()
    expect(page.get_by_label("Weekday")).to_be_hidden()
    page.get_by_label("Every week").check()
    page.get_by_label("Weekday").select_option("Friday")
    page.get_by_label("Hour").select_option("6:00 PM")
    page.get_by_role("button", name="Save schedule").click()
    row = page.locator("table.schedules tbody tr").last
    expect(row).to_contain_text("Every Friday at 6:00 PM")
    expect(row.locator("time").first).to_have_attribute("title", re.compile(r"UTC$"))
    row.get_by_role("button", name="Send now").click()
    for _ in range(40):
        if "Sent" in row.inner_text():
            break
        page.wait_for_timeout(500)
        page.reload()
    expect(row).to_contain_text("Sent")
    row.get_by_role("button", name="Pause").click()
    expect(row).to_contain_text("Paused")
    row.get_by_role("button", name="Resume").click()
    expect(row).to_contain_text("Next:")
    row.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete schedule").click()
    expect(page.get_by_text("is deleted.")).to_be_visible()
    page.goto("/dev/mail/")
    page.get_by_role("link", name=re.compile("Opt out history")).first.click()
    expect(page.locator("body")).to_contain_text(re.compile(r"opt-out-history-.*\.csv"))


@pytest.mark.parametrize("mode", ON_TEAMS)
def test_schedule_this_begins_with_the_filters_that_are_set(mode: str, open_page: OpenPage) -> None:
    page = open_page(f"admin@{MODES[mode][0]}")
    page.goto("/reports/exports/opt-out-history" if mode == "teams" else "/reports/opt-out-changes/export")
    page.get_by_text("Filters", exact=True).click()
    page.locator("#source").select_option("Keyword")
    page.get_by_role("button", name="Schedule this").click()
    expect(page.get_by_role("heading", name="Schedule Opt out history")).to_be_visible()
    expect(page.locator("#source")).to_have_value("keyword")
    assert "csrf" not in page.url


@pytest.mark.parametrize(("mode", "size"), sizes.few_of([("teams", "desktop"), ("legacy", "phone")], [1]))
def test_the_pages_of_schedules_are_accessible_and_fit_their_width(
    mode: str, size: str, open_page: OpenPage
) -> None:
    page = open_page(f"admin@{MODES[mode][0]}", size=size)
    page.goto("/reports/schedules/")
    check(page)
    page.goto("/reports/schedules/new?kind=message-history&words=stop")
    check(page)
    page.get_by_label("Every month").check()
    for box in page.locator("[name=recipients]").all():
        box.uncheck()
    page.get_by_role("button", name="Save schedule").click()
    expect(page.locator("#recipients-error")).to_contain_text("Choose at least one admin.")
    check(page)
    page.locator("[name=recipients]").first.check()
    page.get_by_role("button", name="Save schedule").click()
    row = page.locator("table.schedules tbody tr").last
    row.get_by_role("button", name="Pause").click()
    check(page)
    row.get_by_role("link", name="Edit").click()
    check(page)
    page.get_by_role("link", name="Cancel").click()
    row.get_by_role("link", name="Delete").click()
    check(page)
    page.get_by_role("button", name="Delete schedule").click()
    page.goto("/reports/exports" if mode == "teams" else "/reports/")
    check(page)
