"""The page on which a new text is written: what its address and its form say, and what it shows."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from flask import abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import select

from cadence_app.consent.models import Status
from cadence_app.consent.number_holders import contact_with
from cadence_app.contacts import service as contacts
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.inboxes.service import area_code_near, visible_to
from cadence_app.messaging import (
    addressing,
    desk,
    draft_boxes,
    draft_lists,
    drafts,
    quiet_warnings,
    text_templates,
)
from cadence_app.messaging.addressing import Choice, Found
from cadence_app.messaging.consent_card import Card, card_of
from cadence_app.messaging.draft_models import What
from cadence_app.messaging.forms import (
    NewcomerForm,
    NewcomerLaterForm,
    NewTextForm,
    NewTextLaterForm,
    sets_time,
)
from cadence_app.messaging.lists import lists
from cadence_app.messaging.writing import writing_in
from cadence_app.phone_numbers import BadNumber, parse_number
from cadence_app.ui import htmx, query_values

CLOSED = "This inbox was closed meanwhile. Choose another one."
NONE_CHOSEN = "Choose the inbox to text from."


@dataclass
class Draft:
    """A text that is being written: to `contact`, or to somebody new; from the inbox of `choice`, one of
    `choices`. `holder` is who has the number that was typed for somebody new. `told` and `wrong` say what
    became of what was pressed. `keep`: what is typed stays in its fields, for nothing was sent; but for the
    number, where one that was `offered` takes its place."""

    contact: Contact | None
    choices: list[Choice]
    choice: Choice
    form: NewTextForm | NewTextLaterForm
    once: str
    holder: Contact | None = None
    told: str = ""
    wrong: str = ""
    card: Card | None = None
    keep: bool = False
    offered: bool = False


def new_draft(contact: Contact | None, number: str, inboxes: list[Inbox]) -> Draft:
    """An empty one, from the inbox that the address asks for."""
    choices = addressing.choices(inboxes, contact, full(number))
    wanted = wanted_inbox(request.args, choices)
    listed = _listed_inbox(choices, contact)
    choice = addressing.chosen(choices, wanted or listed) or addressing.first_of(choices)
    form = NewTextForm(formdata=None) if contact else NewcomerForm(formdata=None, number=number)
    draft = Draft(contact, choices, choice, form, str(uuid.uuid4()))
    if wanted is not None and choice.inbox.id != wanted:
        draft.wrong = CLOSED
    form.body.data = _chosen_template(draft)
    return draft


def sent_draft(inboxes: list[Inbox]) -> Draft:
    """What the form that was sent says, as things stand now. 404 for a contact or an inbox that is not the
    user's to choose."""
    contact = known(request.form)
    later = sets_time(request.form)
    form: NewTextForm | NewTextLaterForm
    if contact:
        form, number = NewTextLaterForm() if later else NewTextForm(), ""
    else:
        form = NewcomerLaterForm() if later else NewcomerForm()
        number = full(form["number"].data or "")
    choices = addressing.choices(inboxes, contact, number)
    wanted = wanted_inbox(request.form, choices)
    choice = addressing.chosen(choices, wanted) or addressing.first_of(choices)
    draft = Draft(contact, choices, choice, form, _once(), holder=holder_of(number))
    if wanted != choice.inbox.id:
        draft.wrong = CLOSED if wanted else NONE_CHOSEN
    return draft


def draft_to(contact: Contact, inbox_id: int | None) -> Draft:
    """Once something has changed for a contact: the choices anew, and the text that was typed."""
    choices = addressing.choices(addressing.offered_inboxes(current_user) or abort(404), contact)
    choice = addressing.chosen(choices, inbox_id) or addressing.first_of(choices)
    return Draft(contact, choices, choice, NewTextForm(), _once())


def answer(draft: Draft, status: int) -> ResponseReturnValue:
    """The form again: a part of the page for htmx, else the page."""
    if not htmx.wanted():
        return page(draft), status
    part = render_template("messaging/_new_form.html", **_shown(draft))
    again = address(draft.contact, draft.choice.inbox)
    return part, status, {"HX-Retarget": "#new-text", "HX-Reswap": "outerHTML", "HX-Replace-Url": again}


def page(draft: Draft) -> str:
    return _desk(**_shown(draft))


def whom_page(typed: str, found: Found) -> str:
    """The page that asks whom to text; before anything is typed, with the texts that were begun."""
    begun = [] if typed else draft_lists.to_people(current_user, desk.begun())
    return _desk(draft=None, begun=begun, **people_found(typed, found))


def no_inbox_page() -> str:
    return _desk(draft=None, found=None)


def people_found(typed: str, found: Found) -> dict[str, Any]:
    """What the list of people shows of what fits the words typed."""
    statuses = contacts.statuses_of(current_user, list(found.people))
    return {"typed": typed, "found": found, "statuses": statuses, "listed": kept()}


def number_of(draft: Draft) -> str:
    """The number (E.164) that a text would go to; empty while there is none."""
    return draft.contact.number if draft.contact else full(draft.form["number"].data or "")


def known(given: query_values.Given) -> Contact | None:
    """The contact that `to` names, if it names any; 404 for one whom the user may not see."""
    if not given.get("to"):
        return None
    contact_id = query_values.row_id(given, "to") or abort(404)
    return contacts.find_contact(current_user, contacts.kept_of(contact_id)) or abort(404)


def holder_of(number: str) -> Contact | None:
    """Who has a number (E.164, or empty), among those whom the user may see."""
    contact_id = contact_with(number) if number else None
    return contacts.find_contact(current_user, contact_id) if contact_id else None


def full(typed: str) -> str:
    """A number as E.164, empty where it is none."""
    try:
        return parse_number(typed) if typed else ""
    except BadNumber:
        return ""


def wanted_inbox(given: query_values.Given, choices: list[Choice]) -> int | None:
    """The id of the inbox that `from` names, if it names any; 404 for one that the user does not work in, but
    not for one that was closed meanwhile."""
    if not given.get("from"):
        return None
    inbox_id = query_values.row_id(given, "from") or abort(404)
    if inbox_id not in {choice.inbox.id for choice in choices}:
        theirs = select(Inbox.id).where(Inbox.id == inbox_id, visible_to(current_user))
        if db.session.scalars(theirs).one_or_none() is None:
            abort(404)
    return inbox_id


def address(contact: Contact | None, inbox: Inbox | None = None) -> str:
    """Where a text to a contact, or to somebody new, from an inbox is written."""
    wanted: dict[str, Any] = {"to": contact.id} if contact else {"number": ""}
    if inbox:
        wanted["from"] = inbox.id
    return url_for("new_text.show", **wanted, **kept())


def kept() -> dict[str, Any]:
    """What an address keeps: the inbox whose list stands beside."""
    return {"inbox": query_values.row_id(request.args, "inbox")}


def _desk(**shown: Any) -> str:
    return render_template("messaging/desk.html", **(lists(None) | shown), pane="thread", new_text=True)


def _shown(draft: Draft) -> dict[str, Any]:
    contact, choice, form = draft.contact, draft.choice, draft.form
    if contact and choice.status == Status.OPTED_OUT and draft.card is None:
        draft.card = _card(contact, choice.inbox)
    if isinstance(form, (NewcomerForm, NewcomerLaterForm)):
        form.number.offer_in(area_code_near([choice.inbox.team_id]))
    templates = _offered_templates(draft)
    box = None
    if contact:
        place = drafts.Place(What.TEXT, contact.id, choice.inbox.id)
        box = draft_boxes.of_place(current_user, place)
        if request.method == "GET" and not form.body.data:
            form.body.data = box.words
    return {
        "text_box": box,
        "draft": draft,
        "form": form,
        "templates": templates,
        "listed": kept(),
        **writing_in(choice.inbox),
        **quiet_warnings.in_composer(current_user, number_of(draft), choice.conversation),
    }


def _card(contact: Contact, inbox: Inbox) -> Card:
    here: dict[str, Any] = {"contact_id": contact.id, "team_id": inbox.team_id, "from": inbox.id}
    back = url_for("new_text.set_consent", **here, **kept())
    return card_of(current_user, contact, inbox.team, action=back)


def _offered_templates(draft: Draft) -> list[text_templates.Offered]:
    contact = draft.contact
    if contact is None:
        # Of no session: it has the names that the fields of a template become.
        names = {name: draft.form[name].data or "" for name in ("first_name", "last_name")}
        contact = Contact(number="", external_id="", custom={}, **names)
    return text_templates.offered_for(current_user, draft.choice.inbox.team_id, contact)


def _chosen_template(draft: Draft) -> str:
    """The text of the saved one that a link names, for who has no script to put it into the box."""
    wanted = query_values.row_id(request.args, "template")
    offered = _offered_templates(draft) if wanted else []
    return next((each.text for each in offered if each.template.id == wanted), "")


def _listed_inbox(choices: list[Choice], contact: Contact | None) -> int | None:
    """The inbox whose list stands beside, if a text would go from it and nobody known joins a team by it."""
    choice = addressing.chosen(choices, query_values.row_id(request.args, "inbox"))
    goes = choice is not None and choice.free and not (contact and choice.joins)
    return choice.inbox.id if choice and goes else None


def _once() -> str:
    return query_values.text(request.form, "once") or str(uuid.uuid4())
