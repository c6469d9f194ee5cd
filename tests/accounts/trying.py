"""What tests of tries share: a password that is shown from a network, and time that passes."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import text

from cadence_app.extensions import db
from tests.world import Browser


def try_password(browser: Browser, email: str, ip: str, password: str = "wrong") -> int:
    form = {"email": email, "password": password}
    answer = browser.post("/login", form, token_from="/login", environ_overrides={"REMOTE_ADDR": ip})
    return answer.status_code


def age_failures(app: Flask, seconds: int) -> None:
    """Makes every failure so much older."""
    superuser = db.create_engine(app.config["SUPERUSER_URL"])
    with superuser.begin() as connection:
        connection.execute(text("UPDATE failed_tries SET at = at - :s * interval '1 second'"), {"s": seconds})
    superuser.dispose()
