"""What a user does with contacts selected in the list: tags them, takes a tag from them, or texts them; and
Undo. Many are dealt with in chunks, each committed by itself."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta

from sqlalchemy import delete, func, select

from cadence_app.accounts.models import User
from cadence_app.consent.contact_rows import lock_contacts
from cadence_app.consent.models import Consent
from cadence_app.contacts import tags
from cadence_app.contacts.models import Contact, Tag
from cadence_app.contacts.press_models import Action, ContactPress
from cadence_app.contacts.service import team_ids
from cadence_app.extensions import db

# So many in one press; the rest takes another.
MOST = 5000
_CHUNK = 500
_KEPT_FOR = timedelta(days=1)


class NoSuchTag(ValueError):
    """There is no such tag to take from anybody; the text says so."""


def tag(user: User, contact_ids: Collection[int], typed: str) -> ContactPress:
    """Gives those of these contacts whom the user may see a tag, made where there is none of this name, and
    commits. Errors: BadTag."""
    return _press(user, Action.TAG, contact_ids, tags.named(typed))


def untag(user: User, contact_ids: Collection[int], typed: str) -> ContactPress:
    """Takes a tag from them, and commits. Errors: BadTag; NoSuchTag."""
    name = tags.cleaned(typed)
    known = db.session.scalars(select(Tag).where(func.lower(Tag.name) == func.lower(name))).one_or_none()
    if known is None:
        raise NoSuchTag(f"There is no tag “{name}”.")
    return _press(user, Action.UNTAG, contact_ids, known)


def begin_campaign(user: User, contact_ids: Collection[int]) -> ContactPress:
    """Keeps them as those whom a new campaign is for, and commits. Whether each may be texted is asked by the
    campaign, as always."""
    press = ContactPress(
        tenant_id=user.tenant_id,
        user_id=user.id,
        action=Action.TEXT,
        contact_ids=_visible(user, contact_ids),
    )
    _forget_old(user)
    db.session.add(press)
    db.session.commit()
    return press


def find(user: User, press_id: int | None) -> ContactPress | None:
    """A press of the user's own of the last day that was not undone."""
    if press_id is None:
        return None
    query = select(ContactPress).where(
        ContactPress.id == press_id,
        ContactPress.user_id == user.id,
        ContactPress.undone_at.is_(None),
        ContactPress.created_at > func.now() - _KEPT_FOR,
    )
    return db.session.scalars(query).one_or_none()


def undo(user: User, press: ContactPress) -> int:
    """Turns a tag or its taking back, where the user may still see them and nobody has done it since, and
    commits: for how many."""
    ids, tag_id, action, done = list(press.contact_ids), press.tag_id, press.action, 0
    press.undone_at = func.now()
    for chunk in _chunks(_visible(user, ids)):
        done += len(_change(user, action == Action.UNTAG, chunk, tag_id or 0))
        db.session.commit()
    db.session.commit()
    return done


def _press(user: User, action: Action, contact_ids: Collection[int], of: Tag) -> ContactPress:
    press = ContactPress(
        tenant_id=user.tenant_id, user_id=user.id, action=action, tag_id=of.id, contact_ids=[]
    )
    _forget_old(user)
    db.session.add(press)
    db.session.flush()
    tag_id = of.id
    for chunk in _chunks(_visible(user, contact_ids)):
        changed = _change(user, action == Action.TAG, chunk, tag_id)
        # Anew, so that the session sees that it changed.
        press.contact_ids = [*press.contact_ids, *changed]
        db.session.commit()
    db.session.commit()
    return press


def _change(user: User, give: bool, contact_ids: Sequence[int], tag_id: int) -> list[int]:
    """The ids of those that it changed. Whoever was merged or erased meanwhile is left out."""
    held = sorted(lock_contacts(list(contact_ids)))
    if give:
        return tags.add_to(user, held, tag_id)
    carried = tags.carrying(held, tag_id)
    tags.remove_from(user, carried, tag_id)
    return carried


def _visible(user: User, contact_ids: Collection[int]) -> list[int]:
    shared = select(Consent.contact_id).where(Consent.team_id.in_(team_ids(user)))
    query = select(Contact.id).where(
        Contact.id.in_(contact_ids), Contact.id.in_(shared), Contact.gone_at.is_(None)
    )
    return list(db.session.scalars(query.order_by(Contact.id).limit(MOST)))


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[at : at + _CHUNK] for at in range(0, len(ids), _CHUNK))


def _forget_old(user: User) -> None:
    db.session.execute(
        delete(ContactPress).where(
            ContactPress.user_id == user.id, ContactPress.created_at < func.now() - _KEPT_FOR
        )
    )
