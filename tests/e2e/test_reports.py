"""The report on screen in a browser: filters, charts, pages and exports, in both modes."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.acting import MODES, ON_LEGACY, ON_TEAMS, check

OpenPage = Callable[..., Page]

PATHS = {"teams": "/reports/exports/opt-out-history", "legacy": "/reports/opt-out-changes/export"}
KINDS = ("opt-out-status", "possible-opt-outs", "message-history", "user-activity")


def _kind_path(mode: str, key: str) -> str:
    return f"/reports/exports/{key}" if mode == "teams" else f"/reports/{key}/export"


@pytest.mark.parametrize("mode", ON_TEAMS)
def test_an_admin_filters_reads_the_charts_pages_and_exports_just_that(
    mode: str, open_page: OpenPage
) -> None:
    page = open_page(f"admin@{MODES[mode][0]}")
    page.goto(PATHS[mode])
    # Whoever wants the classic file sees all of it at once.
    for control in (page.locator("[name=start_date]"), page.get_by_role("button", name="Request Export")):
        box = control.bounding_box()
        assert box
        assert box["y"] + box["height"] <= 850
    page.get_by_role("link", name="Last 90 days").click()
    page.locator("summary", has_text="Filters").click()
    page.select_option("[name=source]", label="Keyword")
    page.get_by_role("button", name="Show").click()
    expect(page).to_have_url(re.compile("source=keyword"))
    expect(page.locator("canvas")).to_have_count(2)
    page.wait_for_function(
        "window.Chart?.getChart(document.querySelector('canvas'))?.data.datasets.length === 2"
    )
    rows = page.locator(".changes tbody tr")
    expect(rows).to_have_count(25)
    assert all("Their own text" in text for text in page.locator(".change-why").all_inner_texts())
    first = page.locator(".changes tbody tr").first.inner_text()
    page.get_by_role("link", name="Next").click()
    expect(page).to_have_url(re.compile("source=keyword.*older="))
    assert first not in page.locator(".changes").inner_text()
    page.get_by_role("link", name="Previous").click()
    assert page.locator(".changes tbody tr").first.inner_text() == first

    page.locator("summary", has_text="File:").click()
    page.get_by_label("Excel (XLSX)").check()
    page.get_by_label("Reason").check()
    page.get_by_role("button", name="Request Export").click()
    latest = page.locator("#export-list tbody tr").first
    expect(latest).to_contain_text("Sent", timeout=40_000)
    expect(latest).to_contain_text("Source: Keyword")
    expect(latest).to_contain_text("With Reason")
    with page.expect_download() as download:
        latest.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename.endswith(".xlsx")
    expect(page).to_have_url(re.compile("source=keyword"))


@pytest.mark.parametrize("mode", ON_LEGACY)
def test_a_row_leads_to_the_text_that_caused_it(mode: str, open_page: OpenPage) -> None:
    page = open_page(f"admin@{MODES[mode][0]}")
    page.goto(f"{PATHS[mode]}?source=keyword&start_date=2020-01-01&end_date=2030-01-01")
    row = page.locator(".changes tbody tr", has=page.get_by_role("link", name=re.compile("^Open"))).first
    words = row.locator("q").inner_text()
    row.get_by_role("link", name=re.compile("^Open")).click()
    expect(page.locator(f"#{page.url.partition('#')[2]}")).to_contain_text(words)


@pytest.mark.parametrize("mode", ON_LEGACY)
def test_filtering_paging_and_exporting_work_without_scripts(mode: str, open_page: OpenPage) -> None:
    page = open_page(f"admin@{MODES[mode][0]}", scripts=False)
    page.goto(PATHS[mode])
    page.locator("summary", has_text="Filters").click()
    page.select_option("[name=status]", label="Opted Out")
    page.get_by_role("link", name="This year").click()  # a link of its own: it keeps what was shown
    page.locator("summary", has_text="Filters").click()
    page.select_option("[name=status]", label="Opted Out")
    page.get_by_role("button", name="Show").click()
    # The numbers are open, for there is no chart.
    expect(page.locator(".chart-scroll").first).to_be_visible()
    page.get_by_role("link", name="Next").click()
    assert all("Opted out" in text for text in page.locator(".changes tbody tr").all_inner_texts())
    page.get_by_role("button", name="Request Export").click()
    expect(page.locator("#export-list tbody tr").first).to_contain_text("Status: Opted Out")
    assert "csrf" not in page.url


@pytest.mark.parametrize("mode", ON_TEAMS)
def test_every_kind_is_reached_from_reports_and_mailed(mode: str, open_page: OpenPage) -> None:
    page = open_page(f"admin@{MODES[mode][0]}")
    for key in KINDS:
        page.goto("/reports/" if mode == "legacy" else "/reports/exports")
        page.locator(f"main a[href='{_kind_path(mode, key)}']").click()
        page.get_by_role("button", name="Request Export").click()
        expect(page.locator("#export-list tbody tr").first).to_contain_text("Sent", timeout=40_000)


@pytest.mark.parametrize("mode", ON_TEAMS)
def test_every_state_of_the_reports_is_accessible_and_fits_its_width(mode: str, open_page: OpenPage) -> None:
    page = open_page(f"admin@{MODES[mode][0]}")
    report = PATHS[mode]
    states = ["", "?source=keyword&contact=a", "?contact=nobodyatall", "?start_date=x&end_date=", "?team=0"]
    if mode == "legacy":
        states = states[:2]
    for path in [*(report + state for state in states), *(_kind_path(mode, key) for key in KINDS)]:
        page.goto(path)
        for summary in page.locator("main summary").all():
            if not summary.evaluate("summary => summary.parentElement.open"):
                summary.click()
        check(page)
    page.emulate_media(color_scheme="dark")
    page.goto(report)
    check(page)
