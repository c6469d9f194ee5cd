"""Custom fields and tags: what an organisation adds to its contacts. Each function audits what it changes;
the caller commits."""

from __future__ import annotations

from sqlalchemy import Text, cast, delete, func, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError

from cadence_app.accounts import audit
from cadence_app.accounts.audit import Actor
from cadence_app.accounts.service import Refused
from cadence_app.contacts.models import Contact, ContactTag, CustomField, FieldKind, Tag
from cadence_app.extensions import db
from cadence_app.tenancy import tenant_in_use

MOST_FIELDS = 100


def fields() -> list[CustomField]:
    return list(db.session.scalars(select(CustomField).order_by(CustomField.position, CustomField.id)))


def find_field(field_id: int) -> CustomField | None:
    return db.session.get(CustomField, field_id)


def make_field(actor: Actor, name: str, kind: FieldKind) -> CustomField:
    """Adds a field after the others. Errors: Refused for a name that is taken, and for one field too many."""
    known = fields()
    if len(known) >= MOST_FIELDS:
        raise Refused(f"There are {MOST_FIELDS} fields already, which is the most.")
    _check_free(CustomField, name, None)
    position = max((field.position for field in known), default=0) + 1
    field = CustomField(tenant_id=tenant_in_use(), name=name, kind=kind, position=position)
    db.session.add(field)
    _flush(CustomField, name, None)
    audit.record(actor, "custom_field.made", name, kind=(None, kind))
    return field


def move_field(actor: Actor, field: CustomField, up: bool) -> None:
    """One place up or down in the order in which contacts show the fields."""
    order = fields()
    before = [each.name for each in order]
    place = order.index(field)
    other = place - 1 if up else place + 1
    if not 0 <= other < len(order):
        return
    order[place], order[other] = order[other], order[place]
    for position, each in enumerate(order, 1):
        each.position = position
    audit.record(actor, "custom_fields.reordered", field.name, order=(before, [each.name for each in order]))


def carrying_field(field: CustomField) -> int:
    """How many contacts have a value in a field."""
    return db.session.scalars(select(func.count()).where(Contact.custom.has_key(str(field.id)))).one()


def delete_field(actor: Actor, field: CustomField) -> None:
    """Deletes a field and its values, which can't be had back."""
    carrying = carrying_field(field)
    db.session.execute(
        update(Contact)
        .where(Contact.custom.has_key(str(field.id)))
        .values(custom=Contact.custom.op("-", return_type=JSONB())(cast(str(field.id), Text)))
        .execution_options(synchronize_session=False)
    )
    audit.record(actor, "custom_field.deleted", field.name, contacts=(carrying, 0))
    db.session.delete(field)


def tags() -> list[tuple[Tag, int]]:
    """The tags by name, each with how many contacts carry it."""
    carrying = select(func.count()).where(ContactTag.tag_id == Tag.id).scalar_subquery()
    query = select(Tag, carrying).order_by(func.lower(Tag.name))
    return [(row[0], row[1]) for row in db.session.execute(query)]


def find_tag(tag_id: int) -> Tag | None:
    return db.session.get(Tag, tag_id)


def make_tag(actor: Actor, name: str) -> Tag:
    """Errors: Refused for a name that is taken."""
    _check_free(Tag, name, None)
    tag = Tag(tenant_id=tenant_in_use(), name=name)
    db.session.add(tag)
    _flush(Tag, name, None)
    audit.record(actor, "tag.made", name)
    return tag


def rename(actor: Actor, label: CustomField | Tag, name: str) -> None:
    """Errors: Refused for a name that is taken."""
    before, label_id, kind = label.name, label.id, type(label)
    _check_free(kind, name, label_id)
    label.name = name
    _flush(kind, name, label_id)
    if before != name:
        what = "tag" if kind is Tag else "custom_field"
        audit.record(actor, f"{what}.renamed", name, name=(before, name))


def carrying_tag(tag: Tag) -> int:
    return db.session.scalars(select(func.count()).where(ContactTag.tag_id == tag.id)).one()


def delete_tag(actor: Actor, tag: Tag) -> None:
    """Takes a tag off every contact and deletes it."""
    taken_off = db.session.scalars(
        delete(ContactTag).where(ContactTag.tag_id == tag.id).returning(ContactTag.contact_id)
    ).all()
    audit.record(actor, "tag.deleted", tag.name, contacts=(len(taken_off), 0))
    db.session.delete(tag)


def _check_free(kind: type[CustomField] | type[Tag], name: str, but: int | None) -> None:
    other = select(kind.id).where(func.lower(kind.name) == name.lower(), kind.id.is_distinct_from(but))
    if db.session.scalar(other):
        raise Refused("There is one of this name already.")


def _flush(kind: type[CustomField] | type[Tag], name: str, but: int | None) -> None:
    try:
        db.session.flush()
    except IntegrityError:
        # Somebody else took the name between the two statements.
        db.session.rollback()
        _check_free(kind, name, but)
        raise
