"""The OpenAPI document, and schemathesis over all of it."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.serving import make_server

from tests import sizes
from tests.api.conftest import make_api
from tests.world import make_world, new_number

PATH = "/api/v1/openapi.json"
HERE = Path(__file__).parent


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """The application on a port of its own."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


@pytest.mark.sized
def test_schemathesis_finds_no_failure_in_any_call(app: Flask, address: str, tmp_path: Path) -> None:
    """Seeded, so that a failure comes again; the tenant has a contact of each status and an export."""
    world = make_world(app, "teams")
    api = make_api(world)
    for words in ("hello", "STOP", "please stop texting me"):
        world.text(new_number(), words)
    body = {"kind": "opt-out-history", "start_date": "2026-01-01", "end_date": "2026-01-31"}
    api.post("/exports", json=body)
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml")]
    command += ["run", "--max-examples", str(sizes.size(4, 100)), "--max-time", str(sizes.size(12, 240))]
    run = subprocess.run(
        [*command, f"{address}{PATH}", "--header", f"Authorization: Bearer {api.token}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-2000:]
    assert "13 selected / 13 total" in " ".join(run.stdout.split()), run.stdout[:1000]


def test_the_document_is_openapi_3_1_and_open_to_all(app: Flask) -> None:
    answer = app.test_client().get(PATH)
    assert answer.status_code == 200
    document = answer.get_json()
    assert document["openapi"].startswith("3.1.")
    calls = [call for path in document["paths"].values() for call in path.values()]
    assert len(calls) == 13
    for call in calls:
        assert call["summary"]
        assert call["security"]
        for status, response in call["responses"].items():
            if status >= "400":
                assert response == {"$ref": "#/components/responses/Problem"}
