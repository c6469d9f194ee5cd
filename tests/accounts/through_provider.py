"""What tests do to sign in through a provider: set it up, leave for it, come back."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import urlencode

from werkzeug.test import TestResponse

from tests.accounts.provider import CLIENT_ID, CLIENT_SECRET, Provider
from tests.world import Browser, World

SETTINGS = "/settings/single-sign-on"


def save(
    world: World, provider: Provider, domain: str, admin: Browser | None = None, /, **changed: str
) -> TestResponse:
    """Saves the settings as the admin, in a browser of their own or this one."""
    data = {
        "issuer": provider.issuer,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "domains": f"@{domain}",
        "passwords_allowed": "y",
    }
    return (admin or world.sign_in("admin")).post(SETTINGS, data | changed)


def leave(world: World, domain: str) -> tuple[Browser, str]:
    """A browser that was sent off to the provider, and the address it was sent to."""
    browser = Browser(world.app.test_client())
    page = browser.post("/login/sso?next=/help/", {"email": f"x@{domain}"}, token_from="/login/sso")
    assert page.status_code == 200, page.text
    found = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', page.text)
    assert found
    return browser, html.unescape(found[1])


def come_back(world: World, provider: Provider, domain: str, **changed: Any) -> tuple[Browser, int, str]:
    """Who signs in there, in a browser of their own: it, the status, and where it leads or what it says."""
    browser, url = leave(world, domain)
    brought = {
        name: value for name, value in (provider.authorize(url) | changed).items() if value is not None
    }
    answer = browser.get(f"/login/sso/callback?{urlencode(brought, doseq=True)}")
    return browser, answer.status_code, answer.headers.get("Location") or html.unescape(answer.text)
