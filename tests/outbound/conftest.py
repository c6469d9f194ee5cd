"""What name servers say."""

from __future__ import annotations

import socket
from typing import Any

import pytest


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What name servers say from now on, one answer after the other."""
    said: dict[str, list[str]] = {}
    usual = socket.getaddrinfo

    def look_up(host: str, port: int, *rest: Any, **more: Any) -> Any:
        return usual(said[host].pop(0) if host in said else host, port, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return said
