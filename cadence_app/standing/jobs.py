"""The sweep of what goes on by itself: whose right is gone, and which token is about to expire."""

from __future__ import annotations

from flask import current_app

from cadence_app.extensions import db
from cadence_app.standing import absent
from cadence_app.tenancy import use_tenant
from cadence_app.work.sweeps import quick_sweep


@quick_sweep
def sweep_standing() -> None:
    """One tenant that can't be seen to keeps none of the others waiting."""
    for tenant_id in absent.tenants_due():
        use_tenant(tenant_id)
        try:
            absent.look_after()
        except Exception:
            db.session.rollback()
            current_app.logger.exception("what goes on in tenant %s could not be looked after", tenant_id)
