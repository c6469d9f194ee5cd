"""Every page that a link leads to, in both modes: accessible, within the window, whole without scripts."""

from __future__ import annotations

import re
import zlib
from typing import Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from tests import sizes
from tests.e2e.acting import MODES, OpenPage, check, check_widths

LOOKS: dict[str, tuple[str, Literal["light", "dark"]]] = {
    "teams": ("desktop", "light"),
    "legacy": ("phone", "dark"),
}
# What no link of an admin's own screens leads to.
_ELSEWHERE = {
    "teams": ["/reports/opt-out-changes/export", "/nowhere"],
    "legacy": ["/reports/exports/opt-out-history", "/nowhere"],
}
_NO_PAGE = re.compile(r"^/(static|dev|media)/|/download\b|\.(csv|pdf|json)$|^/messages/media/")
_LINKS = "links => links.map(link => link.getAttribute('href'))"
# What would do nothing where there are no scripts: a form without a button or without its token, and what is
# posted by something in no form.
_NEEDS_SCRIPTS = """() => [...document.querySelectorAll("form")]
    .filter((form) => !form.querySelector("button:not([type=button]), input[type=submit]")
        && !document.querySelector(`button[form="${form.id}"]`)
        || form.method === "post" && !form.querySelector("[name=csrf_token]"))
    .concat([...document.querySelectorAll("[hx-post]")].filter((each) => !each.closest("form")))
    .map((each) => each.outerHTML.slice(0, 160))"""


def _sort(path: str) -> str:
    """Pages that differ only in whose they are have one sort."""
    return re.sub(r"/\d+", "/N", re.sub(r"^/help/.+", "/help/PAGE", urlsplit(path).path))


def _visit_all(page: Page, part: int = 1) -> set[str]:
    """Follows every link; axe looks at each page, or at one in so many."""
    seen, waiting = set(), ["/", "/help/"]
    while waiting:
        path = waiting.pop()
        if _sort(path) in seen:
            continue
        seen.add(_sort(path))
        answer = page.goto(path)
        assert answer
        assert answer.ok, f"{path}: {answer.status}"
        if zlib.crc32(_sort(path).encode()) % part:
            check_widths(page)
        else:
            check(page)
        lame = page.evaluate(_NEEDS_SCRIPTS)
        assert lame == [], f"{path}: {lame}"
        links = [link for link in page.locator("a[href]").evaluate_all(_LINKS) if link.startswith("/")]
        waiting += [link for link in links if not _NO_PAGE.search(link)]
    return seen


@pytest.mark.parametrize("mode", ["teams", pytest.param("legacy", marks=pytest.mark.sized)])
def test_every_page_is_accessible_fits_its_width_and_needs_no_scripts(mode: str, open_page: OpenPage) -> None:
    size, scheme = LOOKS[mode]
    page = open_page(f"admin@{MODES[mode][0]}", size=size)
    page.emulate_media(color_scheme=scheme)
    for path in _ELSEWHERE[mode]:
        page.goto(path)
        check(page)
    # Most pages are the same on both sets of screens.
    seen = _visit_all(page, part=1 if mode == "teams" else sizes.size(4, 1))
    assert {"/messages/conversations/N", "/contacts/N/erase", "/campaigns/N", "/settings/webhooks"} <= seen
    assert ("/reports/analytics" in seen) == (mode == "teams")
    assert len(seen) > 80


def test_pages_that_need_no_sign_in_are_accessible_and_fit_their_width(open_page: OpenPage) -> None:
    page = open_page(size="phone")
    for path in (
        "/login",
        "/forgot-password",
        "/login/sso",
        "/operator/sign-in",
        "/dev/phone/",
        "/dev/mail/",
    ):
        page.goto(path)
        check(page)
