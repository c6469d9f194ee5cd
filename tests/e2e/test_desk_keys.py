"""The desk by its keys: templates by a slash, finding by Ctrl K."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.acting import MODES, ON_LEGACY, ON_TEAMS, OpenPage, check
from tests.e2e.conftest import SIZES


@pytest.mark.parametrize("mode", ON_TEAMS)
def test_a_template_is_put_in_by_a_slash_and_escape_leaves_the_box(open_page: OpenPage, mode: str) -> None:
    page = open_page(f"admin@{MODES[mode][0]}")
    page.goto("/campaigns/templates/new")
    page.get_by_role("textbox", name="Name").fill("Parking")
    page.get_by_role("textbox", name="Text").fill("Hi {first_name|there}, park in lot C.")
    page.get_by_role("button", name="Save").click()
    page.goto("/messages/?only=all&inbox=")
    page.locator("#convo-items .convo:not(:has-text('reply'))").last.click()
    box = page.locator("#composer-body")
    box.fill("")
    box.press_sequentially("Hello /park")
    options = page.get_by_role("listbox", name="Templates").get_by_role("option")
    expect(options).to_have_count(1)
    check(page)
    box.press("Escape")
    expect(options).to_have_count(0)
    expect(box).to_have_value("Hello /park")
    box.fill("")
    box.press_sequentially("/park")
    box.press("Enter")
    expect(box).to_have_value(re.compile("^Hi .+, park in lot C.$"))
    box.fill("")
    box.press("Escape")
    expect(page.locator("#thread")).to_be_focused()


@pytest.mark.parametrize("mode", ON_LEGACY)
def test_a_person_and_a_page_are_found_by_the_keyboard_and_on_a_phone(open_page: OpenPage, mode: str) -> None:
    page = open_page(f"admin@{MODES[mode][0]}")
    expect(page.get_by_role("link", name="Messages").first).to_be_visible()
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="Find a person or a page")
    expect(field).to_be_focused()
    field.press_sequentially("departments")
    expect(page.get_by_role("option", name="Departments")).to_have_attribute("aria-selected", "true")
    check(page)
    field.press("Enter")
    page.wait_for_url("**/settings/teams/")
    page.set_viewport_size(SIZES["phone"])
    page.get_by_role("button", name="Find a person or a page").click()
    field.press_sequentially("ros")
    person = page.get_by_role("group", name="People").get_by_role("option").first
    expect(person).to_have_attribute("aria-selected", "true")
    check(page)
    field.press("Enter")
    page.wait_for_url("**/contacts/*")
