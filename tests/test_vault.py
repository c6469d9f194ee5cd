"""Secrets that are stored to be read again."""

from __future__ import annotations

import pytest
from flask import Flask

from cadence_app import vault


def test_a_secret_comes_back_and_is_not_readable_as_stored(app: Flask) -> None:
    with app.app_context():
        stored = vault.encrypt("whsec_ключ")
        assert "whsec" not in stored
        assert stored != vault.encrypt("whsec_ключ")
        assert vault.decrypt(stored) == "whsec_ключ"


def test_another_secret_key_can_not_read_it(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.app_context():
        stored = vault.encrypt("secret")
        monkeypatch.setitem(app.config, "SECRET_KEY", "another")
        with pytest.raises(vault.Unreadable):
            vault.decrypt(stored)
