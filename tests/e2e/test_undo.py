"""Undo after Send and of an opt out, as people at the desk do them: by keys, on a phone, without scripts."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.acting import MODES, ON_TEAMS, OpenPage, check, text_from
from tests.e2e.conftest import SIZES

NUMBERS = {"teams": "+12125550184", "legacy": "+12125550185"}


def write(page: Page, words: str) -> None:
    page.locator("#composer-body").fill(words)
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-undo]")).to_be_visible()


@pytest.mark.parametrize("mode", ON_TEAMS)
def test_what_was_just_done_is_taken_back(mode: str, open_page: OpenPage) -> None:
    domain, _, inbox = MODES[mode]
    page = open_page(f"admin@{domain}")
    text_from(page, NUMBERS[mode], inbox, "When do you close?")
    page.goto("/messages/?inbox=")
    page.locator(".convo", has_text="When do you close?").first.click()
    box, thread = page.locator("#composer-body"), page.locator("#thread-items")

    # Taken back by its key, and by the button with other words in the box by now.
    write(page, "At fvie.")
    expect(page.locator("[data-held]")).to_contain_text("Sending in")
    check(page)
    page.keyboard.press("Control+z")
    expect(box).to_have_value("At fvie.")
    expect(box).to_be_focused()
    write(page, "At five.")
    box.fill("Come by!")
    page.set_viewport_size(SIZES["phone"])
    check(page)
    page.locator("[data-undo]").click()
    expect(box).to_have_value("At five.\n\nCome by!")
    expect(thread).not_to_contain_text("At five.")
    check(page)
    page.set_viewport_size(SIZES["desktop"])

    # Sent now by the keys once more; by itself at its time.
    write(page, "At five.")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".bubble", has_text="At five.")).to_contain_text("Delivered")
    write(page, "See you then.")
    expect(page.locator(".bubble", has_text="See you then.")).to_contain_text("Delivered", timeout=30_000)
    expect(page.locator("[data-undo]")).to_have_count(0)

    # An opt out counts at once, and both changes stay in the history.
    page.locator(".consent-toggle").get_by_role("button", name="Opt out").click()
    expect(page.locator("#head-status")).to_contain_text("Opted out")
    check(page)
    page.locator(".consent-undo button").click()
    expect(page.locator("#head-status")).to_contain_text("Opted in")
    expect(page.locator(".ledger")).to_contain_text("undone")


@pytest.mark.parametrize("mode", ON_TEAMS)
def test_undo_without_scripts(mode: str, open_page: OpenPage) -> None:
    domain, _, inbox = MODES[mode]
    phone = open_page(f"admin@{domain}")
    text_from(phone, NUMBERS[mode], inbox, "Do you have a form?")
    phone.goto("/messages/?inbox=")
    phone.locator(".convo", has_text="Do you have a form?").first.click()
    page = open_page(f"admin@{domain}", scripts=False)
    page.goto(phone.url)
    page.locator("#composer-body").fill("It is on our site.")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("#thread-items")).to_contain_text("Sending at")
    page.locator("#composer-body").fill("Ask for it here.")
    page.locator("[data-undo]").click()
    expect(page.locator("#composer-body")).to_have_value("It is on our site.\n\nAsk for it here.")
    expect(page.locator("#undo-told")).to_contain_text("Nothing was sent")
