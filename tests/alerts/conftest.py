from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests.alerts.push_service import PushService, push_service
from tests.outbound.certificates import certificate_for


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate_for(tmp_path_factory.mktemp("push"), "localhost")


@pytest.fixture(scope="module")
def _running(certificate: Path) -> Iterator[PushService]:
    with push_service(certificate) as made:
        yield made


@pytest.fixture
def service(
    _running: PushService, certificate: Path, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> PushService:
    """A push service that an operator has allowed and whose certificate is trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setitem(app.config, "PUSH_SERVICES", (*app.config["PUSH_SERVICES"], "localhost"))
    return _running
