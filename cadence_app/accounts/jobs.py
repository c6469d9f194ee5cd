"""The sweeps of old sessions and of old failures."""

from __future__ import annotations

from cadence_app.accounts import tries
from cadence_app.accounts.sessions import forget_old, kept_for
from cadence_app.work.sweeps import EVERYBODY, sweep


@sweep(
    "due_old_sessions", late=kept_for, every=3600, queue="sweeps", seconds=1800, of_each=1, at_most=EVERYBODY
)
def sweep_sessions(tenant_id: int, _: int) -> None:
    """Forgets the sessions of a tenant that nobody needs any more."""
    forget_old()


@sweep(None, every=3600, queue="sweeps")
def sweep_failed_tries() -> None:
    """Forgets the failed tries to sign in of more than an hour ago, which are of no tenant."""
    tries.forget_old()
