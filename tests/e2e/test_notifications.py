"""Setting up a notification e-mail, getting it, and unsubscribing from it, in a browser."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import expect

from tests.e2e.acting import MODES, ON_TEAMS, OpenPage, check, text_from
from tests.e2e.conftest import SIZES


@pytest.mark.parametrize("mode", ON_TEAMS)
def test_a_manager_who_is_no_user_is_told_of_an_opt_out_and_unsubscribes(
    mode: str, open_page: OpenPage
) -> None:
    domain, _, inbox = MODES[mode]
    manager = f"manager-{int(time.time())}@{domain}"
    admin = open_page(f"admin@{domain}")
    admin.goto("/settings/notifications/")
    check(admin)
    admin.get_by_role("link", name=f"Edit Opt out status change of {inbox.split()[0]}").click()
    admin.fill("[name=emails]", manager)
    admin.get_by_label("At once").check()
    admin.set_viewport_size(SIZES["phone"])
    check(admin)
    admin.get_by_role("button", name="Save").click()
    expect(admin.locator("main")).to_contain_text(manager)
    check(admin)

    anybody = open_page(size="phone")
    text_from(
        anybody, f"+1212557{'3' if mode == 'teams' else '4'}{int(time.time()) % 1000:03}", inbox, "STOP"
    )
    mail = anybody.locator("li, tr").filter(has_text=manager)
    for _ in range(120):
        anybody.goto("/dev/mail/")
        if mail.count():
            break
        anybody.wait_for_timeout(500)
    mail.first.get_by_role("link").click()
    expect(anybody.locator("body")).to_contain_text("by a text of their own")
    link = re.search(r"/unsubscribe/\S+", anybody.locator(".mail-text").inner_text())
    assert link
    anybody.goto(link[0])
    check(anybody)
    anybody.get_by_role("button", name="Unsubscribe").click()
    expect(anybody.locator("main")).to_contain_text("You are unsubscribed")
    check(anybody)
