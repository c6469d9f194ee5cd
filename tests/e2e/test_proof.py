"""Proof and certificates in a browser, in both modes."""

from __future__ import annotations

import io
import re

import pytest
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from tests import sizes
from tests.e2e.acting import MODES, ON_LEGACY, ON_TEAMS, OpenPage, check, open_export


def _open_proof(page: Page) -> None:
    page.goto("/reports/")
    # Teams has it under the second tab; Legacy's list of reports has no tabs.
    if (exports := page.get_by_role("link", name="Exports", exact=True)).count():
        exports.click()
    page.get_by_role("link", name=re.compile("Proof$")).click()
    # The scheduler seals the demo's history soon after the start.
    for _ in range(40):
        if page.locator("td .digest").count():
            break
        page.wait_for_timeout(500)
        page.reload()
    expect(page.locator("td .digest").first).to_be_visible()


@pytest.mark.parametrize("mode", ON_LEGACY)
def test_an_admin_verifies_the_history_and_finds_a_seal_they_kept(mode: str, open_page: OpenPage) -> None:
    page = open_page(f"admin@{MODES[mode][0]}")
    _open_proof(page)
    page.get_by_role("button", name="Verify").click()
    answer = page.locator("#proof-checks tbody tr").first
    expect(answer).to_contain_text("Intact", timeout=40_000)
    digest = answer.locator(".digest").inner_text()
    page.get_by_label("Digest").fill(digest)
    page.get_by_role("button", name="Look up").click()
    expect(page.locator("#digest-answer")).to_contain_text("In the chain")


def test_verify_works_without_scripts_by_reload(open_page: OpenPage) -> None:
    page = open_page("admin@lakeside.example", scripts=False)
    _open_proof(page)
    page.get_by_role("button", name="Verify").click()
    answer = page.locator("#proof-checks tbody tr").first
    for _ in range(40):
        if "Intact" in answer.inner_text():
            break
        page.wait_for_timeout(500)
        page.reload()
    expect(answer).to_contain_text("Intact")


@pytest.mark.parametrize("mode", ON_TEAMS)
def test_an_agent_goes_from_the_record_to_the_certificate_and_its_pdf(mode: str, open_page: OpenPage) -> None:
    page = open_page(f"agent@{MODES[mode][0]}")
    page.goto("/contacts/?status=opted_out")
    page.locator("a.cell-link").first.click()
    page.get_by_role("link", name="Consent certificate").click()
    expect(page.get_by_role("heading", name="Consent certificate")).to_be_visible()
    number = page.locator(".facts dd").nth(2).inner_text()
    path = page.get_by_role("link", name="PDF").get_attribute("href")
    content = page.request.get(str(path)).body()
    assert number in PdfReader(io.BytesIO(content)).pages[0].extract_text()


@pytest.mark.parametrize(("mode", "size"), sizes.few_of([("teams", "desktop"), ("legacy", "phone")], [1]))
def test_proof_and_certificate_are_accessible_and_fit_their_width(
    mode: str, size: str, open_page: OpenPage
) -> None:
    page = open_page(f"admin@{MODES[mode][0]}", size=size)
    page.goto("/contacts/?status=opted_out")
    record = page.locator("a.cell-link").first.get_attribute("href")
    for path in (
        "/reports/",
        "/reports/proof/",
        "/reports/proof/?digest=00",
        f"{record}/certificate",
        "/help/proof",
    ):
        page.goto(path)
        check(page)


def test_the_list_of_exports_shows_a_files_sha_256(open_page: OpenPage) -> None:
    page = open_page("admin@lakeside.example")
    open_export(page, MODES["teams"][1])
    page.get_by_role("button", name="Request Export").click()
    row = page.locator("#export-list tbody tr").first
    expect(row).to_contain_text("Sent", timeout=40_000)
    row.get_by_text("SHA-256").click()
    assert re.fullmatch(r"[0-9a-f]{64}", row.locator(".digest").inner_text())
    check(page)
