"""A carrier's account in a browser: AWS posts a text, a reply goes out through it, and the page says what AWS
leaves to whoever sends."""

from __future__ import annotations

import re

import httpx
from playwright.sync_api import expect

from tests.e2e.acting import OpenPage, check
from tests.e2e.conftest import Site
from tests.messaging.carriers import sns
from tests.messaging.carriers.api import SECRET, Api
from tests.world import new_number

FIELDS = {
    "Region": sns.REGION,
    "Access key ID": sns.ACCESS_KEY_ID,
    "Secret access key": SECRET,
    "Opt-out list name": "Default",
    "Configuration set name": "cadence",
    "Topic ARN": sns.TOPIC,
}


def test_an_admin_adds_aws_and_its_texts_come_in_and_go_out(
    site: Site, open_page: OpenPage, carriers: tuple[Api, str]
) -> None:
    api, page = carriers[0], open_page("admin@lakeside.example")
    page.goto("/settings/carriers/")
    page.get_by_role("link", name="AWS End User Messaging").click()
    page.get_by_label("Region").fill("moon")
    page.get_by_role("button", name="Save account").click()
    expect(page.locator("#value_region-error")).to_contain_text("This is no Region")
    check(page)
    for label, value in FIELDS.items():
        page.get_by_label(label).fill(value)
    # An inbox that no other walk uses.
    inbox = page.get_by_label(re.compile("Student Success desk"))
    inbox.check()
    number = re.sub(r"\D", "", inbox.locator("xpath=..").inner_text())[-10:]
    api.self_managed = [f"+1{number}"]
    page.get_by_role("button", name="Save account").click()
    webhook = page.get_by_label(re.compile("Where AWS End User Messaging sends texts")).input_value()
    for _ in range(60):
        if page.locator(".notice-title").count():
            break
        page.wait_for_timeout(500)
        page.reload()
    expect(page.locator(".notice-title")).to_have_text("Self-managed opt outs")
    check(page)

    text = {
        "originationNumber": (theirs := new_number()),
        "destinationNumber": f"+1{number}",
        "messageKeyword": "KEYWORD_123456789012",
        "messageBody": "Is the office open?",
        "inboundMessageId": "m-1",
    }
    answer = httpx.post(site.url + httpx.URL(webhook).path, content=sns.notification(text))
    assert answer.status_code == 200
    page.goto("/messages/")
    page.get_by_text("Is the office open?").first.click()
    page.locator("[name=body]").fill("Until five.")
    page.get_by_role("button", name="Send", exact=True).click()
    # Out of its office hours the demo's inbox answers by itself too.
    ours = (f"+1{number}", theirs, "Until five.")
    for _ in range(120):
        if ours in [each[:3] for each in api.taken]:
            break
        page.wait_for_timeout(250)
    assert [each[:3] for each in api.taken].count(ours) == 1

    text |= {"originationNumber": "60755", "messageBody": "STOP", "inboundMessageId": "m-2"}
    answer = httpx.post(site.url + httpx.URL(webhook).path, content=sns.notification(text))
    assert answer.status_code == 200
    page.goto("/messages/")
    page.get_by_role("link", name=re.compile("Texts that could not be read")).click()
    expect(page.get_by_role("heading", name="These may be opt outs (1)")).to_be_visible()
    check(page)
    page.get_by_role("link", name=re.compile("Decide")).click()
    check(page)
    page.get_by_label("What you did about it").fill("A robot of the bank's")
    page.get_by_role("button", name="Mark as handled").click()
    expect(page.get_by_role("heading", name="These may be opt outs (0)")).to_be_visible()
    check(page)
    page.goto("/help/carriers")
    check(page)
