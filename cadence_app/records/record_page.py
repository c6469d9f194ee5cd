"""The record of one contact as a page: what it shows, and who may see it."""

from __future__ import annotations

from typing import Any

from flask import abort, render_template, request, url_for
from flask_login import current_user

from cadence_app.consent import blocks
from cadence_app.contacts import fields, service, tags
from cadence_app.contacts.models import Contact
from cadence_app.contacts.taken import said_to
from cadence_app.messaging import desk
from cadence_app.messaging.consent_card import Card, card_of
from cadence_app.records import merging, phones
from cadence_app.records.forms import EditContactForm
from cadence_app.records.timeline import Cursor, Only, timeline

GONE = "This contact was merged or erased meanwhile."


def shown_contact(contact_id: int) -> Contact:
    """A contact who is in one of the viewer's teams; 404 for any other."""
    return service.find_contact(current_user, contact_id) or abort(404)


def any_contact(contact_id: int) -> Contact:
    """For an admin's acts: a contact of the tenant; 404 for one of another, and for one who is gone."""
    return service.find_anywhere(contact_id) or abort(404)


def record_page(contact: Contact, **more: Any) -> str:
    """The page; `more` has what a form on it could not do: changed_card, tag_problem with typed_tag."""
    changed: Card | None = more.pop("changed_card", None)
    cards = [
        card_of(
            current_user,
            contact,
            stored.team,
            action=url_for("contacts.set_consent", contact_id=contact.id, team_id=stored.team_id),
        )
        for stored in service.statuses_of(current_user, [contact])[contact.id]
    ]
    if changed:
        cards = [changed if card.team == changed.team else card for card in cards]
    wanted, before = request.args.get("only", ""), request.args.get("before", "")
    only = Only(wanted) if wanted in set(Only) else Only.ALL
    return render_template(
        "records/show.html",
        contact=contact,
        cards=cards,
        blocks=blocks.blocks_of(contact.id),
        conversations=desk.conversations_with(current_user, contact),
        numbers=phones.numbers_of(contact.id),
        tags=tags.tags_of([contact.id])[contact.id],
        all_tags=tags.all_tags(),
        own_fields=fields.custom_fields(),
        name_form=None if contact.name else EditContactForm(formdata=None, obj=contact),
        duplicates=_visible(merging.likely_duplicates(contact)),
        only=only,
        before=before,
        timeline=timeline(current_user, contact.id, only, Cursor.parse(before) if before else None),
        **more,
    )


def taken_text(error: service.Taken) -> str:
    return said_to(current_user, error)


def record_or_list(contact_id: int) -> str:
    """The address of the record, where the admin is in one of its teams, else of the list."""
    if service.find_contact(current_user, contact_id):
        return url_for("contacts.show", contact_id=contact_id)
    return url_for("contacts.index")


def _visible(contacts: list[Contact]) -> list[Contact]:
    return [contact for contact in contacts if service.find_contact(current_user, contact.id)]
