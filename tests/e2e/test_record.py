"""The record in a browser, in both modes: an admin names, tags, renumbers, merges and erases."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.acting import MODES, ON_LEGACY, OpenPage, check
from tests.e2e.conftest import SIZES

PEOPLE = {"teams": "Wren", "legacy": "Odile"}


def add(page: Page, first: str, number: str) -> str:
    """A contact added by hand; the address of the record."""
    page.goto("/contacts/new")
    page.fill("[name=number]", number)
    page.fill("[name=first_name]", first)
    page.fill("[name=last_name]", "Featherstone")
    page.get_by_role("button", name="Add contact").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Featherstone")
    return page.url


@pytest.mark.parametrize("mode", ON_LEGACY)
def test_an_admin_keeps_a_record(mode: str, open_page: OpenPage) -> None:
    domain, word = MODES[mode][0], {"teams": "teams", "legacy": "departments"}[mode]
    page, first = open_page(f"admin@{domain}"), PEOPLE[mode]
    twin = add(page, first, "+12125550151").rsplit("/", 1)[1]
    record = add(page, first, "+12125550152")

    page.get_by_role("link", name="Add how they agreed").click()
    expect(page.locator("[name=page_url]")).to_be_hidden()
    page.get_by_role("radio", name="Web form").check()
    page.fill("[name=page_url]", "https://college.example/join")
    page.get_by_role("radio", name="Paper form").check()
    page.get_by_role("button", name="Record how they agreed").click()
    expect(page.locator("#page_url-error")).to_contain_text("Only a web form has an address.")
    check(page)
    page.get_by_role("radio", name="Web form").check()
    page.get_by_role("button", name="Record how they agreed").click()
    expect(page.locator(".flashes")).to_contain_text("How they agreed is recorded.")

    page.fill("[name=tag]", "Night owl")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#record-tags")).to_contain_text("Night owl")
    expect(page.locator("[name=tag]")).to_be_focused()
    check(page)
    page.get_by_role("button", name="Remove the tag Night owl").click()
    expect(page.locator("#record-tags")).to_contain_text("No tags yet.")

    page.get_by_role("link", name=re.compile("^Numbers")).click()
    expect(page.locator("form.card")).to_contain_text(f"opted in again in your {word}")
    page.fill("[name=number]", "212 555 0153")
    page.fill("[name=reason]", "They called.")
    check(page)
    page.get_by_role("button", name="Save number").click()
    expect(page.locator(".timeline")).to_contain_text("consent does not go along with it")
    page.get_by_role("navigation", name="What the timeline shows").get_by_role("link", name="Texts").click()
    expect(page.locator(".empty-state-title", has_text="No texts")).to_be_visible()

    page.goto(record)
    page.get_by_role("link", name="Compare and merge").first.click()
    page.wait_for_url(f"**/merge/{twin}")
    page.get_by_role("button", name="Show what would happen").click()
    page.set_viewport_size(SIZES["phone"])
    check(page)
    page.get_by_role("button", name="Merge them").click()
    page.wait_for_url(record)
    expect(page.locator(".timeline")).to_contain_text("Merged with another record")
    check(page)

    with page.expect_download() as download:
        page.get_by_role("button", name="Download all their data").click()
    assert download.value.suggested_filename.endswith(".zip")
    page.get_by_role("link", name="Erase this person").click()
    check(page)
    page.fill("[name=reason]", "Asked for by the person.")
    page.get_by_role("button", name="Erase for good").click()
    expect(page.locator("main")).to_contain_text("Contacts")
    page.goto(record)
    expect(page.get_by_role("heading", level=1)).to_have_text("There is nothing here")


def test_tags_and_names_need_no_scripts(open_page: OpenPage) -> None:
    page = open_page("admin@lakeside.example", scripts=False)
    page.goto("/contacts/")
    page.locator("a.cell-link").first.click()
    page.fill("[name=tag]", "Early bird")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#record-tags")).to_contain_text("Early bird")
    page.get_by_role("button", name="Remove the tag Early bird").click()
    expect(page.locator("#record-tags")).not_to_contain_text("Early bird")
    page.goto("/contacts/new")
    page.fill("[name=number]", "+12125550154")
    page.get_by_role("radio", name="In person or by phone").check()
    page.fill("[name=words]", "Yes, text me.")
    page.get_by_role("button", name="Add contact").click()
    expect(page.locator(".consent-card")).to_contain_text("Opted in")
