"""Writing first, in both modes: by keyboard, on a phone, without scripts; to people known and new."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.acting import MODES, OpenPage, check, text_from
from tests.e2e.conftest import SIZES
from tests.e2e.test_media import expect_shown, picture

_WORDS = {"teams": "teams", "legacy": "departments"}


def number_of(mode: str, last: int) -> str:
    """One that no other run has."""
    return f"+1212{'66' if mode == 'teams' else '67'}{last}{int(time.time()) % 10_000:04}"


def begin(page: Page, typed: str) -> None:
    """By the key, from the desk: whom to text."""
    page.goto("/messages/?inbox=")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("c")
    expect(page.locator("#new-who")).to_be_focused()
    page.keyboard.type(typed)


@pytest.mark.parametrize("mode", MODES)
def test_somebody_new_is_texted_and_then_known(mode: str, open_page: OpenPage) -> None:
    domain, _, inbox = MODES[mode]
    number, name = number_of(mode, 1), f"Noor{mode} Haddad"
    page, phone = open_page(f"agent@{domain}"), open_page(f"agent@{domain}")
    begin(page, number[2:])
    expect(page.locator("#new-found")).to_contain_text(f"Nobody in your {_WORDS[mode]} has this number")
    expect(page.locator("#consent-said")).to_have_text("0 people found")
    check(page)
    page.keyboard.press("Enter")

    expect(page.locator("#number")).to_have_value(number)
    wanted = page.locator("#new-from option", has_text=inbox).first.get_attribute("value")
    page.locator("#new-from").select_option(value=wanted)
    page.fill("#first_name", name.split()[0])
    page.fill("#last_name", name.split()[1])
    page.locator("#composer-body").fill("Welcome! When can you come?")
    page.get_by_text("Paper form").click()
    page.get_by_label(re.compile("What they read")).fill("The visit day card")
    page.locator(".composer-attach summary").click()
    page.set_input_files("#composer-files", picture("map.jpg"))
    check(page)

    # Choosing sends nothing and keeps what was typed; a fault too, with the file.
    page.fill("#number", "555")
    page.locator("#first_name").focus()
    expect(page.locator("#number-error")).to_contain_text("too few or too many digits")
    expect(page.locator("#composer-body")).to_have_value("Welcome! When can you come?")
    page.locator("#composer-body").focus()
    page.keyboard.press("Control+Enter")
    expect(page.locator("#number-error")).to_contain_text("too few or too many digits")
    expect(page.locator("#composer-body")).to_have_value("Welcome! When can you come?")
    check(page)
    page.fill("#number", f"({number[2:5]}) {number[5:8]}-{number[8:]}")
    page.locator("#composer-body").focus()
    page.keyboard.press("Control+Enter")
    expect(page.locator(".thread")).to_contain_text("Welcome! When can you come?")
    expect(page.locator("#composer-body")).to_be_focused()
    expect_shown(page.locator(".thread .media-picture img"), 1)
    check(page)
    text_from(phone, number, inbox, "Monday at nine")

    # Known now: four keys' worth, in the conversation that there is.
    begin(page, name.split()[0])
    expect(page.locator(".person", has_text=name)).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("#composer-body")).to_be_focused()
    page.keyboard.type("See you then")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".bubble-out").last).to_contain_text("See you then")
    expect(page.locator(".thread")).to_contain_text("Monday at nine")

    # Opted out, it is said before anything is written; opted in beside it, what was typed may go.
    text_from(phone, number, inbox, "STOP")
    page.goto(f"/messages/new?who={name.split()[0]}")
    expect(page.locator("#composer-why")).to_contain_text("opted out")


@pytest.mark.parametrize("mode", MODES)
def test_a_person_is_texted_from_their_record_on_a_phone(mode: str, open_page: OpenPage) -> None:
    domain = MODES[mode][0]
    page = open_page(f"admin@{domain}", "phone")
    page.goto("/contacts/?status=opted_in")
    check(page)
    page.locator("tbody tr a.cell-link").first.click()
    check(page)
    page.locator("main").get_by_role("link", name="New text", exact=True).click()
    expect(page.locator("#composer-body")).to_be_visible()
    page.goto("/messages/")
    page.get_by_role("link", name="New text").first.click()
    expect(page.locator("#new-who")).to_be_visible()
    page.fill("#new-who", "a")
    expect(page.locator("#new-found .person")).not_to_have_count(1)
    check(page)
    page.keyboard.press("ArrowDown")
    expect(page.locator("#new-found .person").first).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.locator("#new-who")).to_be_focused()
    # Which inbox, where they have a conversation already.
    href = page.locator("#new-found .person").first.get_attribute("href")
    page.goto(f"{href}&pick=1")
    page.locator("#composer-body").fill("Half a text")
    for option in page.locator("#new-from option").all()[:3]:
        value = option.get_attribute("value")
        page.locator("#new-from").select_option(value=value)
        page.wait_for_url(f"**from={value}")
        expect(page.locator("#composer-body")).to_have_value("Half a text")
        check(page)


def test_what_was_typed_goes_along_into_the_conversation(open_page: OpenPage) -> None:
    number, inbox = number_of("teams", 3), MODES["teams"][2]
    page, phone = open_page("agent@lakeside.example"), open_page("agent@lakeside.example")
    text_from(phone, number, inbox, "Hello?")
    page.goto(f"/messages/new?who={number[2:]}")
    expect(page.locator("#composer-body")).to_be_focused()
    page.locator(".card-links", has_text="Text from another inbox").locator("a").click()
    page.locator("#composer-body").fill("Half a text")
    page.get_by_role("button", name="Open it").click()
    expect(page.locator(".thread")).to_contain_text("Hello?")
    expect(page.locator("#composer-body")).to_have_value("Half a text")
    check(page)
    page.locator("#composer-body").focus()
    page.keyboard.press("Control+Enter")
    expect(page.locator(".bubble-out").last).to_contain_text("Half a text")


def test_writing_first_needs_no_scripts(open_page: OpenPage) -> None:
    number = number_of("teams", 4)
    page = open_page("agent@lakeside.example", scripts=False)
    page.set_viewport_size(SIZES["phone"])
    page.goto("/messages/")
    page.get_by_role("link", name="New text").first.click()
    page.fill("#new-who", number[2:])
    page.get_by_role("button", name="Find", exact=True).click()
    page.fill("#first_name", "Sol")
    page.fill("#composer-body", "Hello from us")
    page.get_by_role("button", name="Show this choice").click()
    expect(page.locator("#first_name")).to_have_value("Sol")
    expect(page.locator("#composer-body")).to_have_value("Hello from us")
    page.locator(".composer-attach summary").click()
    page.set_input_files("#composer-files", picture("map.jpg"))
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator(".thread")).to_contain_text("Hello from us")
