"""How they agreed, in a browser and in both modes: the card, the record, the certificate and the report."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.acting import MODES, OpenPage, check, text_from

CLICKS = {"teams": ("Evidence",), "legacy": ("View Consent Evidence",)}
NUMBERS = {"teams": ("+12125550161", "+12125550162"), "legacy": ("+12125550163", "+12125550164")}


def open_report(page: Page, mode: str) -> None:
    page.goto("/reports/")
    for click in CLICKS[mode]:
        page.get_by_role("link", name=click, exact=True).click()
    expect(page.get_by_role("heading", name=re.compile("^By (team|department)$"))).to_be_visible()


@pytest.mark.parametrize("mode", MODES)
def test_it_is_seen_how_somebody_agreed_and_of_how_many_that_is_known(mode: str, open_page: OpenPage) -> None:
    domain, _, inbox = MODES[mode]
    page, (by_hand, by_text) = open_page(f"admin@{domain}"), NUMBERS[mode]
    page.goto("/contacts/new")
    page.fill("[name=number]", by_hand)
    page.fill("[name=first_name]", "Petra")
    page.fill("[name=last_name]", "Unproven")
    page.get_by_role("button", name="Add contact").click()
    card = page.locator(".consent-card").first
    expect(card).to_contain_text("How they agreed: none recorded")
    expect(card.get_by_role("link", name="Add how they agreed")).to_be_visible()
    check(page)

    open_report(page, mode)
    expect(page.locator("main")).to_contain_text("With evidence")
    check(page)
    page.get_by_role("link", name=re.compile("^Those in your")).click()
    expect(page.locator("#contact-status")).to_have_value("none_recorded")
    page.fill("[name=q]", "Unproven")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Petra Unproven", exact=True).click()
    page.get_by_role("link", name="Consent certificate").first.click()
    expect(page.locator("main")).to_contain_text("None recorded")
    check(page)

    text_from(page, by_text, inbox, "When is the open day?")
    page.goto(f"/contacts/?q={by_text[1:]}")
    page.locator("a.cell-link").first.click()
    expect(page.locator(".consent-card").first).to_contain_text("They texted first on ")
    check(page)


def test_the_report_needs_no_scripts(open_page: OpenPage) -> None:
    page = open_page("admin@lakeside.example", scripts=False)
    open_report(page, "teams")
    expect(page.locator("main")).to_contain_text("None recorded")
