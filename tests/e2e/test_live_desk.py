"""An open page follows what comes: all of the desk together, and what waits on every other page."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.acting import MODES, ON_LEGACY, ON_TEAMS, OpenPage, check, hold_first, text_from

NUMBERS = {"teams": "+12125550178", "legacy": "+12125550179"}
# Longer than it takes, and shorter than any slower clock would.
SOON = 10_000


@pytest.mark.parametrize("mode", ON_TEAMS)
def test_a_stop_reaches_the_whole_desk_at_once(mode: str, open_page: OpenPage) -> None:
    domain, _, inbox = MODES[mode]
    page, phone = open_page(f"admin@{domain}"), open_page(f"admin@{domain}")
    text_from(phone, NUMBERS[mode], inbox, "Is this the right number?")
    page.goto("/messages/?inbox=")
    page.locator(".convo", has_text="Is this the right number?").first.click()
    expect(page.locator("#thread-items")).to_contain_text("Is this the right number?")
    page.fill("#composer-body", "half a text")
    page.locator("#composer-body").focus()
    # What each part says at the moment that the first of them says something new.
    page.evaluate(
        """() => new MutationObserver((_, observer) => {
            if (!document.querySelector("#thread-items").textContent.includes("STOP")) return;
            observer.disconnect();
            window.queueMicrotask(() => window.setTimeout(() => {
                window.together = ["#head-status", ".convo[aria-current]", "#card-consent", "#composer"]
                    .map((each) => document.querySelector(each).textContent.replace(/\\s+/g, " "));
            }, 0));
        }).observe(document.body, {childList: true, subtree: true})"""
    )
    text_from(phone, NUMBERS[mode], inbox, "STOP")
    expect(page.locator("#composer-why")).to_be_visible(timeout=SOON)
    head, row, card, composer = page.evaluate("window.together")
    assert "Opted out" in head
    assert "opted out" in row
    assert "Opted out" in card
    assert "opted out" in composer.lower()
    expect(page.locator("#composer-body")).to_have_value("half a text")
    check(page)


@pytest.mark.parametrize("mode", ON_LEGACY)
def test_an_answer_from_before_an_opt_out_takes_nothing_of_what_is_written_after_it(
    mode: str, open_page: OpenPage
) -> None:
    domain, _, inbox = MODES[mode]
    page, phone = open_page(f"admin@{domain}"), open_page(f"admin@{domain}")
    text_from(phone, "+12125550177", inbox, "Where do I park?")
    first = hold_first(page, "**/fresh?version=&**")
    page.goto("/messages/?inbox=&only=all")
    page.locator(".convo", has_text="Where do I park?").first.click()
    expect(page.locator("#thread-items")).to_contain_text("Where do I park?")
    held = first()
    before = held.fetch()
    page.get_by_role("button", name="Opt out", exact=True).click()
    expect(page.locator(".consent-card")).to_contain_text("Opted out")
    page.get_by_role("radio", name="In person or by phone").check()
    page.fill("[name=reason]", "At the front desk")
    # The next question is of what the page shows, and its answer leaves the card alone.
    with page.expect_response(lambda answer: "/fresh?" in answer.url and "version=&" not in answer.url):
        held.fulfill(response=before)
    expect(page.locator("#head-status")).to_contain_text("Opted out")
    expect(page.locator("[name=reason]")).to_have_value("At the front desk")
    expect(page.get_by_role("radio", name="In person or by phone")).to_be_checked()


@pytest.mark.parametrize("mode", ON_LEGACY)
def test_the_number_that_waits_is_live_on_every_page(mode: str, open_page: OpenPage) -> None:
    domain, _, inbox = MODES[mode]
    page, phone = open_page(f"admin@{domain}"), open_page(f"admin@{domain}")
    page.goto("/messages/?inbox=")
    before = _waiting(page.title())
    text_from(phone, NUMBERS[mode], inbox, "Anybody there?")
    expect(page).to_have_title(re.compile(rf"^\({before + 1}\) "), timeout=SOON)
    expect(page.locator(".topnav [data-waiting]")).to_contain_text(str(before + 1))
    expect(page.locator("#favicon")).to_have_attribute("href", re.compile("favicon-waiting"))
    check(page)
    # Another page learns of it by its own clock, and shows it to a phone too.
    other = open_page(f"admin@{domain}", size="phone")
    other.goto("/contacts/")
    expect(other).to_have_title(re.compile(rf"^\({before + 1}\) "))
    expect(other.locator("#menu-waiting")).to_be_visible()
    check(other)
    page.locator(".convo", has_text="Anybody there?").first.click()
    expect(page.locator("#thread-items")).to_contain_text("Anybody there?")
    expect(page.locator("#waiting")).to_have_attribute("data-texts", str(before or ""), timeout=SOON)
    expect(other.locator("#waiting")).to_have_attribute("data-texts", str(before or ""), timeout=40_000)
    assert _waiting(other.title()) == before
    assert other.locator("#menu-waiting").is_visible() == (before > 0)


def _waiting(title: str) -> int:
    """How many a title says, of fewer than a hundred."""
    found = re.match(r"\((\d+)\) ", title)
    return int(found[1]) if found else 0
