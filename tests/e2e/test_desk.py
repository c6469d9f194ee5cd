"""The desk as colleagues share it, in both modes: notes, assignment, news by themselves, keys, the queue."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.acting import MODES, ON_TEAMS, OpenPage, check, text_from
from tests.e2e.conftest import SIZES

NUMBERS = {"teams": "+12125550171", "legacy": "+12125550172"}


def open_conversation(page: Page, words: str) -> None:
    page.goto("/messages/?inbox=")
    page.locator(".convo", has_text=words).first.click()
    expect(page.locator("#thread-items")).to_contain_text(words)


def press(page: Page, key: str) -> None:
    """A key while nobody types."""
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press(key)


@pytest.mark.parametrize("mode", ON_TEAMS)
def test_colleagues_share_a_conversation(mode: str, open_page: OpenPage) -> None:
    domain, _, inbox = MODES[mode]
    number, word = NUMBERS[mode], {"teams": "teams", "legacy": "departments"}[mode]
    page, phone = open_page(f"admin@{domain}"), open_page(f"admin@{domain}")
    text_from(phone, number, inbox, "Is the desk open today?")
    open_conversation(page, "Is the desk open today?")

    # A note, by its key; what is typed in the text stays.
    press(page, "r")
    page.keyboard.type("half a text")
    press(page, "n")
    expect(page.locator("#note-body")).to_be_focused()
    expect(page.locator("#composer-body")).to_be_hidden()
    page.keyboard.type("Ask the registrar, jkrn?")
    check(page)
    page.keyboard.press("Control+Enter")
    expect(page.locator(".bubble-note")).to_contain_text("Ask the registrar, jkrn?")
    expect(page.locator("#note-body")).to_have_value("")
    press(page, "r")
    expect(page.locator("#composer-body")).to_have_value("half a text")

    # Deleting another one leaves what is typed, and the keyboard in the thread.
    press(page, "n")
    page.keyboard.type("Never mind")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".bubble-note")).to_have_count(2)
    press(page, "r")
    page.locator(".note-delete summary").last.click()
    page.get_by_role("button", name="Delete for good").last.click()
    expect(page.locator(".bubble-note")).to_have_count(1)
    expect(page.locator("#thread-items")).to_be_focused()
    expect(page.locator("#composer-body")).to_have_value("half a text")

    # Assignment, in the head.
    page.locator("#assignment summary").click()
    page.get_by_role("button", name="Me", exact=True).click()
    expect(page.locator("#thread-items")).to_contain_text("took this")
    expect(page.locator("#assignment summary")).to_contain_text("Assigned to")
    expect(page.locator(".convo[aria-current] .convo-assignee")).to_contain_text("Assigned to you")

    # A new text comes by itself, is announced, and leaves what is typed alone.
    text_from(phone, number, inbox, "Hello again")
    expect(page.locator("#thread-items")).to_contain_text("Hello again", timeout=30_000)
    expect(page.locator("#consent-said")).to_contain_text("1 new text")
    expect(page.locator("#composer-body")).to_have_value("half a text")
    expect(page.locator(".convo[aria-current]")).to_contain_text("Hello again", timeout=40_000)
    check(page)
    page.set_viewport_size(SIZES["phone"])
    check(page)
    page.set_viewport_size(SIZES["desktop"])

    # Keys.
    press(page, "?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    check(page)
    page.keyboard.press("Escape")
    press(page, "/")
    expect(page.locator("#convo-search")).to_be_focused()
    here = page.url
    press(page, "j")
    page.wait_for_url(lambda url: url != here)
    press(page, "k")
    expect(page.locator("#thread-items")).to_contain_text("Hello again")
    press(page, "u")
    page.wait_for_url("**/messages/?*")
    expect(page.locator(".convo.is-unread", has_text="Draft: half a text")).to_be_visible()

    # The queue.
    text_from(phone, number, inbox, "please stop texting me")
    page.goto("/messages/?inbox=")
    page.get_by_role("link", name=re.compile("^Decide possible opt outs")).click()
    expect(page.locator(".queue-total")).to_contain_text(f"to decide, in all {word}")
    row = page.locator(".queue-item", has_text="please stop texting me").last
    row.locator("summary", has_text="Not an opt out").click()
    check(page)
    page.set_viewport_size(SIZES["phone"])
    check(page)
    row.get_by_role("button", name=re.compile("^Yes, not an opt out")).click()
    expect(page.locator(".queue-done")).to_contain_text("decided: no opt out")
    expect(page.locator(".queue-done")).to_be_focused()
    check(page)


def top_of_first(page: Page) -> float:
    """How far down the window the first text stands, in pixels."""
    box = page.locator(".bubble").first.bounding_box()
    assert box
    return box["y"]


def test_who_reads_earlier_texts_keeps_their_place_and_learns_of_an_outage(open_page: OpenPage) -> None:
    number, inbox = "+12125550173", MODES["teams"][2]
    page, phone = open_page("admin@lakeside.example"), open_page("admin@lakeside.example")
    for index in range(5):
        text_from(phone, number, inbox, f"Line {index}")
    page.set_viewport_size({"width": 1360, "height": 480})
    open_conversation(page, "Line 4")
    page.evaluate("document.getElementById('thread').scrollTop = -10000")
    before = top_of_first(page)
    text_from(phone, number, inbox, "A late one")
    button = page.locator("#new-texts button")
    expect(button).to_have_text("1 new text", timeout=30_000)
    assert abs(top_of_first(page) - before) < 2
    button.click()
    expect(button).to_be_hidden()
    expect(page.locator(".bubble", has_text="A late one")).to_be_in_viewport()

    page.context.set_offline(True)
    expect(page.locator("#out-of-touch")).to_contain_text("still trying", timeout=60_000)
    page.context.set_offline(False)
    expect(page.locator("#out-of-touch")).to_be_empty(timeout=90_000)


def test_notes_and_assignment_need_no_scripts(open_page: OpenPage) -> None:
    page = open_page("admin@lakeside.example", scripts=False)
    page.goto("/messages/?inbox=&only=unassigned")
    page.locator(".convo").first.click()
    page.get_by_text("Note", exact=True).click()
    page.fill("#note-body", "Written without a script")
    page.get_by_role("button", name="Save note").click()
    expect(page.locator(".bubble-note").last).to_contain_text("Written without a script")
    page.locator("#assignment summary").click()
    page.get_by_role("button", name="Me", exact=True).click()
    expect(page.locator("#thread-items")).to_contain_text("took this")
    page.locator(".note-delete summary").last.click()
    page.get_by_role("button", name="Delete for good").last.click()
    expect(page.locator("#thread-items")).not_to_contain_text("Written without a script")
