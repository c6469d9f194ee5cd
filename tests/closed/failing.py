"""Work that fails at the database, about somebody whose data must not be told."""

from __future__ import annotations

from sqlalchemy import text

from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.tenancy import use_tenant


def add_twice(tenant_id: int, number: str, name: str) -> None:
    """As a job of RQ: two contacts of one number."""
    use_tenant(tenant_id)
    for _ in range(2):
        contact = Contact(tenant_id=tenant_id, number=number, first_name=name, last_name=name, external_id="")
        db.session.add(contact)
        db.session.flush()


def add_by_sql(tenant_id: int, contact_id: int) -> None:
    """As a job of RQ that carries ids alone."""
    use_tenant(tenant_id)
    first = db.session.get_one(Contact, contact_id)
    db.session.execute(
        text("INSERT INTO contacts (tenant_id, number, first_name, last_name) VALUES (:t, :n, :f, :f)"),
        {"t": tenant_id, "n": first.number, "f": first.first_name},
    )
