"""Whose rows the current transaction works with.

Each transaction begins with one statement that takes the application's role and sets the tenant, for as long
as it lasts. The login that connects has no rights of its own (database_roles.py), so a transaction that did
not begin so is refused everything, whatever pooler lies between. Every tenant table has row-level security on
the setting `cadence.tenant_id` (the policies are in migrations/as_of_0052/policies.sql, those of later tables
are made by migrations/tenants.py): one without a tenant sees no row at all, rather than another tenant's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flask import has_app_context
from sqlalchemy import Connection, event, text

from cadence_app import number_key
from cadence_app.database_roles import APP_ROLE, WrongLogin, check_login
from cadence_app.extensions import db
from cadence_app.outbound.own_servers import pin

# Days and hours are read in UTC, whatever the server's zone.
_BEGIN = (
    "SELECT set_config('role', %(role)s, true), set_config('cadence.tenant_id', %(tenant_id)s, true),"
    f" set_config('{number_key.KEY_SETTING}', %(key)s, true), set_config('timezone', 'UTC', true),"
    " current_user"
)
_SET_TENANT = text(
    "SELECT set_config('cadence.tenant_id', :tenant_id, true),"
    f" set_config('{number_key.KEY_SETTING}', :key, true)"
)

_followers: list[Callable[[int], None]] = []


def use_tenant(tenant_id: int) -> None:
    """Makes the session work for this tenant: in the open transaction and in each that follows, as does a
    connection beside the session that begins meanwhile."""
    session = db.session()
    if session.info.get("tenant_id") != tenant_id:
        for follow in _followers:
            follow(tenant_id)
    session.info["tenant_id"] = tenant_id
    if session.in_transaction():
        set_tenant(session.connection(), tenant_id)


def set_tenant(connection: Connection, tenant_id: int) -> None:
    """Makes the open transaction of a connection outside the session work for this tenant. Errors:
    number_key.WrongKey."""
    connection.execute(_SET_TENANT, {"tenant_id": str(tenant_id), "key": number_key.hex_key()})
    number_key.check(connection)


def before_change(follow: Callable[[int], None]) -> None:
    """Has a function called, with the id of the tenant to come, before the session goes over to another."""
    if follow not in _followers:
        _followers.append(follow)


@contextmanager
def keeping_tenant() -> Iterator[None]:
    """What runs within may look at other tenants: the session works for the one of before when it ends."""
    before = db.session().info.get("tenant_id")
    try:
        yield
    finally:
        if before is not None:
            use_tenant(before)


def tenant_in_use() -> int:
    """The session's tenant id; RuntimeError where none was set."""
    tenant_id = _tenant()
    if tenant_id is None:
        raise RuntimeError("no tenant is in use")
    return tenant_id


def _tenant() -> int | None:
    if not has_app_context() or not db.session.registry.has():
        return None
    tenant_id = db.session().info.get("tenant_id")
    return None if tenant_id is None else int(tenant_id)


def _begin(connection: Connection) -> None:
    tenant_id = _tenant()
    settings = {
        "role": APP_ROLE,
        "tenant_id": "" if tenant_id is None else str(tenant_id),
        "key": "" if tenant_id is None else number_key.hex_key(),
    }
    user = connection.exec_driver_sql(_BEGIN, settings).one()[-1]
    if user != APP_ROLE:
        connection.invalidate()
        raise WrongLogin(f"the database went on as {user}, not as {APP_ROLE}")
    if tenant_id is not None:
        number_key.check(connection)


def _connected(connection: object, record: object) -> None:
    """Once for each new connection, of which a pool opens few."""
    try:
        check_login(connection)
    except BaseException:
        connection.close()  # type: ignore[attr-defined]
        raise
    connection.rollback()  # type: ignore[attr-defined]


def init_tenancy() -> None:
    """For the application's engine; that of the migrations is another."""
    event.listen(db.engine, "do_connect", pin)
    event.listen(db.engine, "connect", _connected)
    event.listen(db.engine, "begin", _begin)
