"""From Request Export to the mail accepted by the mail server, with a worker that has nothing else to do:
ours, which forks, and Flask-RQ's stock one, which starts an interpreter for each job."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import select, text

from benchmarks.scratch import ROOT, Scratch
from cadence_app.accounts.models import User
from cadence_app.consent.ledger import Change, record_change
from cadence_app.consent.models import Source, Status
from cadence_app.extensions import db
from cadence_app.reports import service
from cadence_app.reports.kinds import OPT_OUT_HISTORY
from cadence_app.reports.models import Export
from cadence_app.tenancy import use_tenant

_STOCK = """
import wsgi
from flask_rq import RQ
with wsgi.app.app_context():
    RQ.make_worker(wsgi.app.extensions["rq"], ["reports"]).work()
"""
_TRIES = 8


def measure(scratch: Scratch) -> dict[str, list[float]]:
    """Seconds with our worker, and how many times as long the stock one takes."""
    _hundred_rows(scratch)
    forking = _with_worker(scratch, [sys.executable, "-m", "flask", "rq", "worker", "reports"], 0)
    stock = _with_worker(scratch, [sys.executable, "-c", _STOCK], _TRIES)
    return {
        "forking": forking,
        "stock": stock,
        "stock_to_forking": [a / b for a, b in zip(stock, forking, strict=True)],
    }


def _hundred_rows(scratch: Scratch) -> None:
    """A hundred changes on days of their own, long before the others."""
    use_tenant(scratch.tenant_id)
    db.session.execute(text("SELECT 1"))
    for index in range(100):
        status = Status.OPTED_OUT if index % 2 else Status.OPTED_IN
        moment = text("SELECT timestamptz '2020-01-02 12:00Z' + :n * interval '1 minute'")
        at = db.session.scalar(moment, {"n": index})
        record_change(Change(scratch.contact_id, scratch.team_id, status, Source.TOGGLE, at=at))
    db.session.commit()


def _with_worker(scratch: Scratch, command: list[str], offset: int) -> list[float]:
    worker = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _one(scratch, date(2019, 1, 1) + timedelta(days=offset))  # until the worker is up
        return [_one(scratch, date(2019, 2, 1) + timedelta(days=offset + each)) for each in range(_TRIES)]
    finally:
        worker.terminate()
        worker.wait()


def _one(scratch: Scratch, start: date) -> float:
    begun = time.perf_counter()
    user = db.session.get_one(User, scratch.user_id)
    export, _ = service.request_export(user, OPT_OUT_HISTORY, start, date(2020, 1, 31))
    service.enqueue(export)
    while _mails(scratch.data_dir / "mail", export.id) == 0:
        if time.perf_counter() - begun > 60:
            raise TimeoutError(db.session.scalars(select(Export.problem).where(Export.id == export.id)).one())
        time.sleep(0.005)
    return time.perf_counter() - begun


def _mails(maildir: Path, export_id: int) -> int:
    mark = f"Message-ID: <export-1-{export_id}-".encode()
    return sum(mark in path.read_bytes()[:4000] for path in (maildir / "new").glob("*"))
