"""The page of API tokens and the page to try the API, in a browser, in both modes."""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.request

import pytest
from playwright.sync_api import Page, expect

from tests import sizes
from tests.e2e.acting import OpenPage, check
from tests.e2e.conftest import Site

ADMINS = {"teams": "admin@lakeside.example", "legacy": "admin@harbor.example"}


def _make_token(page: Page, name: str) -> str:
    page.goto("/settings/api-tokens")
    page.fill("[name=name]", name)
    page.check("input[value='contacts:read']")
    page.check("input[value='consent:read']")
    page.get_by_role("button", name="Make token").click()
    return page.locator("#token-text").input_value()


@pytest.mark.parametrize(("mode", "size"), sizes.few_of([("teams", "desktop"), ("legacy", "phone")], [1]))
def test_an_admin_makes_copies_and_revokes_a_token(
    mode: str, size: str, open_page: OpenPage, site: Site
) -> None:
    page = open_page(ADMINS[mode], size)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("summary.user-btn").click()
    page.get_by_role("link", name="Settings").click()
    page.get_by_role("link", name="API tokens").first.click()
    page.wait_for_url("**/settings/api-tokens")
    check(page)
    page.get_by_role("button", name="Make token").click()
    expect(page.locator("#name-error")).to_contain_text("Give the token a name")
    check(page)
    name = f"Records {size} {time.time_ns()}"
    token = _make_token(page, name)
    check(page)
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == token

    call = urllib.request.Request(
        f"{site.url}/api/v1/contacts?limit=1", headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(call) as answer:
        assert len(json.load(answer)["items"]) == 1

    page.goto("/settings/api-tokens")
    assert token not in page.content()
    page.get_by_role("link", name=f"End {name}").click()
    page.wait_for_url("**/revoke")
    check(page)
    page.get_by_role("button", name="End token").click()
    expect(page.locator("tr", has_text=name)).to_contain_text("Ended")
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(call)


def test_a_token_is_made_and_revoked_without_javascript(open_page: OpenPage) -> None:
    page = open_page(ADMINS["legacy"], scripts=False)
    name = f"No scripts {time.time_ns()}"
    assert re.fullmatch(r"cad_[0-9a-f]{16}_[0-9a-f]{64}", _make_token(page, name))
    expect(page.get_by_role("button", name="Copy")).to_be_hidden()
    page.get_by_role("link", name=f"End {name}").click()
    page.get_by_role("button", name="End token").click()
    expect(page.locator("tr", has_text=name)).to_contain_text("Ended")


def test_the_page_to_try_the_api_makes_a_call_and_axe_finds_nothing_on_the_way(open_page: OpenPage) -> None:
    """A script or CSP error anywhere fails the test (conftest)."""
    page = open_page(ADMINS["teams"])
    token = _make_token(page, f"Try it {time.time_ns()}")
    page.goto("/api/v1/docs")
    expect(page.locator(".opblock").first).to_be_visible()
    check(page)
    page.get_by_role("button", name="Authorize").click()
    check(page)
    page.locator(".auth-container input").fill(token)
    page.locator(".auth-btn-wrapper .authorize").click()
    page.locator(".auth-btn-wrapper .btn-done").click()
    page.locator("#operations-contacts-list_teams .opblock-summary-control").click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    expect(page.locator(".live-responses-table")).to_contain_text('"code": "ADM"')
    page.locator("#operations-consents-set_consents .opblock-summary-control").click()
    expect(page.locator("#operations-consents-set_consents .opblock-body")).to_be_visible()
    check(page)
