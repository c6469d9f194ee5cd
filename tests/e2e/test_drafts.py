"""What is typed and not sent: through keys, a reload, signing out, a session that is over and two windows."""

from __future__ import annotations

import re
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.acting import MODES, ON_LEGACY, ON_TEAMS, OpenPage, check, hold_first, text_from
from tests.e2e.conftest import PASSWORD, SIZES, sign_in
from tests.e2e.test_desk import open_conversation, press

BOX = "#composer-body"
_KEPT = "JSON.stringify(Object.entries(sessionStorage).filter(([name]) => name.startsWith('cadence-draft')))"


def kept(page: Page, *, some: bool) -> str:
    """What this tab keeps of drafts, once it keeps some or (as the server has them) none."""
    for _ in range(200):
        found: str = page.evaluate(_KEPT)
        if (found != "[]") == some:
            return found
        page.wait_for_timeout(50)
    raise AssertionError(found)


def end_session(page: Page) -> None:
    """On the server, while the page stays open and asks nothing by itself. To lose its cookie would not do:
    the answer to a question that is on its way brings it back."""
    page.route("**/fresh**", lambda route: route.abort())
    token = page.locator("meta[name=csrf-token]").get_attribute("content") or ""
    answer = page.context.request.post(urljoin(page.url, "/logout"), headers={"X-CSRFToken": token})
    assert answer.ok, answer.status


def saved(page: Page) -> None:
    """Until the server has what was typed here."""
    kept(page, some=False)


@pytest.mark.parametrize("mode", ON_TEAMS)
def test_nothing_typed_is_lost(mode: str, open_page: OpenPage) -> None:
    domain, _, inbox = MODES[mode]
    # With a session of its own, for it ends.
    page, phone = open_page(), open_page(f"agent@{domain}")
    sign_in(page, f"agent@{domain}", PASSWORD)
    page.wait_for_url("**/messages/**")
    text_from(phone, "+12125550181", inbox, "May I bring my brother?")
    open_conversation(page, "May I bring my brother?")
    here = page.url
    page.fill(BOX, "Of course, bring")
    press(page, "n")
    page.keyboard.type("He is a student, too")

    # On to the next conversation and back, by the keys.
    press(page, "j")
    page.wait_for_url(lambda url: url != here)
    row = page.locator(".convo", has_text="Draft: Of course, bring")
    expect(row).to_be_visible(timeout=40_000)
    check(page)
    press(page, "k")
    page.wait_for_url(lambda url: url == here)
    expect(page.locator(BOX)).to_have_value("Of course, bring")
    expect(page.locator("#note-body")).to_have_value("He is a student, too")

    # A page that is left before typing stops.
    page.locator(BOX).press("End")
    page.locator(BOX).press_sequentially(" him")
    page.reload()
    expect(page.locator(BOX)).to_have_value("Of course, bring him")
    page.locator(BOX).press("End")
    page.locator(BOX).press_sequentially(" to room 4")
    page.locator(".topbar .user-btn").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(re.compile("/login"))
    assert page.evaluate(_KEPT) == "[]"
    sign_in(page, f"agent@{domain}", PASSWORD)
    page.goto(here)
    expect(page.locator(BOX)).to_have_value("Of course, bring him to room 4")

    # Another window has it, goes on, and the first follows when one comes back to it.
    other = open_page(f"agent@{domain}")
    other.set_viewport_size(SIZES["phone"])
    other.goto(here)
    other.fill(BOX, "Yes, do")
    saved(other)
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(page.locator(BOX)).to_have_value("Yes, do")
    # Both at once: the later words are the draft, and the others are told of.
    other.fill(BOX, "Yes, do bring him")
    saved(other)
    page.fill(BOX, "No, sorry")
    told = page.locator(".draft-told")
    expect(told).to_contain_text("Yes, do bring him")
    check(page)
    told.get_by_role("button", name="Use these words").click()
    expect(page.locator(BOX)).to_have_value("Yes, do bring him")
    expect(told).to_contain_text("No, sorry")
    told.get_by_role("button", name="Discard").click()
    expect(told).to_have_count(0)

    # Sending ends it, here and in the other window; what is typed meanwhile does not go with it.
    page.locator(BOX).press("Control+Enter")
    expect(page.locator(".bubble-out").last).to_contain_text("Yes, do bring him")
    expect(page.locator(BOX)).to_have_value("")
    other.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(other.locator(BOX)).to_have_value("")
    page.reload()
    expect(page.locator(BOX)).to_have_value("")
    expect(page.locator("#note-body")).to_have_value("He is a student, too")
    press(page, "n")
    page.locator("#note-body").press("Control+Enter")
    expect(page.locator(".bubble-note")).to_contain_text("He is a student, too")
    page.goto("/messages/?inbox=&only=all")
    expect(page.locator(".convo", has_text="bring him")).not_to_contain_text("Draft")


@pytest.mark.parametrize("mode", ON_TEAMS)
def test_words_of_another_window_that_this_one_has_not_shown_are_kept_beside_its_own(
    mode: str, open_page: OpenPage
) -> None:
    domain, _, inbox = MODES[mode]
    page, other = open_page(f"agent@{domain}"), open_page(f"agent@{domain}")
    text_from(other, "+12125550183", inbox, "When is it?")
    open_conversation(page, "When is it?")
    other.goto(page.url)
    # This window's save is on its way while the other one's words are saved, and while one types on here.
    first = hold_first(page, "**/messages/drafts/text/**")
    page.locator(BOX).press_sequentially("At nine")
    held = first()
    other.fill(BOX, "At ten")
    saved(other)
    page.locator(BOX).press_sequentially(" sharp")
    held.continue_()
    saved(page)
    expect(page.locator(BOX)).to_have_value("At nine sharp")
    expect(page.locator(".draft-told")).to_contain_text("At ten")


@pytest.mark.parametrize("mode", ON_LEGACY)
def test_a_session_that_is_over_and_a_server_that_is_away_lose_nothing(
    mode: str, open_page: OpenPage
) -> None:
    domain, _, inbox = MODES[mode]
    # With a session of its own, for it ends.
    page, phone = open_page(), open_page(f"admin@{domain}")
    sign_in(page, f"agent@{domain}", PASSWORD)
    page.wait_for_url("**/messages/**")
    text_from(phone, "+12125550182", inbox, "Is there a bus?")
    open_conversation(page, "Is there a bus?")
    here = page.url

    page.route("**/messages/drafts/**", lambda route: route.abort())
    page.fill(BOX, "There is one at nine")
    expect(page.locator(".draft-told")).to_contain_text("Not saved yet")
    page.unroute("**/messages/drafts/**")
    expect(page.locator(".draft-told")).to_have_count(0, timeout=30_000)
    saved(page)

    # The session ends elsewhere: what is typed waits in this tab, unreadable, for its author.
    end_session(page)
    page.fill(BOX, "There is one at nine and one at ten")
    assert "nine" not in kept(page, some=True)
    page.goto("/login")
    page.unroute("**/fresh**")
    sign_in(page, f"agent@{domain}", PASSWORD)
    page.goto(here)
    expect(page.locator(BOX)).to_have_value("There is one at nine and one at ten")
    saved(page)

    # Somebody else at the same computer finds none of it.
    end_session(page)
    page.fill(BOX, "There is none")
    kept(page, some=True)
    page.goto("/login")
    page.unroute("**/fresh**")
    sign_in(page, f"admin@{domain}", PASSWORD)
    page.goto(here)
    expect(page.locator(BOX)).to_have_value("")
    saved(page)
