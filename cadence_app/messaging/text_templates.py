"""Saved texts: a team's, for everybody in it, and a user's own."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from cadence_app.accounts.models import User
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.messaging.merge_fields import tenant_fields
from cadence_app.messaging.text_template_models import TextTemplate


class NameTaken(ValueError):
    """The team, or the user, has a template of this name."""


@dataclass(frozen=True)
class Offered:
    """A template as a composer offers it: `text` is what is put into the box."""

    template: TextTemplate
    text: str


def templates_of(user: User) -> list[TextTemplate]:
    """Those a user may use and change: their own, and their teams' (an admin's: every team's), by name."""
    theirs = TextTemplate.team_id.in_([team.id for team in user.teams])
    if user.is_admin:
        theirs = TextTemplate.team_id.is_not(None)
    query = (
        select(TextTemplate)
        .where(or_(TextTemplate.user_id == user.id, theirs))
        .options(joinedload(TextTemplate.team))
        .order_by(func.lower(TextTemplate.name), TextTemplate.id)
    )
    return list(db.session.scalars(query))


def find(user: User, template_id: int) -> TextTemplate | None:
    return next((each for each in templates_of(user) if each.id == template_id), None)


def offered_for(user: User, team_id: int, contact: Contact) -> list[Offered]:
    """A user's templates for a conversation of a team, with the contact's own values in them."""
    fields = tenant_fields()
    return [
        Offered(each, fields.render(each.body, contact))
        for each in templates_of(user)
        if each.team_id in {None, team_id}
    ]


def save(user: User, template: TextTemplate | None, team_id: int | None, name: str, body: str) -> None:
    """Keeps a template for a team or (None) the user alone, and commits. Errors: NameTaken."""
    if template is None:
        template = TextTemplate(tenant_id=user.tenant_id)
        db.session.add(template)
    template.team_id, template.user_id = team_id, None if team_id else user.id
    template.name, template.body = name, body
    try:
        db.session.commit()
    except IntegrityError as error:
        db.session.rollback()
        raise NameTaken(name) from error


def delete(template: TextTemplate) -> None:
    """Commits."""
    db.session.delete(template)
    db.session.commit()
