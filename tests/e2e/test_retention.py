"""A dry run and the removal, a legal hold, and where the keyboard is after Request Export, in a browser."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.e2e.acting import OpenPage, check
from tests.e2e.conftest import Site


def test_an_admin_holds_a_contact_looks_at_a_dry_run_and_removes_the_others(
    open_page: OpenPage, site: Site
) -> None:
    page = open_page("admin@harbor.example")
    page.goto("/settings/retention/")
    check(page)
    page.get_by_role("button", name="Start a dry run").click()
    page.wait_for_url("**/runs/*")
    run_url = page.url
    expect(page.locator("#run")).to_contain_text("Waiting for a decision", timeout=40_000)
    page.reload()
    check(page)

    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    listed = download.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert len(listed) == 31
    number = listed[1].split(",")[3].strip('"')
    page.goto(f"/contacts/?q={number.replace('+', '')}")
    page.locator("tbody a").first.click()
    page.get_by_role("link", name="Legal hold").first.click()
    page.wait_for_url("**/hold")
    check(page)
    page.get_by_role("button", name="Put on hold").click()
    expect(page.locator("#reason-error")).to_be_visible()
    page.get_by_label("Why").fill("Case 12")
    page.get_by_role("button", name="Put on hold").click()
    expect(page.get_by_text("On hold", exact=True)).to_be_visible()
    check(page)

    page.goto(run_url)
    page.get_by_role("link", name="Remove these").click()
    page.get_by_label("Number of contacts").fill("3")
    page.get_by_role("button", name="Remove these").click()
    expect(page.locator("#contacts-error")).to_contain_text("Type 30")
    check(page)
    page.get_by_label("Number of contacts").fill("30")
    page.get_by_role("button", name="Remove these").click()
    expect(page.locator("#run")).to_contain_text("Done", timeout=40_000)
    expect(page.locator("#run")).to_contain_text("of 30 listed")
    page.reload()
    check(page)
    assert "intact" in site.flask("cadence", "verify", "Harbor College")

    page.goto("/settings/retention/")
    page.get_by_role("button", name="Run every month").click()
    expect(page.get_by_role("button", name="Switch off")).to_be_visible()
    expect(page.get_by_text("Case 12")).to_be_visible()
    check(page)
    page.goto("/help/retention")
    check(page)


def test_request_export_is_answered_where_one_looks_and_the_keyboard_is_there(
    open_page: OpenPage,
) -> None:
    page = open_page("admin@lakeside.example")
    page.goto("/reports/exports/opt-out-history")
    page.get_by_role("button", name="Request Export").click()
    answer = page.locator(".report-answer")
    expect(answer).to_contain_text("usually within a minute")
    expect(answer).to_be_focused()
    expect(answer).to_be_in_viewport(ratio=1)
    assert page.evaluate("scrollY") == 0
    expect(page.locator("#export-list tbody tr").first.locator(".export-state")).to_contain_text(
        "Sent", timeout=40_000
    )
    expect(answer).to_be_focused()
