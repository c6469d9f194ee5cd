"""One phone, two spellings: the older one of a contact's number gives way to the one in use now."""

from __future__ import annotations

from sqlalchemy import func, select, update

from cadence_app.consent import number_stops, same_phone
from cadence_app.consent.number_holders import contact_with
from cadence_app.contacts.models import Contact, ContactNumber
from cadence_app.extensions import db
from cadence_app.tenancy import tenant_in_use

RESPELLED = "The same phone: numbers of Mexico are written without the 1 after +52."


def respell(contact_id: int, number: str, new: str) -> None:
    """Makes a number of a contact, whom the caller holds, the same one in another spelling. Their consent
    stays: it is the same phone. Errors: IntegrityError where another contact has that one."""
    same_phone.respell(contact_id, number, new)
    barred, bars = same_phone.barred_in(contact_id), number_stops.bars_of(contact_id)
    contact = db.session.get_one(Contact, contact_id, populate_existing=True)
    current = (ContactNumber.contact_id == contact_id) & ContactNumber.until.is_(None)
    kept = db.session.scalars(select(ContactNumber).where(current, ContactNumber.number == number)).one()
    user_id, reason = kept.user_id, kept.reason or RESPELLED
    if contact.number == number:
        contact.number = new
        db.session.flush()
    ended = update(ContactNumber).where(current, ContactNumber.number == number)
    db.session.execute(ended.values(until=func.now()))
    told = {"user_id": user_id, "reason": reason}
    if contact_with(new) is None:
        db.session.add(ContactNumber(tenant_id=tenant_in_use(), contact_id=contact_id, number=new, **told))
        db.session.flush()
    else:
        unsaid = current, ContactNumber.number == new, ContactNumber.reason == ""
        db.session.execute(update(ContactNumber).where(*unsaid).values(**told))
    number_stops.keep_only_of(contact_id, new, bars)
    same_phone.opt_out_where_barred(contact_id, barred)
