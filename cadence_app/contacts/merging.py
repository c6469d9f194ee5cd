"""What a merge does to the two records themselves: details, tags and numbers of the one who goes come to the
one who is kept, and the first points to the second from then on."""

from __future__ import annotations

from sqlalchemy import delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from cadence_app.consent import number_stops
from cadence_app.contacts.models import Contact, ContactNumber, ContactTag
from cadence_app.extensions import db
from cadence_app.phone_numbers import spelled
from cadence_app.traces import Merging


def merge_records(merging: Merging) -> None:
    """In the caller's transaction, which holds both."""
    kept = db.session.get_one(Contact, merging.kept_id, populate_existing=True)
    gone = db.session.get_one(Contact, merging.gone_id, populate_existing=True)
    _move_details(kept, gone)
    _move_tags(kept, gone)
    _move_numbers(merging.user_id, kept, gone, merging.texted_id)


def _move_details(kept: Contact, gone: Contact) -> None:
    """Fills what the kept record lacks; where both say something, the kept one's stays."""
    if not kept.name:
        kept.first_name, kept.last_name = gone.first_name, gone.last_name
    external_id, gone.external_id = gone.external_id, ""
    kept.custom = gone.custom | kept.custom
    db.session.flush()
    kept.external_id = kept.external_id or external_id


def _move_tags(kept: Contact, gone: Contact) -> None:
    tags = select(ContactTag.tag_id, ContactTag.tenant_id, literal(kept.id))
    given = upsert(ContactTag).from_select(
        ["tag_id", "tenant_id", "contact_id"], tags.where(ContactTag.contact_id == gone.id)
    )
    db.session.execute(given.on_conflict_do_nothing())
    db.session.execute(delete(ContactTag).where(ContactTag.contact_id == gone.id))


def _move_numbers(user_id: int, kept: Contact, gone: Contact, texted_id: int) -> None:
    """Every number that either has reaches the kept contact from now on."""
    current = select(ContactNumber.number).where(
        ContactNumber.contact_id == gone.id, ContactNumber.until.is_(None)
    )
    # A number in an older spelling comes along in the present one, which the kept one may have already.
    numbers, texted = {spelled(number) for number in db.session.scalars(current)}, spelled(gone.number)
    has = select(ContactNumber.number).where(
        ContactNumber.contact_id == kept.id, ContactNumber.until.is_(None)
    )
    new = sorted(numbers - set(db.session.scalars(has)))
    # A bar goes with the number that ends here.
    barred = {(scope, spelled(number), team_id) for scope, number, team_id in number_stops.barred(gone.id)}
    db.session.execute(
        update(ContactNumber)
        .where(ContactNumber.contact_id == gone.id, ContactNumber.until.is_(None))
        .values(until=func.now(), ended_by_id=user_id)
    )
    gone.number, gone.merged_into_id = f"merged-{gone.id}", kept.id
    gone.gone_at, gone.gone_by_id = func.now(), user_id
    db.session.execute(
        update(Contact).where(Contact.merged_into_id == gone.id).values(merged_into_id=kept.id)
    )
    db.session.flush()
    db.session.add_all(
        ContactNumber(
            tenant_id=kept.tenant_id,
            contact_id=kept.id,
            number=number,
            user_id=user_id,
            reason="Came with a merge.",
        )
        for number in new
    )
    db.session.flush()
    if texted_id == gone.id:
        kept.number = texted
        db.session.flush()
    number_stops.not_of_another(kept.id, numbers, barred)
