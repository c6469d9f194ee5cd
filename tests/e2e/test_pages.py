"""Every page that a link leads to, in both modes: accessible, within the window, whole without scripts."""

from __future__ import annotations

import re
import zlib
from typing import Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from tests import sizes
from tests.e2e.acting import MODES, OpenPage, check

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
# Of the page that is open, or of one that was only fetched: where its links lead, and what would do nothing
# where there are no scripts: a form without a button or without its token, and what is posted by something in
# no form.
_READ = """fetched => {
    const page = fetched === null ? document : new DOMParser().parseFromString(fetched, "text/html");
    const links = [...page.querySelectorAll("a[href]")].map((link) => link.getAttribute("href"));
    const lame = [...page.querySelectorAll("form")]
        .filter((form) => !form.querySelector("button:not([type=button]), input[type=submit]")
            && !page.querySelector(`button[form="${form.id}"]`)
            || form.method === "post" && !form.querySelector("[name=csrf_token]"))
        .concat([...page.querySelectorAll("[hx-post]")].filter((each) => !each.closest("form")))
        .map((each) => each.outerHTML.slice(0, 160));
    return [links, lame];
}"""
# Which the two sets of screens have each their own of.
_OWN = re.compile("^/reports/")


def _sort(path: str) -> str:
    """Pages that differ only in whose they are have one sort."""
    return re.sub(r"/\d+", "/N", re.sub(r"^/help/.+", "/help/PAGE", urlsplit(path).path))


def _visit_all(page: Page, many: int = 1) -> set[str]:
    """Follows every link, and looks at each page as the browser draws it; or only fetches it, but for one in
    so `many` and those that these screens have of their own."""
    seen, waiting = set(), ["/", "/help/"]
    while waiting:
        path = waiting.pop()
        if _sort(path) in seen:
            continue
        seen.add(_sort(path))
        fetched = None
        if _OWN.match(path) or not zlib.crc32(_sort(path).encode()) % many:
            answer = page.goto(path)
            assert answer
            assert answer.ok, f"{path}: {answer.status}"
            check(page)
        else:
            got = page.request.get(path)
            assert got.ok, f"{path}: {got.status}"
            fetched = got.text()
        links, lame = page.evaluate(_READ, fetched)
        assert lame == [], f"{path}: {lame}"
        waiting += [link for link in links if link.startswith("/") and not _NO_PAGE.search(link)]
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
    seen = _visit_all(page, many=1 if mode == "teams" else sizes.size(4, 1))
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
