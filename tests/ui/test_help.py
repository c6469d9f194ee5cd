"""Help: its pages in groups, and finding one by its words."""

from __future__ import annotations

import re
from html import unescape

import pytest

from cadence_app.help_pages import PAGES
from tests.world import World


def test_every_page_is_in_one_group_and_opens(world: World) -> None:
    browser = world.sign_in("agent")
    index = browser.get("/help/").text
    for key, title in PAGES.items():
        assert index.count(f'href="/help/{key}"') == 1
        assert f"<title>{title}" in unescape(browser.get(f"/help/{key}").text)


def test_a_search_finds_words_in_titles_first_and_then_in_the_text_and_shows_where(world: World) -> None:
    page = world.sign_in("agent").get("/help/?q=Quiet+HOURS").text
    found = re.findall(r'href="/help/([a-z-]+)"', page)
    assert found[0] == "campaigns"
    assert re.search(r"row-item-note\">[^<]*quiet hours", page, re.IGNORECASE)


def test_a_search_without_a_match_says_so_and_shows_what_was_asked_as_text(world: World) -> None:
    page = world.sign_in("agent").get("/help/?q=%3Cb%3Exyzzy").text
    assert "No match" in page
    assert "<b>xyzzy" not in page


@pytest.mark.parametrize(
    "path", ["/help", "/contacts", "/settings/webhooks/", "/settings/teams", "/reports/analytics/"]
)
def test_an_address_is_the_same_page_with_a_slash_at_its_end_and_without(world: World, path: str) -> None:
    admin = world.sign_in("admin")
    other = path[:-1] if path.endswith("/") else f"{path}/"
    assert [admin.get(each).status_code for each in (path, other)] == [200, 200]
