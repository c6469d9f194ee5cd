"""The tags of contacts: words that group them across teams."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError

from cadence_app.accounts import audit
from cadence_app.accounts.models import User
from cadence_app.contacts.models import Contact, ContactTag, Tag
from cadence_app.extensions import db
from cadence_app.tenancy import tenant_in_use

MAX_LENGTH = 60


class BadTag(ValueError):
    """What somebody typed is no tag; the text says why."""


def all_tags() -> list[Tag]:
    return list(db.session.scalars(select(Tag).order_by(func.lower(Tag.name))))


def tags_of(contact_ids: Collection[int]) -> dict[int, list[Tag]]:
    """The tags of each of these contacts, by name."""
    found: dict[int, list[Tag]] = {contact_id: [] for contact_id in contact_ids}
    query = (
        select(ContactTag.contact_id, Tag)
        .join(Tag, Tag.id == ContactTag.tag_id)
        .where(ContactTag.contact_id.in_(found))
        .order_by(func.lower(Tag.name))
    )
    for contact_id, tag in db.session.execute(query):
        found[contact_id].append(tag)
    return found


def add_tag(user: User, contact: Contact, typed: str) -> Tag:
    """Gives a contact a tag, made where the tenant has none of this name, and commits. Errors: BadTag."""
    contact_id, tag = contact.id, named(typed)
    add_to(user, [contact_id], tag.id)
    db.session.commit()
    return tag


def named(typed: str) -> Tag:
    """The tag of this name, made where the tenant has none. The caller commits. Errors: BadTag."""
    name = cleaned(typed)
    return _tag_named(name) or _make_tag(name)


def cleaned(typed: str) -> str:
    """A tag's name as it is kept. Errors: BadTag."""
    name = " ".join(typed.replace("\x00", "").split())
    if not name:
        raise BadTag("Type a tag, or choose one of those suggested.")
    if len(name) > MAX_LENGTH:
        raise BadTag(f"Keep a tag under {MAX_LENGTH} characters.")
    return name


def carrying(contact_ids: Collection[int], tag_id: int) -> list[int]:
    """The ids of those of these contacts who carry a tag."""
    query = select(ContactTag.contact_id).where(
        ContactTag.contact_id.in_(contact_ids), ContactTag.tag_id == tag_id
    )
    return list(db.session.scalars(query.order_by(ContactTag.contact_id)))


def add_to(user: User, contact_ids: Sequence[int], tag_id: int) -> list[int]:
    """Gives contacts a tag: the ids of those who had it not. The caller commits."""
    rows = [
        {"contact_id": each, "tag_id": tag_id, "tenant_id": tenant_in_use()} for each in sorted(contact_ids)
    ]
    if not rows:
        return []
    new = upsert(ContactTag).values(rows).on_conflict_do_nothing().returning(ContactTag.contact_id)
    added = list(db.session.scalars(new))
    name = db.session.get_one(Tag, tag_id).name
    for contact_id in added:
        audit.record(user, "contact.tagged", f"Contact {contact_id}", tag=(None, name))
    return added


def remove_from(user: User, contact_ids: Collection[int], tag_id: int) -> int:
    """Takes a tag from contacts: from how many. The tag itself stays. The caller commits."""
    removed = db.session.scalars(
        delete(ContactTag)
        .where(ContactTag.contact_id.in_(contact_ids), ContactTag.tag_id == tag_id)
        .returning(ContactTag.contact_id)
    ).all()
    for contact_id in removed:
        name = db.session.get_one(Tag, tag_id).name
        audit.record(user, "contact.untagged", f"Contact {contact_id}", tag=(name, None))
    return len(removed)


def remove_tag(user: User, contact: Contact, tag_id: int) -> None:
    """Takes a tag from a contact and commits; the tag itself stays."""
    remove_from(user, [contact.id], tag_id)
    db.session.commit()


def _tag_named(name: str) -> Tag | None:
    return db.session.scalars(select(Tag).where(func.lower(Tag.name) == func.lower(name))).one_or_none()


def _make_tag(name: str) -> Tag:
    try:
        with db.session.begin_nested():
            tag = Tag(tenant_id=tenant_in_use(), name=name)
            db.session.add(tag)
    except IntegrityError:
        # Somebody else made it between the two statements.
        return db.session.scalars(select(Tag).where(func.lower(Tag.name) == func.lower(name))).one()
    return tag
