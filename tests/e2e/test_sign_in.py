"""Signing in and Your account in a browser: one person's day, in both modes and both sizes."""

from __future__ import annotations

import re
import time

import pyotp
from playwright.sync_api import Page, expect

from tests.accounts.provider import CLIENT_ID, CLIENT_SECRET, running_provider
from tests.e2e.acting import OpenPage, check
from tests.e2e.conftest import Site, sign_in

_PASSWORD = "a pass phrase of mine"
_PAGES = ("", "email", "password", "two-factor", "sessions")


def _check_each(page: Page, *paths: str) -> None:
    for path in paths:
        page.goto(path)
        check(page)


def test_a_person_sets_up_two_factor_changes_the_password_and_signs_in_again(
    open_page: OpenPage, site: Site
) -> None:
    email = "boss@signin.example"
    site.flask(
        "cadence", "tenant", "Sign-in College", "--second-factor", "optional", "--navigation", "legacy"
    )
    boss = ("Sign-in College", email, "--name", "Bo Boss", "--role", "admin", "--password", _PASSWORD)
    site.flask("cadence", "user", *boss)
    page = open_page()
    _check_each(page, "/login", "/forgot-password", "/login/sso", "/reset-password/x")
    sign_in(page, email, _PASSWORD)
    page.wait_for_url("**/messages/")
    _check_each(page, *(f"/account/{each}" for each in _PAGES), "/settings/single-sign-on")
    expect(page.get_by_text("in no department yet")).to_be_visible()

    page.locator("summary.user-btn").click()
    page.get_by_role("link", name="Your account").click()
    page.get_by_role("link", name="Two-factor").click()
    secret = page.locator(".two-factor-key").inner_text().replace(" ", "")
    page.get_by_label("The code that the app shows").fill("000000")
    page.get_by_label("Your password").fill(_PASSWORD)
    page.get_by_role("button", name="Turn on").click()
    expect(page.locator("#code-error")).to_contain_text("not the code of now")
    page.get_by_label("The code that the app shows").fill(pyotp.TOTP(secret).at(int(time.time()) - 30))
    page.get_by_label("Your password").fill(_PASSWORD)
    page.get_by_role("button", name="Turn on").click()
    expect(page.locator(".recovery-codes li")).to_have_count(10)
    check(page)
    recovery = page.locator(".recovery-codes code").first.inner_text()
    page.get_by_role("link", name="I have kept them").click()
    _check_each(page, "/account/two-factor")

    page.goto("/account/password")
    page.get_by_label("Your password").fill(_PASSWORD)
    page.get_by_label("New password").fill("short")
    expect(page.locator(".password-strength")).to_have_text("Too short: 7 more")
    page.get_by_role("button", name="Show what was typed").nth(1).click()
    expect(page.get_by_label("New password")).to_have_attribute("type", "text")
    page.get_by_label("New password").fill(_PASSWORD + "!")
    expect(page.locator(".password-strength")).to_have_text("Strong")
    check(page)
    page.get_by_label("The same again").fill(_PASSWORD + "!")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("Your password is changed.")).to_be_visible()
    page.goto("/account/sessions")
    page.get_by_role("button", name="Sign out everywhere").click()
    expect(page.get_by_text("You are signed out everywhere.")).to_be_visible()

    sign_in(page, email, _PASSWORD + "!")
    expect(page.get_by_role("heading", name="Enter your code")).to_be_visible()
    check(page)
    page.get_by_label("Code").fill(recovery.lower())
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/messages/")


def test_single_sign_on_is_set_up_tested_and_used(open_page: OpenPage, site: Site) -> None:
    email, password = "sso@signin.example", "a pass phrase of mine"
    boss = ("Sign-in College", email, "--name", "Sam Single", "--role", "admin", "--password", password)
    site.flask("cadence", "user", *boss)
    page = open_page()
    sign_in(page, email, password)
    with running_provider() as provider:
        # As Microsoft Entra ID it does not say that the address is verified, and signs with RSA.
        provider.entra = True
        provider.claims = {"sub": "1", "oid": "one", "email": email, "preferred_username": email}
        page.goto("/settings/single-sign-on")
        page.get_by_label("Issuer").fill(provider.issuer)
        page.get_by_label("Client ID").fill(CLIENT_ID)
        page.get_by_label("Client secret").fill(CLIENT_SECRET)
        page.get_by_label("E-mail domains").fill("signin.example")
        page.get_by_role("button", name="Save").click()
        page.get_by_role("button", name="Test the provider").click()
        expect(page.get_by_text("The provider answers as it must.")).to_be_visible()
        check(page)
        page.locator("summary.user-btn").click()
        page.get_by_role("button", name="Sign out").click()
        _sign_in_there(page, email)
        expect(page.get_by_text("has not verified your e-mail address")).to_be_visible()
        check(page)

        sign_in(page, email, password)
        page.wait_for_url("**/messages/")
        page.goto("/settings/single-sign-on")
        page.get_by_label("Mine: the provider speaks").check()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("one by one, that you confirm")).to_be_visible()
        page.get_by_label("Domains it speaks for").fill("signin.example")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("signin.example: confirmed by Sam Single")).to_be_visible()
        check(page)
        page.locator("summary.user-btn").click()
        page.get_by_role("button", name="Sign out").click()
        _sign_in_there(page, email)
        page.wait_for_url("**/messages/")
    page.goto("/settings/single-sign-on")
    page.get_by_role("button", name="Turn off").click()
    expect(page.get_by_text("Single sign-on is off.")).to_be_visible()


def _sign_in_there(page: Page, email: str) -> None:
    page.goto("/login")
    page.get_by_role("link", name="Sign in with your organization").click()
    page.get_by_label("E-mail").fill(email)
    page.get_by_role("button", name="Continue").click()


def test_a_forgotten_password_is_set_by_the_link_of_the_mail(open_page: OpenPage, site: Site) -> None:
    page = open_page(scripts=False)
    page.goto("/login")
    page.get_by_role("link", name="Forgot your password?").click()
    page.get_by_label("E-mail").fill("boss@signin.example")
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_role("heading", name="Look in your mail")).to_be_visible()
    mail = page.get_by_role("link", name=re.compile("Set a new Cadence password"))
    for _ in range(40):
        page.goto("/dev/mail/")
        if mail.count():
            break
        page.wait_for_timeout(250)
    mail.first.click()
    link = re.search(r"http\S+/reset-password/\S+", page.locator("main").inner_text())
    assert link
    page.goto(link[0])
    page.get_by_label("New password").fill("another pass phrase")
    page.get_by_label("The same again").fill("another pass phrase")
    page.get_by_role("button", name="Set password").click()
    expect(page.get_by_text("Your new password is set.")).to_be_visible()
    page.goto(link[0])
    expect(page.get_by_role("heading", name="This link no longer works")).to_be_visible()
