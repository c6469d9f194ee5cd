"""What a person does in a browser, in either mode, and what every page must be."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.e2e.conftest import AXE

OpenPage = Callable[..., Page]

MODES = {
    "teams": ("lakeside.example", ("Reports", "Exports", "Opt out history"), "Admissions desk"),
    "legacy": ("harbor.example", ("Reports", "Export Opt-out Changes"), "Enrollment desk"),
}


def text_from(page: Page, number: str, inbox: str, words: str) -> None:
    """A text from the phone simulator."""
    page.goto("/dev/phone/")
    label = page.locator("#switch-inbox option", has_text=inbox).first.get_attribute("value")
    page.goto(f"/dev/phone/?from_number={number.replace('+', '%2B')}&inbox={str(label).replace('+', '%2B')}")
    page.fill("[name=body]", words)
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#phone-texts")).to_contain_text(words)


def open_export(page: Page, clicks: tuple[str, ...]) -> None:
    for click in clicks:
        page.locator("main, header nav").get_by_role("link", name=re.compile(f"^{click}")).last.click()
    expect(page.get_by_role("button", name="Request Export")).to_be_visible()


def check(page: Page) -> None:
    """That axe finds no fault in the page and that it is no wider than the window."""
    page.evaluate(AXE.read_text())
    # Without the details of what passed, which take two thirds of the time.
    found = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
    told = [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found]
    assert told == [], f"{page.url}: {json.dumps(told, indent=1)}"
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), page.url
