"""Webhooks in a browser, with the whole of Cadence behind them and a receiver that takes what comes."""

from __future__ import annotations

import re

from playwright.sync_api import expect
from standardwebhooks import Webhook

from tests.e2e.acting import OpenPage, check, text_from
from tests.e2e.conftest import SIZES, Site
from tests.webhooks.receiving import receiver
from tests.world import new_number


def test_an_admin_adds_an_endpoint_and_a_text_reaches_it_in_both_modes(
    open_page: OpenPage, site: Site
) -> None:
    page = open_page("admin@lakeside.example")

    with receiver() as here:
        page.goto("/settings/webhooks")
        check(page)
        page.get_by_role("link", name="Add endpoint").last.click()
        page.get_by_label("Address").fill("http://records.example.edu")
        page.get_by_role("button", name="Save").click()
        expect(page.locator("#url-error")).to_contain_text("must begin with https://")
        check(page)
        page.get_by_label("Address").fill(here.url)
        page.get_by_label("Description").fill("Student records")
        page.get_by_role("button", name="Save").click()
        secret = page.get_by_label("Signing secret").input_value()
        check(page)
        page.get_by_role("link", name="Continue").click()
        endpoint_url = page.url
        page.get_by_role("button", name="Send a test event").click()
        expect(page.locator("main")).to_contain_text("Answered 204")
        check(page)
        text_from(page, new_number(), "Admissions desk", "STOP")
        page.goto(endpoint_url)
        row = page.locator("table tbody tr").first
        for _ in range(40):
            if "opted out" in row.inner_text() and "Delivered" in row.inner_text():
                break
            page.wait_for_timeout(250)
            page.reload()
        expect(row).to_contain_text(re.compile(r"opted out.*Delivered", re.DOTALL))
        Webhook(secret).verify(here.taken[-1].body, here.taken[-1].headers)
        page.set_viewport_size(SIZES["phone"])
        check(page)
        site.flask("cadence", "navigation", "Lakeside University", "legacy")
        page.reload()
        expect(page.locator("main")).to_contain_text("Departments")
        check(page)
        row.get_by_role("link").click()
        check(page)
        page.get_by_role("button", name="Resend").click()
        expect(page.get_by_text("goes out again")).to_be_visible()
        for path in ("/settings/webhooks", f"{endpoint_url}/roll", f"{endpoint_url}/edit", "/help/webhooks"):
            page.goto(path)
            check(page)
        page.goto(f"{endpoint_url}/delete")
        check(page)
        page.get_by_role("button", name="Delete endpoint").click()
        expect(page.get_by_text("No endpoints yet")).to_be_visible()
    site.flask("cadence", "navigation", "Lakeside University", "teams")
