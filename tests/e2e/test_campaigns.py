"""Campaigns in a browser, in both modes: written, reviewed, sent, looked at; a text for later; templates."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import create_engine, text

from cadence_app.embedded import ensure_postgres
from tests.conftest import ROOT
from tests.e2e.acting import MODES, ON_LEGACY, OpenPage, check
from tests.e2e.conftest import Site
from tests.messaging.test_encoding import SAMPLES


def _set_tenant(site: Site, **values: object) -> None:
    """Changes the demo's first organisation as an operator would; its pages follow at once."""
    engine = create_engine(ensure_postgres(site.data_dir).replace("postgresql://", "postgresql+psycopg://"))
    changes = ", ".join(f"{name} = :{name}" for name in values)
    with engine.begin() as connection:
        connection.execute(
            text(f"UPDATE tenants SET {changes} WHERE name = 'Lakeside University'"),
            values,
        )
    engine.dispose()


def _write_campaign(page: Page) -> None:
    page.get_by_role("link", name="New campaign").first.click()
    page.get_by_role("textbox", name="Name").fill("Library hours")
    page.get_by_label("Contacts picked by hand").check()
    page.get_by_role("searchbox").fill("an")
    page.get_by_role("button", name="Find", exact=True).click()
    expect(page.locator("[name=picked]").first).to_be_visible()
    for box in page.locator("[name=picked]").all()[:3]:
        box.check()
    page.get_by_role("textbox", name="Text", exact=True).fill("The library is open, ")
    page.get_by_role("button", name="First name").click()
    expect(page.locator("#body")).to_have_value("The library is open, {first_name|there}")
    expect(page.locator("#body-count")).to_contain_text("1 text")
    expect(page.locator("#sample-texts li").first).to_contain_text("The library is open, ")
    expect(page.locator("#would-get")).to_have_text(re.compile("[1-3] would get it"))
    check(page)
    page.get_by_role("button", name="Save and review").click()
    expect(page.get_by_role("heading", name="Library hours")).to_be_visible()
    check(page)


def test_a_campaign_is_written_reviewed_sent_and_looked_at_in_both_modes(
    open_page: OpenPage, site: Site
) -> None:
    page = open_page("admin@lakeside.example")
    javascript = (ROOT / "static" / "js" / "texts.js").read_text()
    measured = page.evaluate(
        "samples => { const module = {}; " + javascript + "; return samples.map(module.exports) }",
        [sample for sample, _ in SAMPLES],
    )
    assert measured == [vars(expected) for _, expected in SAMPLES]

    _set_tenant(site, texts_from=0, texts_until=24)
    page.locator("header nav").get_by_role("link", name="Campaigns").last.click()
    check(page)
    _write_campaign(page)
    page.get_by_role("button", name=re.compile("Send now to [1-3]")).click()
    expect(page.get_by_text("Finished")).to_be_visible(timeout=40_000)
    expect(page.get_by_text(re.compile("([1-3]) of \\1 done"))).to_be_visible()
    expect(page.get_by_text("What was checked before it went")).to_be_visible()
    check(page)
    page.get_by_role("link", name=re.compile("Delivered")).click()
    check(page)

    _set_tenant(site, navigation="legacy")
    try:
        page.goto("/campaigns/")
        page.get_by_role("link", name="Open house on Saturday").click()
        expect(page.get_by_text("Opt-out rate")).to_be_visible()
        check(page)
        page.goto("/reports/message-activity")
        expect(page.get_by_role("heading", name="By campaign")).to_be_visible()
        page.goto("/campaigns/new")
        expect(page.get_by_text("Contacts of the department")).to_be_visible()
    finally:
        _set_tenant(site, navigation="teams")


@pytest.mark.parametrize("mode", ON_LEGACY)
def test_the_answers_to_a_campaign_are_read_and_marked_done_at_its_page(
    mode: str, open_page: OpenPage
) -> None:
    page = open_page(f"agent@{MODES[mode][0]}")
    page.goto("/campaigns/")
    page.get_by_role("link", name="Open house on Saturday").click()
    page.locator("#figure-answered").click()
    expect(page.get_by_role("heading", name="Answered")).to_be_visible()
    check(page)
    waiting = page.locator("tr", has_text="Needs a reply")
    first = waiting.first.get_by_role("link")
    person = first.inner_text().split(",")[0]
    first.click()
    expect(page.locator("#talk-title")).to_contain_text(person)
    page.go_back()

    # By keyboard: all on the page, then the button behind it, and back again.
    total = waiting.count()
    page.get_by_label("All on this page").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile(r"^\d+ done"))).to_be_visible()
    expect(waiting).to_have_count(0)
    check(page)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Undone:")).to_be_visible()
    expect(waiting).to_have_count(total)

    # Without scripts, one by one.
    plain = open_page(f"agent@{MODES[mode][0]}", scripts=False)
    plain.goto(page.url)
    plain.locator("[name=conversation]").first.check()
    plain.get_by_role("button", name="Mark selected done").click()
    expect(plain.get_by_text("Done.", exact=True)).to_be_visible()
    plain.get_by_role("button", name="Undo").click()
    expect(plain.get_by_text("Undone.")).to_be_visible()


def test_a_template_goes_into_a_text_for_later_which_is_listed_and_cancelled(open_page: OpenPage) -> None:
    page = open_page("agent@lakeside.example")
    page.goto("/messages/")
    page.locator("nav a", has_text="Admissions desk").first.click()
    page.get_by_role("link", name="All", exact=True).click()
    page.locator(".convo").filter(has_not_text="reply: ").first.click()
    page.locator("summary", has_text="Templates").click()
    page.get_by_role("link", name=re.compile("^Office hours")).click()
    expect(page.locator("#composer-body")).to_have_value(re.compile("Hall 108"))
    page.locator("summary", has_text="Send later").click()
    page.get_by_label("Send at").fill("2020-01-01T10:00")
    page.get_by_role("button", name="Set", exact=True).click()
    expect(page.get_by_text("This time is over.")).to_be_visible()
    tomorrow = page.evaluate("new Date(Date.now() + 864e5).toISOString().slice(0, 10)")
    page.get_by_label("Send at").fill(f"{tomorrow}T10:30")
    page.get_by_role("button", name="Set", exact=True).click()
    listed = page.locator(".later-text", has_text="Hall 108")
    expect(listed).to_contain_text("10:30 AM")
    check(page)
    listed.get_by_role("link", name="Edit").click()
    check(page)
    page.get_by_role("link", name="Back").click()
    listed.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("The text is cancelled.")).to_be_visible()
    expect(listed).to_have_count(0)
