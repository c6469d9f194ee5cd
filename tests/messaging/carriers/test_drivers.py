"""One carrier, one file: all that is particular to it is in its driver, and nobody else names it."""

from __future__ import annotations

import ast
import re

import pytest
from flask import Flask

import config
from cadence_app.messaging import providers
from tests.conftest import ROOT
from tests.messaging.carriers.ends import CODES, ENDS, pigeon

_PROVIDERS = "cadence_app/messaging/providers/"
_CODES = [code for code in CODES if code != pigeon.DRIVER.code]
_NAMES = re.compile(rf"(?<![a-z])({'|'.join(_CODES)})", re.IGNORECASE)
# Amazon's storage, and the address at which its machines are told about themselves: no carrier.
_AMAZON = {"files.py", "reports/destinations/s3.py", "outbound/addresses.py", "outbound/own_storage.py"}
_SHARED = {"base", "events", "http", "readings"}


def test_nobody_but_its_own_file_names_a_carrier() -> None:
    """Not even in words: what a vendor documents is said where it counts, or in docs/carriers."""
    code = {ROOT / "config.py", *ROOT.glob("cadence_app/**/*.py"), *ROOT.glob("templates/**/*.html")}
    own = {*ROOT.glob(f"{_PROVIDERS}**/*.py"), *ROOT.glob("templates/help/carriers/*.html")}
    own |= {ROOT / "cadence_app" / name for name in _AMAZON}
    assert [path for path in sorted(code - own) if _NAMES.search(path.read_text())] == []


@pytest.mark.parametrize("code", _CODES)
def test_a_carrier_shares_nothing_with_another(code: str) -> None:
    folder = ROOT / _PROVIDERS
    files = [folder / f"{code}.py"] if (folder / f"{code}.py").exists() else [*(folder / code).glob("*.py")]
    assert files
    for path in files:
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("cadence_app."):
                continue
            room, _, rest = str(node.module).partition("cadence_app.messaging.")[2].partition(".")
            if not room:
                continue
            assert room == "providers"
            for name in [rest] if rest else [each.name for each in node.names]:
                assert name in _SHARED or name.split(".")[0] == code, path


def test_every_carrier_is_tried_with_what_holds_for_all() -> None:
    assert {each.code for each in providers.carriers()} == set(ENDS)


def test_another_place_for_a_carriers_api_is_set_by_its_code(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = providers.driver(pigeon.DRIVER.code)
    with app.app_context():
        assert driver.url() == "https://api.pigeons.example"
    monkeypatch.setenv("CADENCE_PIGEON_API_URL", "http://127.0.0.1:9/")
    monkeypatch.setitem(app.config, "CARRIER_API_URLS", config.load()["CARRIER_API_URLS"])
    with app.app_context():
        assert driver.url() == "http://127.0.0.1:9"
