"""Being told: a mention under For me, notices turned on and off, and what the service worker shows."""

from __future__ import annotations

import json
import time

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.alerts.push_service import Phone
from tests.e2e.acting import MODES, ON_LEGACY, ON_TEAMS, OpenPage, check, text_from
from tests.e2e.conftest import SIZES

# The browser's maker's service, which no test reaches, says this of a new subscription.
_SUBSCRIBES = """
(() => {
  const given = GIVEN;
  const key = "told-subscription";
  const subscription = {
    endpoint: given.endpoint,
    toJSON: () => ({ endpoint: given.endpoint, keys: { p256dh: given.p256dh, auth: given.auth } }),
    unsubscribe: async () => { localStorage.removeItem(key); return true; },
  };
  PushManager.prototype.getSubscription = async () => localStorage.getItem(key) ? subscription : null;
  PushManager.prototype.subscribe = async (asked) => {
    if (!asked.userVisibleOnly || asked.applicationServerKey.length !== 65) throw new Error("asked wrongly");
    localStorage.setItem(key, "1");
    return subscription;
  };
})();
"""


def _push(page: Page, said: dict[str, str]) -> None:
    """What the browser does when its push service has a notice for the site."""
    session = page.context.new_cdp_session(page)
    found: list[str] = []

    def note(event: dict[str, list[dict[str, str]]]) -> None:
        found.extend(each["registrationId"] for each in event["registrations"])

    session.on("ServiceWorker.workerRegistrationUpdated", note)
    session.send("ServiceWorker.enable")
    for _ in range(100):
        if found:
            break
        page.wait_for_timeout(50)
    origin = page.evaluate("location.origin")
    sent = {"origin": origin, "registrationId": found[-1], "data": json.dumps(said)}
    session.send("ServiceWorker.deliverPushMessage", sent)
    session.detach()


def _shown(page: Page) -> list[str]:
    titles: list[str] = page.evaluate(
        "navigator.serviceWorker.ready.then((worker) => worker.getNotifications())"
        ".then((shown) => shown.map((each) => each.title))"
    )
    return titles


def _allow(page: Page, phone: Phone) -> BrowserContext:
    page.context.grant_permissions(["notifications"])
    page.context.add_init_script(_SUBSCRIBES.replace("GIVEN", json.dumps(phone.given)))
    return page.context


@pytest.mark.parametrize("mode", ON_LEGACY)
def test_who_is_mentioned_finds_it_under_for_me(mode: str, open_page: OpenPage) -> None:
    domain, _, inbox = MODES[mode]
    number = f"+1212558{int(time.time()) % 10_000:04}"
    text_from(open_page(), number, inbox, "Could somebody ring me?")
    admin, agent = open_page(f"admin@{domain}"), open_page(f"agent@{domain}", size="phone")
    admin.goto(f"/messages/?q={number.removeprefix('+1')}")
    admin.locator(".convo").first.click()
    agent.goto("/account/")
    name = agent.locator("#name").input_value()
    admin.get_by_text("Note", exact=True).click()
    admin.fill("#note-body", f"@{name} please ring her, she rang twice.")
    admin.get_by_role("button", name="Save note").click()
    expect(admin.locator("#thread")).to_contain_text("she rang twice")

    admin.goto("/settings/organisation/")
    expect(admin.locator("#notices")).to_contain_text("Let notices")

    agent.goto("/messages/")
    expect(agent.locator("#inbox-for-me")).to_contain_text("not seen")
    agent.locator("#inbox-for-me").click()
    item = agent.locator(".for-me-item").first
    expect(item).to_contain_text("please ring her")
    expect(item).to_contain_text("New")
    check(agent)
    item.get_by_role("link").focus()
    agent.keyboard.press("Enter")
    expect(agent.locator("#thread")).to_contain_text("Could somebody ring me?")
    agent.goto("/messages/for-me/")
    expect(agent.locator(".for-me-item").first).not_to_contain_text("New")


@pytest.mark.parametrize("mode", ON_TEAMS)
def test_notices_are_turned_on_by_a_click_shown_and_quiet_while_the_desk_is_in_sight(
    mode: str, open_showing_page: OpenPage
) -> None:
    phone = Phone(f"https://web.push.apple.com/{time.time_ns()}")
    page = open_showing_page(f"agent@{MODES[mode][0]}")
    _allow(page, phone)
    page.goto("/account/notifications")
    expect(page.locator("#notices-state")).to_have_text("Notices are off here.")
    check(page)
    page.get_by_role("button", name="Turn on").click()
    expect(page.locator("#notices-state")).to_have_text("Notices are on here.")
    expect(page.locator("[data-here]")).to_contain_text("This one")
    page.set_viewport_size(SIZES["phone"])
    check(page)

    notice = {"title": "New text in Admissions desk", "body": "", "tag": "inbox-1", "path": "/messages/"}
    _push(page, notice)
    _until(page, ["New text in Admissions desk"])
    _push(page, notice | {"title": "12 new texts in Admissions desk"})
    _until(page, ["12 new texts in Admissions desk"])
    page.goto("/messages/")
    _push(page, notice | {"title": "13 new texts in Admissions desk", "tag": "inbox-2"})
    _push(page, notice | {"title": "Notices work here", "tag": "test"})
    _until(page, ["12 new texts in Admissions desk", "Notices work here"])

    page.goto("/account/notifications")
    page.get_by_role("button", name="Turn off here").click()
    expect(page.locator("#notices-state")).to_have_text("Notices are off here.")
    expect(page.locator("[data-here]")).to_have_count(0)
    page.get_by_label("A text has waited 15 minutes").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("A text has waited 15 minutes")).to_be_checked()


def _until(page: Page, titles: list[str]) -> None:
    for _ in range(100):
        if sorted(_shown(page)) == sorted(titles):
            return
        page.wait_for_timeout(50)
    assert sorted(_shown(page)) == sorted(titles)
