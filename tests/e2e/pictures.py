"""Takes the pictures of docs/images/, to be looked at: ten pages of a new demo, light, dark and on a phone.
`script/pictures` runs it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Browser, Page, sync_playwright

from tests.conftest import ROOT
from tests.e2e.conftest import PASSWORD, SIZES, Site, scratch_folder, sign_in

FOLDER = ROOT / "docs" / "images"
_TEAMS, _LEGACY = "lakeside.example", "harbor.example"
# Of each: the appearance, and the size of the window.
_LOOKS = {"light": ("light", "desktop"), "dark": ("dark", "desktop"), "phone": ("light", "phone")}


@dataclass(frozen=True)
class Picture:
    """A page as an admin of an organization sees it; `then` is what is done there first."""

    name: str
    domain: str
    path: str
    then: Callable[[Page], None] = lambda page: None


def _first(selector: str) -> Callable[[Page], None]:
    return lambda page: page.locator(selector).first.click()


PICTURES = (
    Picture("messages", _TEAMS, "/messages/?inbox=", _first("a.convo")),
    Picture("new-text", _TEAMS, "/messages/new"),
    Picture("contacts", _TEAMS, "/contacts/"),
    Picture("record", _TEAMS, "/contacts/?q=LU0010023", _first("main tbody a")),
    Picture("campaign", _TEAMS, "/campaigns/", lambda page: page.get_by_text("Open house").first.click()),
    Picture("opt-out-queue", _TEAMS, "/messages/possible-opt-outs/"),
    Picture("export", _TEAMS, "/reports/exports/opt-out-history"),
    Picture("legacy-export", _LEGACY, "/reports/opt-out-changes/export"),
    Picture("analytics", _LEGACY, "/reports/message-activity"),
    Picture("settings", _TEAMS, "/settings/"),
)


def main() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    with scratch_folder("cadence-pictures-") as folder, sync_playwright() as playwright:
        site = Site(folder)
        site.start("--demo")
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            for domain in (_TEAMS, _LEGACY):
                _take_all(browser, site, domain)
        finally:
            browser.close()
            site.stop()


def _take_all(browser: Browser, site: Site, domain: str) -> None:
    signed_in = browser.new_context(base_url=site.url)
    sign_in(signed_in.new_page(), f"admin@{domain}", PASSWORD)
    signed_in.pages[0].wait_for_url("**/messages/**")
    state = signed_in.storage_state()
    for look, (scheme, size) in _LOOKS.items():
        context = browser.new_context(
            base_url=site.url,
            viewport=SIZES[size],
            color_scheme="dark" if scheme == "dark" else "light",
            reduced_motion="reduce",
            storage_state=state,
        )
        page = context.new_page()
        for picture in PICTURES:
            if picture.domain != domain:
                continue
            answer = page.goto(picture.path)
            assert answer
            assert answer.ok, picture.path
            picture.then(page)
            page.wait_for_load_state("networkidle")
            page.screenshot(path=FOLDER / f"{picture.name}-{look}.png")
        context.close()


if __name__ == "__main__":
    main()
