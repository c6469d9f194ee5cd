"""Somebody stops being an admin: what goes on in their name is decided by others, in a browser."""

from __future__ import annotations

import time
import urllib.request

from playwright.sync_api import Page, expect

from tests.e2e.acting import OpenPage, check
from tests.e2e.conftest import PASSWORD, Site
from tests.e2e.test_api import _make_token

ADMIN = "admin@harbor.example"
TENANT = "Harbor College"


def _second_admin(site: Site, open_page: OpenPage) -> tuple[str, str, Page]:
    """Their address, the name of a token of theirs that was used, and their page."""
    email, name = f"second{time.time_ns()}@harbor.example", f"Nightly sync {time.time_ns()}"
    made = ("--name", "Second Admin", "--role", "admin", "--password", PASSWORD)
    site.flask("cadence", "user", TENANT, email, *made)
    page = open_page(email)
    token = _make_token(page, name)
    call = urllib.request.Request(f"{site.url}/api/v1/teams", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(call) as answer:
        assert answer.status == 200
    page.goto("/reports/schedules/new?kind=opt-out-history")
    page.get_by_role("button", name="Save schedule").click()
    return email, name, page


def test_each_token_and_schedule_is_decided_when_its_owner_is_demoted_or_deactivated(
    site: Site, open_page: OpenPage
) -> None:
    email, name, _ = _second_admin(site, open_page)
    page = open_page(ADMIN)
    page.goto(f"/settings/users/?q={email}")
    page.get_by_role("link", name="Second Admin").click()
    page.get_by_label("Agent:").check()
    page.get_by_role("button", name="Save").click()
    what = page.get_by_label(f"What becomes of the API token {name}?")
    expect(what).to_be_visible()
    check(page)
    page.get_by_role("link", name="Deactivate").click()
    check(page)
    what.select_option(label="I take it over")
    page.get_by_role("button", name="Deactivate").click()
    expect(page.get_by_role("alert")).to_contain_text("Choose what becomes of the schedule")
    expect(what).to_have_value(what.locator("option", has_text="I take it over").get_attribute("value") or "")
    page.get_by_label("What becomes of the schedule").select_option(label="End it")
    page.get_by_role("button", name="Deactivate").click()
    page.goto("/settings/api-tokens")
    expect(page.locator("tr", has_text=name)).to_contain_text("by Second Admin")
    check(page)


def test_what_a_command_left_behind_waits_on_a_page_of_its_own(site: Site, open_page: OpenPage) -> None:
    email, name, _ = _second_admin(site, open_page)
    site.flask("cadence", "user-stop", email)
    page = open_page(ADMIN)
    page.goto("/settings/api-tokens")
    expect(page.locator("tr", has_text=name)).to_contain_text("Only opt outs")
    page.get_by_role("link", name=f"Take over {name}").click()
    check(page)
    page.get_by_label(f"What becomes of the API token {name}?").select_option(label="End it")
    page.get_by_label("What becomes of the schedule").select_option(label="I take it over")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("main")).to_contain_text("Nothing is left behind")
    check(page)
