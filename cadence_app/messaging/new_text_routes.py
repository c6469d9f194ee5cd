"""Writing first: choosing whom, from which inbox, and the text. Nothing is kept before Send is pressed."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cadence_app.accounts.roles import desk_required
from cadence_app.consent.by_user import consent_of
from cadence_app.consent.evidence_by_user import AgreedBefore
from cadence_app.contacts import service as contacts
from cadence_app.contacts.models import Contact
from cadence_app.contacts.taken import said_to
from cadence_app.messaging import addressing, desk, draft_boxes, new_text, quiet_warnings
from cadence_app.messaging import new_text_page as pages
from cadence_app.messaging.consent_card import toggle
from cadence_app.messaging.forms import ComposeForm, NewcomerForm, NewcomerLaterForm, NewTextLaterForm
from cadence_app.messaging.jobs import dispatch_pressed
from cadence_app.messaging.media import service as media
from cadence_app.messaging.models import Conversation, MessageState
from cadence_app.messaging.new_text_page import Draft
from cadence_app.messaging.routes import thread_page
from cadence_app.messaging.writing import LARGEST_FORM
from cadence_app.phone_numbers import spellings
from cadence_app.ui import htmx, query_values

blueprint = Blueprint("new_text", __name__, url_prefix="/messages/new")


@blueprint.url_value_preprocessor
def allow_pictures(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """As for a text in a conversation (routes.py)."""
    if endpoint == "new_text.send" and current_user.is_authenticated and current_user.works_desk:
        request.max_content_length = LARGEST_FORM


@blueprint.get("")
@desk_required
def show() -> ResponseReturnValue:
    """Asks whom to text, from what was typed as `who`; then, of the contact `to` or of somebody new with a
    `number`, for the text. Where there is a conversation already it is written there, unless an inbox was
    chosen (`from`) or is to be (`pick`)."""
    inboxes = addressing.offered_inboxes(current_user)
    contact = pages.known(request.args)
    number = query_values.text(request.args, "number")
    if not inboxes:
        return pages.no_inbox_page()
    if contact is None and "number" not in request.args:
        return _ask_whom()
    if contact is None and (holder := pages.holder_of(pages.full(number))):
        return redirect(pages.address(holder))
    draft = pages.new_draft(contact, number, inboxes)
    talk = draft.choice.conversation
    if talk and "from" not in request.args and "pick" not in request.args:
        return redirect(_conversation_url(talk.id))
    return pages.page(draft)


@blueprint.get("/people")
@desk_required
def people() -> str:
    """Who fits what is being typed, for the page of show()."""
    typed = query_values.text(request.args, "who")
    found = addressing.find_people(current_user, typed)
    return render_template("messaging/_new_found.html", **pages.people_found(typed, found))


@blueprint.post("")
@desk_required
def send() -> ResponseReturnValue:
    """Sends the text, or sets it for `later`; with `choose` shows what was chosen and sends nothing, and with
    `open` goes on in the conversation that there is."""
    inboxes = addressing.offered_inboxes(current_user)
    if not inboxes:
        return pages.no_inbox_page(), 422
    draft = pages.sent_draft(inboxes)
    form, inbox = draft.form, draft.choice.inbox
    # A number that was offered comes after the one that was typed, and a contact in the place of one.
    offered = len(request.form.getlist("number")) > 1 or {"to", "number"} <= request.form.keys()
    if "choose" in request.form or offered:
        return _chosen(draft)
    if "open" in request.form and draft.choice.conversation:
        return _continue(draft.choice.conversation, form)
    if not form.validate_on_submit() or draft.wrong or not form.carried_by(inbox):
        return pages.answer(draft, 422)
    if not _told_of_hours(draft):
        draft.keep = True
        return pages.answer(draft, 422)
    files = media.store(form.uploads)
    press = new_text.Press(
        inbox, _to(draft), form.body.data, draft.once, form.given, files, draft_boxes.pressed()
    )
    try:
        if isinstance(form, NewTextLaterForm):
            outcome = new_text.send_later(current_user, press, form.send_at.instant)
        else:
            outcome = new_text.send(current_user, press)
    except contacts.Taken as taken:
        form["number"].errors = [said_to(current_user, taken)]
        draft.holder = contacts.find_contact(current_user, taken.contact.id)
    except AgreedBefore as error:
        form.agreed_before(error)
    except contacts.TeamClosed:
        draft.wrong = pages.CLOSED
    except new_text.Gone:
        abort(404)
    else:
        return _after(draft, outcome)
    return pages.answer(draft, 422)


@blueprint.post("/<int:contact_id>/teams/<int:team_id>/consent")
@desk_required
def set_consent(contact_id: int, team_id: int) -> ResponseReturnValue:
    """The toggle of the person's card, beside the text that waits to go from the inbox `from`."""
    contact = contacts.find_contact(current_user, contact_id) or abort(404)
    team = next((team for team in current_user.teams if team.id == team_id), None)
    if team is None or consent_of(contact.id, team.id) is None:
        abort(404)
    outcome = toggle(current_user, contact, team, action=request.full_path)
    draft = pages.draft_to(contact, query_values.row_id(request.args, "from"))
    if not htmx.wanted() and not outcome.card.problem:
        return redirect(pages.address(contact, draft.choice.inbox))
    draft.keep = True
    draft.card = outcome.card if draft.choice.inbox.team_id == team_id else None
    return pages.answer(draft, outcome.status)


def _told_of_hours(draft: Draft) -> bool:
    """Whether whoever pressed knew that it would come in the person's quiet hours, if it would."""
    form, number = draft.form, pages.number_of(draft)
    if isinstance(form, NewTextLaterForm):
        return form.told_of_time(number)
    return form.told_of(quiet_warnings.of_now(current_user.tenant, number, draft.choice.conversation))


def _ask_whom() -> ResponseReturnValue:
    typed = query_values.text(request.args, "who")
    found = addressing.find_people(current_user, typed)
    if found.meant:
        return redirect(pages.address(found.meant))
    if found.number and not found.people:
        return redirect(url_for("new_text.show", number=found.number, **pages.kept()))
    return pages.whom_page(typed, found)


def _chosen(draft: Draft) -> ResponseReturnValue:
    """The form as it is with what was chosen. Of what was typed only the number is looked at."""
    form, draft.keep = draft.form, True
    if isinstance(form, (NewcomerForm, NewcomerLaterForm)) and (typed := form.number.data):
        draft.offered = len(request.form.getlist("number")) > 1
        form.number.validate(form)
        form.number.data = typed
    return pages.answer(draft, 200)


def _continue(found: Conversation, form: ComposeForm) -> ResponseReturnValue:
    """The conversation that there is, with what was typed in its box."""
    desk.mark_read(found)
    page = thread_page(found, ComposeForm(formdata=None, body=form.body.data))
    if not htmx.wanted():
        return page
    return (
        page,
        200,
        {"HX-Retarget": "body", "HX-Reswap": "innerHTML", "HX-Push-Url": _conversation_url(found.id)},
    )


def _to(draft: Draft) -> int | new_text.Newcomer:
    if draft.contact:
        return draft.contact.id
    number, first, last = (draft.form[name].data for name in ("number", "first_name", "last_name"))
    return new_text.Newcomer(number, first, last)


def _after(draft: Draft, outcome: new_text.Outcome) -> ResponseReturnValue:
    """Leads to the text; or says why it did not go, with the text still in its box."""
    message, why_not = outcome.message, outcome.why_not
    if message is not None and not outcome.again:
        if message.state == MessageState.SUPPRESSED:
            why_not = message.detail
        else:
            dispatch_pressed(message)
    if outcome.conversation_id and not why_not:
        url = _conversation_url(outcome.conversation_id)
        return ("", 204, {"HX-Redirect": url}) if htmx.wanted() else redirect(url)
    contact = contacts.find_contact(current_user, outcome.contact_id)
    if contact is None:
        # Nobody was added: what is in the way is not of the person.
        draft.wrong = f"Nothing was sent. {why_not}"
        return pages.answer(draft, 409)
    inbox = draft.choice.inbox
    waiting = pages.draft_to(contact, inbox.id)
    waiting.told = "Nothing was sent."
    if outcome.joined:
        waiting.told = f"{contact.name or 'The contact'} is in {inbox.team.name} now. Nothing was sent."
        if draft.form.given and not _is_texted_at(draft, contact):
            waiting.told += " How they agreed was not kept: it must be for the number that is texted."
    if waiting.choice.inbox.id != inbox.id or not waiting.choice.barred:
        waiting.told += f" {why_not}"
    return pages.answer(waiting, 409)


def _is_texted_at(draft: Draft, contact: Contact) -> bool:
    """Whether a contact is texted at the number that was typed for them, if one was."""
    return draft.contact is not None or contact.number in spellings(draft.form["number"].data)


def _conversation_url(conversation_id: int) -> str:
    return url_for("messaging.conversation", conversation_id=conversation_id, write=1, **pages.kept())
