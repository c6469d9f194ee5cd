"""What a person does in a browser, in either mode, and what every page must be."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from playwright.sync_api import FilePayload, Page, Route, expect

from tests import sizes
from tests.e2e.conftest import AXE, SIZES

OpenPage = Callable[..., Page]

MODES = {
    "teams": ("lakeside.example", ("Reports", "Exports", "Opt out history"), "Admissions desk"),
    "legacy": ("harbor.example", ("Reports", "Export Opt-out Changes"), "Enrollment desk"),
}

# For a walk that is the same on both sets of screens: one in the usual run, the other in the long run.
ON_TEAMS, ON_LEGACY = sizes.few_of(MODES, [0]), sizes.few_of(MODES, [1])

# What sticks out of the window, if anything can be scrolled to.
_TOO_WIDE = """() => document.documentElement.scrollWidth <= window.innerWidth ? [] :
    [...document.querySelectorAll("body *")]
        .filter((each) => each.getBoundingClientRect().right > window.innerWidth)
        .map((each) => each.outerHTML.slice(0, 120))"""


def text_from(page: Page, number: str, inbox: str, words: str, picture: FilePayload | None = None) -> None:
    """A text from the phone simulator, with a picture or without."""
    page.goto("/dev/phone/")
    label = page.locator("#switch-inbox option", has_text=inbox).first.get_attribute("value")
    page.goto(f"/dev/phone/?from_number={number.replace('+', '%2B')}&inbox={str(label).replace('+', '%2B')}")
    page.fill("[name=body]", words)
    if picture:
        page.set_input_files("[name=picture]", picture)
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#phone-texts")).to_contain_text(words)


def open_export(page: Page, clicks: tuple[str, ...]) -> None:
    for click in clicks:
        page.locator("main, header nav").get_by_role("link", name=re.compile(f"^{click}")).last.click()
    expect(page.get_by_role("button", name="Request Export")).to_be_visible()


# Without the details of what passed, which take two thirds of the time. No rule that is on reads the style
# sheets, which axe would fetch all the same.
_RUN = "axe.run({resultTypes: ['violations'], preload: {assets: ['media']}})"


def check(page: Page) -> None:
    """That axe finds no fault in the page, and that it is no wider than the window, on a desk and a phone."""
    page.wait_for_load_state()
    if not page.evaluate("() => Boolean(window.axe)"):
        page.evaluate(AXE.read_text())
    found = page.evaluate(_RUN)["violations"]
    told = [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found]
    assert told == [], f"{page.url}: {json.dumps(told, indent=1)}"
    check_widths(page)


def check_widths(page: Page) -> None:
    window = page.viewport_size
    assert window
    for size in SIZES.values():
        page.set_viewport_size(size)
        # A chart follows the window a frame later.
        for _ in range(20):
            if not (wide := page.evaluate(_TOO_WIDE)):
                break
            page.wait_for_timeout(100)
        assert wide == [], f"{page.url} at {size['width']}"
    page.set_viewport_size(window)


def hold_first(page: Page, addresses: str) -> Callable[[], Route]:
    """The first request to one of these addresses waits, and the others go on; what is given waits until it
    is there."""
    held: list[Route] = []

    def handle(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    def first() -> Route:
        while not held:
            page.wait_for_timeout(20)
        return held[0]

    page.route(addresses, handle)
    return first
