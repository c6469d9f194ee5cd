"""Devices that somebody has signed in on before: strangers who fail at their account elsewhere do not lock
them out there (OWASP, "Device Cookies").

A signed cookie says which accounts a browser has signed in to, each with a number of its own that failures
there are counted by. It signs nobody in. It is worth nothing for an account whose password has changed since.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from flask import Flask, Response, current_app, g, request
from itsdangerous import BadData, URLSafeTimedSerializer

from cadence_app import secret_keys

# What a browser keeps at most (RFC 6265bis, 5.6).
_DAYS = 400
_MOST_ACCOUNTS = 10


@dataclass(frozen=True)
class Known:
    """What a browser's cookie says: for each account its device number and a mark of the password."""

    accounts: Mapping[str, tuple[str, str]]

    def number(self, account: str, password_hash: str) -> str | None:
        """What failures at this account are counted by on this device; None where it is not known here."""
        number, mark = self.accounts.get(account, ("", ""))
        fits = mark in _marks(account, password_hash)
        return f"{account} {number}" if number and fits else None


NOWHERE = Known({})


def of_request() -> Known:
    """What the browser of this request says, as far as it is ours."""
    try:
        read = _serializer().loads(request.cookies.get(_name(), ""), max_age=_DAYS * 24 * 3600)
        return Known({account: (number, mark) for account, (number, mark) in read.items()})
    except (BadData, AttributeError, TypeError, ValueError):
        return NOWHERE


def remember(account: str, password_hash: str) -> None:
    """Makes the browser of this request one that is known for this account, with the answer."""
    accounts = {name: list(each) for name, each in of_request().accounts.items() if name != account}
    newest = list(accounts.items())[-(_MOST_ACCOUNTS - 1) :]
    mine = [secrets.token_urlsafe(12), _marks(account, password_hash)[-1]]
    g.known_device = _serializer().dumps(dict([*newest, (account, mine)]))


def init_app(app: Flask) -> None:
    app.after_request(_set_cookie)


def _set_cookie(response: Response) -> Response:
    if value := g.pop("known_device", None):
        response.set_cookie(
            _name(),
            value,
            max_age=_DAYS * 24 * 3600,
            secure=current_app.config["SESSION_COOKIE_SECURE"],
            httponly=True,
            samesite="Lax",
        )
    return response


def _name() -> str:
    return f"{current_app.config['COOKIE_PREFIX']}known_device"


def _marks(account: str, password_hash: str) -> list[str]:
    """The mark of this password under each key, the current one last. It is signed with the cookie, so a
    comparison's time tells nothing of use."""
    said = f"known device {account} {password_hash}".encode()
    return [hmac.digest(key.encode(), said, "sha256").hex()[:16] for key in secret_keys.signing()]


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret_keys.signing(), salt="cadence known device")
