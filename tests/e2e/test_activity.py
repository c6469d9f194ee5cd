"""Message activity in a browser, in each mode, for each role, with and without scripts."""

from __future__ import annotations

import re
import time
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.acting import ON_LEGACY, ON_TEAMS, OpenPage, check, text_from

MODES = {
    "teams": ("lakeside.example", ("Reports", "Analytics"), "Team", "Admissions", "Admissions desk"),
    "legacy": (
        *("harbor.example", ("Reports", "View Message Activity")),
        *("Department", "Enrollment", "Enrollment desk"),
    ),
}


def _open(page: Page, clicks: tuple[str, ...]) -> None:
    for click in clicks:
        page.locator("main, header nav").get_by_role("link", name=re.compile(f"^{click}")).last.click()
    expect(page.get_by_role("heading", name=re.compile("^By inbox"))).to_be_visible()


def _stat(page: Page, label: str) -> int:
    value = page.locator(".stat", has_text=label).locator(".stat-value").inner_text()
    return int(value.replace(",", ""))


@pytest.mark.parametrize("mode", ON_LEGACY)
def test_a_text_is_unread_until_somebody_opens_it_and_the_filters_narrow(
    mode: str, open_page: OpenPage
) -> None:
    domain, clicks, team_word, team, inbox = MODES[mode]
    admin = open_page(f"admin@{domain}")
    _open(admin, clicks)
    received, unread = _stat(admin, "Received"), _stat(admin, "Unread")
    number = f"+1212557{'1' if mode == 'teams' else '2'}{int(time.time()) % 1000:03}"
    text_from(open_page(), number, inbox, "Is anybody there?")
    admin.reload()
    assert (_stat(admin, "Received"), _stat(admin, "Unread")) == (received + 1, unread + 1)

    agent = open_page(f"agent@{domain}")
    agent.goto(f"/messages/?q={number[2:]}")
    agent.locator("a.convo").first.click()
    expect(agent.locator(".thread")).to_contain_text("Is anybody there?")
    admin.reload()
    assert (_stat(admin, "Received"), _stat(admin, "Unread")) == (received + 1, unread)

    admin.get_by_label(team_word, exact=True).select_option(label=team)
    admin.get_by_role("button", name="Show").click()
    table = admin.get_by_role("table", name=re.compile(f"^By {team_word.lower()}"))
    expect(table.locator("tbody tr")).to_have_count(1)
    expect(table).to_contain_text(team)
    admin.get_by_role("link", name="Last 7 days").click()
    expect(admin.get_by_label(team_word, exact=True).locator("option:checked")).to_have_text(team)
    assert "range=last-7" in admin.url
    # What is chosen and not shown yet goes along.
    admin.get_by_label(team_word, exact=True).select_option(index=0)
    admin.get_by_role("link", name="Last 90 days").click()
    admin.wait_for_url("**/*?range=last-90")


@pytest.mark.parametrize("mode", ON_TEAMS)
def test_the_charts_are_drawn_from_the_tables_below_them(mode: str, open_page: OpenPage) -> None:
    domain, clicks, *_ = MODES[mode]
    page = open_page(f"admin@{domain}")
    _open(page, clicks)
    expect(page.locator("figure[data-chart] canvas")).to_have_count(2)
    page.wait_for_load_state("load")
    drawn = page.evaluate(
        "Array.from(document.querySelectorAll('figure[data-chart]')).map(figure => {"
        " const chart = Chart.getChart(figure.querySelector('canvas'));"
        " return [chart.data.datasets.map(set => set.data.reduce((sum, value) => sum + value, 0)),"
        "         chart.data.labels.length]; })"
    )
    totals = [_stat(page, "Sent"), _stat(page, "Received")]
    assert [sums for sums, _ in drawn] == [totals, totals]
    assert drawn[0][1] == 30
    page.get_by_text(re.compile("^Show as a table")).first.click()
    expect(page.locator("figure[data-chart] tbody tr").first).to_be_visible()


@pytest.mark.parametrize("mode", ON_LEGACY)
def test_without_scripts_the_filters_the_tables_and_the_messages_at_the_fields_are_there(
    mode: str, open_page: OpenPage
) -> None:
    domain, clicks, team_word, team, _ = MODES[mode]
    page = open_page(f"admin@{domain}", scripts=False)
    _open(page, clicks)
    expect(page.locator("canvas").first).to_be_hidden()
    page.get_by_label(team_word, exact=True).select_option(label=team)
    page.get_by_label("First day").fill("2026-05-02")
    page.get_by_label("Last day").fill("2026-05-01")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#end_date-error")).to_contain_text("before the first day")
    page.get_by_role("link", name="Last 90 days").click()
    expect(page.locator(".stat", has_text="Sent").locator(".stat-value")).not_to_have_text("0")
    page.get_by_role("link", name="What these figures mean").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("What the figures")


def test_an_agent_of_teams_reaches_analytics_and_sees_their_own_line_only(open_page: OpenPage) -> None:
    page = open_page("agent@lakeside.example", size="phone")
    page.locator(".topbar-burger > summary").click()
    page.locator("header nav:visible").get_by_role("link", name="Reports").click()
    expect(page.get_by_role("navigation", name="Reports").get_by_role("link")).to_have_text(["Analytics"])
    expect(page.get_by_role("heading", name="Your own texts")).to_be_visible()
    main = page.locator("main")
    expect(main).to_contain_text("Theo Lindqvist")
    expect(main).not_to_contain_text("Marisol Vega")
    expect(main).not_to_contain_text("Student Success")
    check(page)


@pytest.mark.parametrize("mode", ON_LEGACY)
def test_the_page_is_accessible_and_fits_its_width(mode: str, open_page: OpenPage) -> None:
    domain = MODES[mode][0]
    path = "/reports/analytics" if mode == "teams" else "/reports/message-activity"
    other = "/reports/message-activity" if mode == "teams" else "/reports/analytics"
    page = open_page(f"admin@{domain}")
    scheme: Literal["light", "dark"] = "light" if mode == "teams" else "dark"
    page.emulate_media(color_scheme=scheme)
    queries = (
        "",
        "?range=last-90",
        "?start_date=2001-01-01&end_date=2001-01-02",
        "?team=x&range=x&start_date=x",
    )
    for address in (*(path + query for query in queries), other, "/help/message-activity"):
        page.goto(address)
        for summary in page.locator(".chart-table > summary").all():
            summary.click()
        check(page)
