"""Messages: the three-pane desk."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cadence_app.accounts.requests import asks_by_itself
from cadence_app.accounts.roles import desk_required
from cadence_app.consent import blocks
from cadence_app.consent.ledger import lock_contacts
from cadence_app.consent.may_text import Kind
from cadence_app.extensions import db
from cadence_app.inboxes.service import people_in
from cadence_app.messaging import (
    assignments,
    bars,
    desk,
    for_me,
    later,
    notes,
    page_freshness,
    text_templates,
    thread,
)
from cadence_app.messaging.consent_card import Card, card_of, toggle
from cadence_app.messaging.forms import ComposeForm, LaterForm, NoteForm
from cadence_app.messaging.jobs import dispatch
from cadence_app.messaging.lists import lists
from cadence_app.messaging.media import service as media
from cadence_app.messaging.models import Conversation, MessageState
from cadence_app.messaging.sending import compose
from cadence_app.messaging.writing import LARGEST_FORM, writing_in
from cadence_app.ui import htmx, query_values

blueprint = Blueprint("messaging", __name__, url_prefix="/messages")

# The lists of an open page ask for themselves anew at once (desk.html).
_LISTS_CHANGED = {"HX-Trigger": "lists-changed"}


@blueprint.url_value_preprocessor
def allow_pictures(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """Lets who works at the desk send files here: the CSRF check reads the form before the view is called."""
    if endpoint == "messaging.send" and current_user.is_authenticated and current_user.works_desk:
        request.max_content_length = LARGEST_FORM


@blueprint.get("/", endpoint="desk")
@desk_required
def desk_page() -> str:
    # The inboxes come first on a phone; "All inboxes" asks with an empty `inbox`.
    pane = "conversations" if request.args else "inboxes"
    return render_template("messaging/desk.html", **lists(None), pane=pane)


@blueprint.get("/conversations/<int:conversation_id>")
@desk_required
def conversation(conversation_id: int) -> str:
    found = _conversation(conversation_id)
    for_me.saw(current_user, found.id)
    desk.mark_read(found)
    return thread_page(found, ComposeForm(formdata=None, body=_chosen_template(found)))


@blueprint.get("/conversations/<int:conversation_id>/fresh")
@asks_by_itself
@desk_required
def fresh(conversation_id: int) -> ResponseReturnValue:
    """204 while the open page is up to date, by one query; else the thread and the card anew."""
    version = page_freshness.conversation_version(current_user, conversation_id) or abort(404)
    if request.args.get("version") == version:
        return "", 204
    found = _conversation(conversation_id)
    for_me.saw(current_user, found.id)
    desk.mark_read(found)
    return render_template("messaging/_fresh.html", **_open(found))


@blueprint.get("/fresh")
@asks_by_itself
@desk_required
def fresh_lists() -> ResponseReturnValue:
    """204 while the lists are up to date, by one query; else both anew, for the page that has the
    conversation `open` before it."""
    if request.args.get("version") == page_freshness.lists_version(current_user):
        return "", 204
    opened = query_values.row_id(request.args, "open")
    found = desk.find_conversation(current_user, opened) if opened else None
    return render_template("messaging/_fresh_lists.html", **lists(found))


@blueprint.post("/conversations/<int:conversation_id>/send")
@desk_required
def send(conversation_id: int) -> ResponseReturnValue:
    found = _conversation(conversation_id)
    if "later" in request.form:
        return _send_later(found)
    form = ComposeForm()
    if not form.validate_on_submit():
        return _after_send(found, form, 422)
    if not form.carried_by(found.inbox):
        return _after_send(found, form, 422)
    stored = media.store(form.uploads)
    _hold(found)
    message = compose(current_user, found, form.body.data)
    media.attach(message, stored)
    db.session.commit()
    if message.state == MessageState.SUPPRESSED:
        form.body.errors = [f"Not sent. {message.detail}"]
        return _after_send(found, form, 409)
    dispatch(message.tenant_id, message.id)
    if not htmx.wanted():
        return redirect(url_for("messaging.conversation", conversation_id=found.id))
    return _after_send(found, ComposeForm(formdata=None), 200)


@blueprint.post("/conversations/<int:conversation_id>/consent")
@desk_required
def set_consent(conversation_id: int) -> ResponseReturnValue:
    found = _conversation(conversation_id)
    outcome = toggle(current_user, found.contact, found.inbox.team, action=_consent_url(found))
    if htmx.wanted():
        opened = _open(found, outcome.card)
        return render_template("messaging/_consent_changed.html", **opened), outcome.status, _LISTS_CHANGED
    if outcome.card.problem:
        return thread_page(found, ComposeForm(formdata=None), outcome.card), outcome.status
    return redirect(url_for("messaging.conversation", conversation_id=found.id))


@blueprint.post("/conversations/<int:conversation_id>/unread")
@desk_required
def mark_unread(conversation_id: int) -> ResponseReturnValue:
    """Back to the list: an open page would have it read at once."""
    desk.mark_unread(_conversation(conversation_id))
    only = request.args.get("only") or None
    return redirect(
        url_for("messaging.desk", inbox=request.args.get("inbox", ""), q=request.args.get("q"), only=only)
    )


@blueprint.post("/conversations/<int:conversation_id>/notes")
@desk_required
def add_note(conversation_id: int) -> ResponseReturnValue:
    found = _conversation(conversation_id)
    form = NoteForm()
    valid = form.validate_on_submit()
    if valid:
        _hold(found)
        notes.add(current_user, found, form.note.data)
        db.session.commit()
        form = NoteForm(formdata=None)
    status = 200 if valid else 422
    if htmx.wanted():
        return render_template("messaging/_noted.html", **_open(found), note_form=form, noted=valid), status
    if valid:
        return redirect(url_for("messaging.conversation", conversation_id=found.id))
    return thread_page(found, ComposeForm(formdata=None), note_form=form), status


@blueprint.post("/conversations/<int:conversation_id>/notes/<int:note_id>/delete")
@desk_required
def delete_note(conversation_id: int, note_id: int) -> ResponseReturnValue:
    found = _conversation(conversation_id)
    note = notes.find(found, note_id) or abort(404)
    try:
        notes.delete(current_user, note)
    except notes.NotTheirs:
        abort(403)
    db.session.commit()
    if htmx.wanted():
        return render_template("messaging/_note_gone.html", **_open(found))
    flash("The note is deleted.", "success")
    return redirect(url_for("messaging.conversation", conversation_id=found.id))


@blueprint.post("/conversations/<int:conversation_id>/assignment")
@desk_required
def assign(conversation_id: int) -> ResponseReturnValue:
    found = _conversation(conversation_id)
    try:
        wanted, seen = _id_or_none("assignee"), _id_or_none("seen")
        overtaken = assignments.assign(current_user, found, wanted, seen)
        told, status = _told(found, overtaken), 200
    except (assignments.Refused, ValueError) as refused:
        db.session.rollback()
        told, status = str(refused), 409
    else:
        db.session.commit()
    if htmx.wanted():
        page = render_template("messaging/_assigned.html", **_open(found), told=told)
        return page, status, _LISTS_CHANGED
    if told:
        flash(told, "warning")
    return redirect(url_for("messaging.conversation", conversation_id=found.id))


def _id_or_none(field: str) -> int | None:
    """The id in a field of the form, None where it is empty. Errors: ValueError where it is no id."""
    value = request.form.get(field)
    if value is None or not (value == "" or (value.isascii() and value.isdigit() and len(value) < 19)):
        raise ValueError("Choose a colleague, or nobody.")
    return int(value) if value else None


def _told(found: Conversation, overtaken: assignments.Overtaken | None) -> str:
    if overtaken is None:
        return ""
    had = f"{overtaken.had.name} had it" if overtaken.had else "It had become nobody's"
    now = f"it is {found.assignee.name}'s" if found.assignee else "it is nobody's"
    return f"{had} since you opened this page; now {now}."


def _send_later(found: Conversation) -> ResponseReturnValue:
    form = LaterForm()
    if not form.validate_on_submit():
        return _after_send(found, form, 422)
    try:
        later.schedule_text(current_user, found, form.body.data, form.send_at.instant)
    except later.Refused as refused:
        form.body.errors = [f"Not set. {refused}"]
        return _after_send(found, form, 409)
    if not htmx.wanted():
        return redirect(url_for("messaging.conversation", conversation_id=found.id))
    return _after_send(found, ComposeForm(formdata=None), 200)


def _chosen_template(found: Conversation) -> str:
    """The text of the saved one that a link names, for who has no script to put it into the box."""
    wanted = query_values.row_id(request.args, "template")
    offered = _offered_templates(found) if wanted else []
    return next((each.text for each in offered if each.template.id == wanted), "")


def _offered_templates(found: Conversation) -> list[text_templates.Offered]:
    return text_templates.offered_for(current_user, found.inbox.team_id, found.contact)


def _open(found: Conversation, card: Card | None = None) -> dict[str, Any]:
    """What the thread's pane shows."""
    # First, so that what comes while the rest is read is asked for again.
    version = page_freshness.conversation_version(current_user, found.id)
    messages = desk.thread(found)
    answer = bars.ask(found.inbox, found.contact_id, Kind.BY_HAND)
    return {
        "conversation": found,
        "messages": messages,
        "media": media.of_texts([message.id for message in messages]),
        "entries": thread.entries(found, messages),
        "note_pieces": notes.pieces,
        "may_delete_note": notes.may_delete,
        "note_length": notes.MAX_LENGTH,
        "people": people_in(found.inbox),
        "version": version,
        "card": card or card_of(current_user, found.contact, found.inbox.team, action=_consent_url(found)),
        "blocks": blocks.blocks_of(found.contact_id),
        "bar": answer.bar,
        "barred": [bars.words_of(bar, found.inbox) for bar in answer.bars],
        **writing_in(found.inbox),
        "later_texts": later.open_texts(found),
        "templates": _offered_templates(found),
    }


def thread_page(
    found: Conversation, form: ComposeForm, card: Card | None = None, note_form: NoteForm | None = None
) -> str:
    """The desk with a conversation open, and what is being written in it."""
    return render_template(
        "messaging/desk.html",
        **(lists(found) | _open(found, card)),
        form=form,
        note_form=note_form,
        writes_note=note_form is not None,
        pane="thread",
    )


def _after_send(found: Conversation, form: ComposeForm, status: int) -> ResponseReturnValue:
    if htmx.wanted():
        return render_template("messaging/_sent.html", **_open(found), form=form), status, _LISTS_CHANGED
    return thread_page(found, form), status


def _consent_url(found: Conversation) -> str:
    return url_for("messaging.set_consent", conversation_id=found.id)


def _conversation(conversation_id: int) -> Conversation:
    return desk.find_conversation(current_user, conversation_id) or abort(404)


def _hold(found: Conversation) -> None:
    """Keeps its contact from being erased or merged until what this request writes can go with them."""
    if not lock_contacts([found.contact_id]):
        abort(404)
