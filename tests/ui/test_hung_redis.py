"""A Redis that accepts and never answers: pages answer all the same, and what they asked for waits."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from datetime import timedelta

from sqlalchemy import func, select

from cadence_app.accounts.models import User
from cadence_app.extensions import db, rq
from cadence_app.reports import jobs
from cadence_app.reports.models import Export, ExportState
from tests.conftest import ROOT
from tests.queues import lose, waits
from tests.world import PASSWORD, World

_VISIT = """
import re, sys, wsgi
client = wsgi.app.test_client()
def post(path, **form):
    token = re.search(r'name="csrf-token" content="([^"]+)', client.get(path).text)[1]
    return client.post(path, data=form | {"csrf_token": token}, follow_redirects=True)
print(client.get("/healthz").text)
post("/login", email=sys.argv[1], password=sys.argv[2])
print(post(sys.argv[3], start_date="2026-01-01", end_date="2026-01-31").text)
"""


def test_while_redis_hangs_an_export_is_taken_and_told_to_wait_and_the_sweep_queues_it(world: World) -> None:
    with world.session():
        email = db.session.get_one(User, world.admin_id).email
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        environment = os.environ | {
            "REDIS_URL": f"redis://127.0.0.1:{deaf.getsockname()[1]}",
            "PYTHONWARNINGS": "ignore",
        }
        # By redis-py's defaults each of the calls to Redis would take a minute.
        visit = subprocess.run(
            [sys.executable, "-c", _VISIT, email, PASSWORD, "/reports/exports/opt-out-history"],
            cwd=ROOT,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert '"redis":"delayed"' in visit.stdout
    assert "The request is saved. The queue is out of reach just now" in visit.stdout
    with world.session():
        export = db.session.scalars(select(Export)).one()
        assert export.state == ExportState.QUEUED
        export.next_attempt_at = func.now() - timedelta(minutes=1)
        db.session.commit()
        export_id = export.id
    with world.app.app_context():
        jobs.sweep_exports()
        assert waits("reports", f"export-{export_id}") == 1
        lose("reports", f"export-{export_id}")


def test_a_worker_waits_for_its_blocking_pop_longer_than_a_page_waits_for_an_answer(world: World) -> None:
    with world.app.app_context():
        queue = rq.get_queue("sweeps")
        # What other tests left there.
        queue.empty()
        connection = queue.connection
        before = connection.get_retry()
        try:
            worker = rq.make_worker(["sweeps"], worker_ttl=60)
            kept = connection.connection_pool.connection_kwargs
            assert kept["socket_timeout"] > worker.dequeue_timeout > 2
            assert worker.work(burst=True) is False
        finally:
            connection.connection_pool.connection_kwargs["socket_timeout"] = 2
            if before:
                connection.set_retry(before)
