"""Ten conversations done by ten keys, many at once with Undo, and the same on a phone and without scripts."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.acting import MODES, ON_LEGACY, ON_TEAMS, OpenPage, check, text_from
from tests.e2e.conftest import SIZES

_TEN = 10


def questions(page: Page, mode: str, first: int, count: int) -> list[str]:
    """So many people ask something, each from a phone of their own."""
    asked = [f"Question {first + at}?" for at in range(count)]
    for at, words in enumerate(asked):
        text_from(page, f"+1212555{first + at:04d}", MODES[mode][2], words)
    return asked


@pytest.mark.parametrize("mode", ON_TEAMS)
def test_ten_conversations_are_done_by_ten_keys(mode: str, open_page: OpenPage) -> None:
    page = open_page(f"admin@{MODES[mode][0]}")
    asked = questions(page, mode, 6100, _TEN)
    page.goto("/messages/?inbox=&only=waiting")
    check(page)
    page.locator(".convo", has_text=asked[-1]).click()
    expect(page.locator("#done-button")).to_be_visible()
    check(page)
    for words in reversed(asked):
        expect(page.locator("#thread-items")).to_contain_text(words)
        page.keyboard.press("e")
        expect(page.locator(".undo-notice")).to_contain_text("Done")
        expect(page.locator(".convo", has_text=words)).to_have_count(0)
        if words == asked[-1]:
            expect(page.locator(".undo-notice")).to_contain_text("by the key e")
            check(page)
    page.locator(".undo-notice").get_by_role("button", name="Undo").click()
    expect(page.locator(".convo[aria-current]")).to_contain_text(asked[0])

    # A snooze, by the keyboard alone.
    page.locator(".done-actions summary").focus()
    page.keyboard.press("Enter")
    check(page)
    page.get_by_role("button", name=re.compile("^Tomorrow|^Monday")).first.press("Enter")
    expect(page.locator(".undo-notice")).to_contain_text("Snoozed until")
    page.goto("/messages/?inbox=&only=snoozed")
    expect(page.locator(".convo", has_text=asked[0])).to_be_visible()


@pytest.mark.parametrize("mode", ON_LEGACY)
def test_many_are_done_at_once_and_put_back(mode: str, open_page: OpenPage) -> None:
    page = open_page(f"admin@{MODES[mode][0]}")
    asked = questions(page, mode, 6200, 3)
    page.goto("/messages/?inbox=&only=waiting")
    page.set_viewport_size(SIZES["phone"])
    page.get_by_text("Select", exact=True).click()
    for words in asked:
        page.locator(".convo-row", has_text=words).locator(".convo-pick input").check()
    expect(page.locator("#selected-count")).to_have_text("3 selected")
    check(page)
    page.locator("#bulk").get_by_role("button", name="Done").click()
    expect(page.locator(".undo-notice")).to_contain_text("3 done.")
    for words in asked:
        expect(page.locator(".convo", has_text=words)).to_have_count(0)
    check(page)
    page.get_by_role("button", name="Undo").click()
    for words in asked:
        expect(page.locator(".convo", has_text=words)).to_be_visible()


def test_done_needs_no_scripts(open_page: OpenPage) -> None:
    asked = questions(open_page("admin@lakeside.example"), "teams", 6300, 2)
    page = open_page("admin@lakeside.example", scripts=False)
    page.goto("/messages/?inbox=&only=waiting")
    page.get_by_text("Select", exact=True).click()
    page.locator(".convo-row", has_text=asked[0]).locator(".convo-pick input").check()
    page.locator("#bulk").get_by_role("button", name="Done").click()
    expect(page.locator(".undo-notice")).to_contain_text("Done.")
    page.locator(".convo", has_text=asked[1]).click()
    page.locator("#done-button").click()
    expect(page.locator(".undo-notice")).to_contain_text("Done.")
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.locator(".convo[aria-current]")).to_contain_text(asked[1])
