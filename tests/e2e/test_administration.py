"""The settings of admins in both modes, and the operator's screen, in a browser."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pyotp
from playwright.sync_api import Page, expect

from tests.e2e.acting import OpenPage, check
from tests.e2e.conftest import Site


def _move_to(page: Page, screens: str) -> None:
    page.goto("/settings/screens/")
    page.get_by_role("button", name=f"Move to the {screens}").click()
    expect(page.locator("#flashes")).to_contain_text(f"Everybody is on the {screens}")


def _choose_the_policy(page: Page) -> None:
    """A day for opt-out words, asked once; it shows above settings and messages until it is taken back."""
    page.goto("/settings/organisation/")
    page.get_by_label("Every department of the organization").check()
    page.get_by_label(re.compile("^From")).fill((date.today() + timedelta(days=9)).isoformat())
    page.get_by_label("Ask whether only the one department was meant").check()
    page.get_by_role("button", name="Save these rules").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("count for every department?")
    check(page)
    page.get_by_role("button", name="Save these rules").click()
    for path in ("/settings/", "/messages/"):
        page.goto(path)
        expect(page.locator("#flashes")).to_contain_text("begins to count for every department")
        check(page)
    page.goto("/settings/teams/1")
    expect(page.get_by_text("Reply TEAM to stop only texts from").first).to_be_visible()
    # One text by itself, two with what is added.
    page.get_by_label("After an opt out").fill("x" * 150)
    expect(page.locator("#opt_out-count")).to_contain_text("2 texts")
    check(page)
    page.goto("/settings/organisation/")
    page.get_by_label("The department it was sent to").check()
    page.get_by_role("button", name="Save these rules").click()
    page.get_by_role("button", name="Save these rules").click()
    expect(page.locator("#flashes")).not_to_contain_text("begins to count")


def test_an_admin_sets_things_up_in_both_modes_and_an_operator_sees_to_the_tenant(
    site: Site, open_page: OpenPage
) -> None:
    admin = open_page("admin@lakeside.example")
    try:
        _move_to(admin, "Legacy screens")
        navigation = admin.get_by_role("navigation", name="Settings")
        navigation.get_by_role("link", name="Departments").click()
        expect(admin.get_by_role("heading", level=1)).to_have_text("Departments")
        _choose_the_policy(admin)
    finally:
        _move_to(admin, "Teams screens")
    admin.goto("/settings/teams/1")
    admin.get_by_label("After HELP").fill("Lakeside: call us.")
    expect(admin.locator("#help_text-count")).to_contain_text("1 text")

    admin.context.close()
    plain = open_page("admin@lakeside.example", scripts=False)
    plain.goto("/settings/tags/")
    plain.get_by_label("Name").fill("Alumni")
    plain.get_by_role("button", name="Make tag").click()
    plain.get_by_role("link", name="Delete Alumni").click()
    expect(plain.get_by_text("No contact carries it.")).to_be_visible()
    plain.get_by_role("button", name="Delete it").click()
    plain.goto("/settings/audit-log/")
    expect(plain.locator("tbody tr").first).to_contain_text(re.compile("Tag deleted"))

    password = "an operator of e2e"
    site.flask("cadence", "operator", "e2e@operators.example", "--name", "Ola", "--password", password)
    operator = open_page(size="phone")
    operator.goto("/operator/")
    check(operator)
    operator.fill("[name=email]", "e2e@operators.example")
    operator.fill("[name=password]", password)
    operator.get_by_role("button", name="Sign in").click()
    operator.wait_for_url("**/operator/second-factor")
    check(operator)
    secret = operator.locator(".two-factor-key").inner_text().replace(" ", "")
    operator.get_by_label("The code that the app shows").fill(pyotp.TOTP(secret).now())
    operator.fill("[name=current]", password)
    operator.get_by_role("button", name="Turn on").click()
    expect(operator.locator(".recovery-codes li")).to_have_count(10)
    check(operator)
    for path in ("/operator/log", "/operator/second-factor", "/operator/"):
        operator.goto(path)
        check(operator)
    operator.get_by_role("link", name="Harbor College").click()
    check(operator)
