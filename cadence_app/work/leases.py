"""Work that only one worker may do at a time, for as long as it takes.

Who works has a lease: a row that says who and until when, taken by compare-and-set and renewed meanwhile. A
lock of PostgreSQL's would be of a connection, which behind a pooler is another one in each transaction. A
worker that dies lets go in time, after LEASE_SECONDS at the latest, and at once where who asks can see that
its process has ended. One that was stopped for longer than that finds its lease lost, by the fencing number:
confirm() refuses to go on.
"""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flask import Flask, current_app
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from cadence_app.extensions import db
from cadence_app.tenancy import set_tenant, tenant_in_use, use_tenant

LEASE_SECONDS = 20
_RENEW_SECONDS = 5

_TAKE = text(
    "INSERT INTO leases AS l (tenant_id, name, holder, until)"
    " VALUES (:tenant_id, :name, :holder, clock_timestamp() + :seconds * interval '1 second')"
    " ON CONFLICT (tenant_id, name) DO UPDATE"
    " SET holder = excluded.holder, until = excluded.until, fence = DEFAULT"
    " WHERE l.until <= clock_timestamp() OR l.fence = :dead RETURNING fence"
)
_HOLDER = text(
    "SELECT holder, fence FROM leases"
    " WHERE tenant_id = :tenant_id AND name = :name AND until > clock_timestamp()"
)
# Whoever would take the lease waits until the transaction ends that has confirmed it.
_CONFIRM = text(
    "SELECT fence FROM leases WHERE tenant_id = :tenant_id AND name = :name AND fence = :fence FOR SHARE"
)
# The holder itself, beside that transaction, has no need to: it passes by.
_RENEW = text(
    "UPDATE leases SET until = clock_timestamp() + :seconds * interval '1 second'"
    " WHERE (tenant_id, name) IN (SELECT tenant_id, name FROM leases"
    " WHERE tenant_id = :tenant_id AND name = :name AND fence = :fence FOR UPDATE SKIP LOCKED)"
)
_LET_GO = text(
    "DELETE FROM leases WHERE (tenant_id, name) IN (SELECT tenant_id, name FROM leases"
    " WHERE tenant_id = :tenant_id AND name = :name AND fence = :fence FOR UPDATE SKIP LOCKED)"
)


class LeaseLost(RuntimeError):
    """Another worker has the work by now: this one was stopped, or cut off from it, for too long."""


@dataclass
class Lease:
    """A worker's hold on the work of this name in its tenant. `fence` grows with each new holder."""

    tenant_id: int
    name: str
    fence: int

    def confirm(self) -> None:
        """Nobody else takes the work before the session's transaction ends. Errors: LeaseLost where somebody
        has it already; then nothing of the transaction may be committed."""
        if db.session.scalar(_CONFIRM, self.key) is None:
            db.session.rollback()
            raise LeaseLost(self.name)

    @property
    def key(self) -> dict[str, object]:
        return {"tenant_id": self.tenant_id, "name": self.name, "fence": self.fence}


@contextmanager
def held(name: str) -> Iterator[Lease | None]:
    """Holds the work of this name, in the tenant in use, for this worker; None where another has it."""
    lease = _take(tenant_in_use(), name)
    if lease is None:
        yield None
        return
    app, over = current_app._get_current_object(), threading.Event()  # type: ignore[attr-defined]
    renewing = threading.Thread(target=_renew_until, args=(over, app, lease), daemon=True)
    renewing.start()
    try:
        yield lease
    finally:
        over.set()
        renewing.join()
        _let_go(lease)


def free(name: str) -> bool:
    """Whether nobody has the work of this name, in the tenant in use, just now."""
    row = db.session.execute(_HOLDER, {"tenant_id": tenant_in_use(), "name": name}).first()
    return row is None or _has_ended(row.holder)


def _take(tenant_id: int, name: str) -> Lease | None:
    key = {"tenant_id": tenant_id, "name": name}
    values = key | {"holder": f"{_machine()} {_process(os.getpid())}", "seconds": LEASE_SECONDS}
    with db.engine.begin() as connection:
        fence = connection.scalar(_TAKE, values | {"dead": None})
        if fence is None:
            row = connection.execute(_HOLDER, key).first()
            if row is None or _has_ended(row.holder):
                fence = connection.scalar(_TAKE, values | {"dead": row and row.fence})
    return None if fence is None else Lease(tenant_id, name, fence)


def _machine() -> str:
    """Whose processes can be seen from here for certain: this user's, of this machine (or container) since it
    started."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{os.readlink('/proc/self/ns/pid')}/{os.getuid()}"
    except OSError:
        return uuid.uuid4().hex


def _process(pid: int) -> str:
    """A process, and not one that has its number later; empty where it has ended (proc(5), stat)."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if state in "ZX" else f"{pid} {fields[18]}"


def _has_ended(holder: str) -> bool:
    """Whether a lease's holder is known to work no more; False for one on another machine."""
    machine, _, process = holder.partition(" ")
    return machine == _machine() and _process(int(process.partition(" ")[0])) != process


def _renew_until(over: threading.Event, app: Flask, lease: Lease) -> None:
    """A thread of its own, so that no step of the work is too long."""
    while not over.wait(_RENEW_SECONDS):
        try:
            with app.app_context():
                use_tenant(lease.tenant_id)
                db.session.execute(_RENEW, lease.key | {"seconds": LEASE_SECONDS})
                db.session.commit()
        except DBAPIError:
            app.logger.warning("the lease of %s could not be renewed", lease.name, exc_info=True)


def _let_go(lease: Lease) -> None:
    try:
        with db.engine.begin() as connection:
            set_tenant(connection, lease.tenant_id)
            connection.execute(_LET_GO, lease.key)
    except DBAPIError:
        current_app.logger.warning("the lease of %s was not given back; it ends by itself", lease.name)
