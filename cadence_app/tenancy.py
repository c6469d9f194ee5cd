"""Which tenant the current transaction belongs to.

Every tenant table has row-level security on the setting `cadence.tenant_id`; a transaction that has not set
it sees no row at all. So a forgotten filter shows nothing, rather than another tenant's data.
"""

from __future__ import annotations

from sqlalchemy import Connection, event, text
from sqlalchemy.orm import Session, SessionTransaction

from cadence_app import number_key
from cadence_app.extensions import db

_SET_TENANT = text(
    "SELECT set_config('cadence.tenant_id', :tenant_id, true),"
    f" set_config('{number_key.KEY_SETTING}', :key, true)"
)


def use_tenant(tenant_id: int) -> None:
    """Makes the session work for this tenant: in the open transaction and in each that follows."""
    session = db.session()
    session.info["tenant_id"] = tenant_id
    if session.in_transaction():
        set_tenant(session.connection(), tenant_id)


def set_tenant(connection: Connection, tenant_id: int) -> None:
    """Makes the open transaction of a connection outside the session work for this tenant. Errors:
    number_key.WrongKey."""
    connection.execute(_SET_TENANT, {"tenant_id": str(tenant_id), "key": number_key.hex_key()})
    number_key.check(connection)


def tenant_in_use() -> int:
    """The session's tenant id; RuntimeError where none was set."""
    tenant_id = db.session().info.get("tenant_id")
    if tenant_id is None:
        raise RuntimeError("no tenant is in use")
    return int(tenant_id)


def _begin(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    tenant_id = session.info.get("tenant_id")
    if tenant_id is not None:
        set_tenant(connection, tenant_id)


def init_tenancy() -> None:
    event.listen(db.session, "after_begin", _begin)
