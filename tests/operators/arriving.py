"""How an operator gets in, for tests that have to do with what comes after."""

from __future__ import annotations

import re
import time

import pyotp
from flask import Flask

from tests.world import PASSWORD, Browser


def code_of(secret: str, steps: int = 0) -> str:
    """The code of now, or of so many steps from now."""
    return pyotp.TOTP(secret).at(int(time.time()) + 30 * steps)


def show_password(app: Flask, email: str, password: str = PASSWORD) -> Browser:
    """A browser that has shown a password, right or wrong."""
    browser = Browser(app.test_client())
    form = {"email": email, "password": password}
    browser.post("/operator/sign-in", form, token_from="/operator/sign-in")
    browser.token = ""
    return browser


def set_up(browser: Browser) -> tuple[str, list[str]]:
    """Sets up the second factor that the first page asks for; the secret and the recovery codes. The code
    shown is that of the step before, so that the one of now is still of use."""
    found = re.search(r'two-factor-key">([A-Z2-7 ]+)<', browser.get("/operator/second-factor").text)
    assert found
    secret = found[1].replace(" ", "")
    # Twice, should the step end between making the code and showing it.
    for _ in range(2):
        form = {"code": code_of(secret, -1), "current": PASSWORD}
        answer = browser.post("/operator/second-factor", form)
        if answer.status_code == 200:
            break
    assert answer.status_code == 200
    browser.token = ""
    return secret, re.findall(r"<code>([A-Z0-9-]{19})</code>", answer.text)


def sign_in_operator(app: Flask, email: str) -> Browser:
    """An operator's first sign-in, with all that belongs to it."""
    browser = show_password(app, email)
    set_up(browser)
    assert browser.get("/operator/").status_code == 200
    return browser
