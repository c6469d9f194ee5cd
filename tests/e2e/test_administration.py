"""The settings of admins in both modes, and the operator's screen, in a browser."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.e2e.acting import OpenPage, check
from tests.e2e.conftest import Site


def _move_to(page: Page, screens: str) -> None:
    page.goto("/settings/screens/")
    page.get_by_role("button", name=f"Move to the {screens}").click()
    expect(page.locator("#flashes")).to_contain_text(f"Everybody is on the {screens}")


def test_an_admin_sets_things_up_in_both_modes_and_an_operator_sees_to_the_tenant(
    site: Site, open_page: OpenPage
) -> None:
    admin = open_page("admin@lakeside.example")
    try:
        _move_to(admin, "Legacy screens")
        navigation = admin.get_by_role("navigation", name="Settings")
        navigation.get_by_role("link", name="Departments").click()
        expect(admin.get_by_role("heading", level=1)).to_have_text("Departments")
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
    check(operator)
    operator.get_by_role("link", name="Harbor College").click()
    check(operator)
