"""Messages: the three-pane desk."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cadence_app.accounts.requests import answers_early
from cadence_app.accounts.roles import desk_required
from cadence_app.consent import blocks
from cadence_app.consent.contact_rows import lock_contacts
from cadence_app.consent.may_text import Kind
from cadence_app.extensions import db
from cadence_app.form_fields import LaterField
from cadence_app.inboxes.service import people_in
from cadence_app.messaging import (
    assignments,
    bars,
    desk,
    desk_choices,
    draft_boxes,
    drafts,
    for_me,
    later,
    notes,
    page_freshness,
    quiet_warnings,
    searched,
    sight,
    snooze_times,
    text_templates,
    thread,
    undo,
)
from cadence_app.messaging.consent_card import Card, card_of, toggle
from cadence_app.messaging.draft_models import What
from cadence_app.messaging.forms import ComposeForm, LaterForm, NoteForm, sets_time
from cadence_app.messaging.jobs import dispatch_pressed
from cadence_app.messaging.lists import kept_of, lists, which_of
from cadence_app.messaging.media import returned
from cadence_app.messaging.media import service as media
from cadence_app.messaging.models import Conversation, MessageState
from cadence_app.messaging.sending import compose
from cadence_app.messaging.writing import LARGEST_FORM, writing_in
from cadence_app.ui import htmx, query_values

blueprint = Blueprint("messaging", __name__, url_prefix="/messages")

# The lists of an open page ask for themselves anew at once (desk.html).
LISTS_CHANGED = {"HX-Trigger": "lists-changed"}


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
    desk_choices.keep_tab(current_user, which_of(request.args), chosen="only" in request.args)
    return render_template("messaging/desk.html", **lists(None), pane=pane)


@blueprint.get("/conversations/<int:conversation_id>")
@desk_required
def conversation(conversation_id: int) -> str:
    found = _conversation(conversation_id)
    unseen = found.unread > 0 and sight.is_told_later()
    if not unseen:
        _mark_seen(found)
    return thread_page(found, ComposeForm(formdata=None, body=_chosen_template(found)), unseen=unseen)


def _still_fresh(key: str) -> ResponseReturnValue | None:
    """204 while the page that asks is up to date, by one query: it holds for whom it was shown to."""
    conversation_id = (request.view_args or {}).get("conversation_id")
    talk, shown = request.args.get("version"), request.args.get("lists")
    return ("", 204) if page_freshness.unchanged(key, conversation_id, talk, shown) else None


@blueprint.get("/fresh")
@blueprint.get("/conversations/<int:conversation_id>/fresh")
@answers_early(_still_fresh)
@desk_required
def fresh(conversation_id: int | None = None) -> str:
    """What is new in the page that asks, as of one moment: in the conversation that it has before somebody's
    eyes (live.js), in the lists, and how many texts wait."""
    talks = conversation_id is not None and _talks(conversation_id)
    page_freshness.as_of_one_moment()
    found = _conversation(conversation_id) if conversation_id is not None else None
    lists_new = request.args.get("lists") != page_freshness.lists_version(current_user)
    new = (lists(found) if lists_new else {}) | (open_parts(found) if found and talks else {})
    return render_template("messaging/_fresh.html", **new, talks=talks, lists_new=lists_new)


def _talks(conversation_id: int) -> bool:
    """Whether there is something new in the open conversation, which is read then."""
    version = page_freshness.conversation_version(current_user, conversation_id) or abort(404)
    if request.args.get("version") == version:
        return False
    _mark_seen(_conversation(conversation_id))
    return True


def _mark_seen(found: Conversation) -> None:
    """The user has this conversation before them. Commits."""
    desk.mark_read(found)
    # Afterwards: whoever assigns holds the conversation before what is for somebody in it.
    if for_me.saw(current_user, found.id):
        db.session.commit()


@blueprint.post("/conversations/<int:conversation_id>/send")
@desk_required
def send(conversation_id: int) -> ResponseReturnValue:
    found = _conversation(conversation_id)
    if sets_time(request.form):
        return _send_later(found)
    form = ComposeForm()
    if not form.validate_on_submit():
        return _after_send(found, form, 422)
    if not form.carried_by(found.inbox):
        return _after_send(found, form, 422)
    number = found.contact.number
    if not form.told_of(quiet_warnings.of_now(current_user.tenant, number, found)):
        return _after_send(found, form, 422)
    stored = media.store(form.uploads)
    _hold(found)
    message = compose(current_user, found, form.body.data, query_values.row_id(request.form, "seen"))
    try:
        media.attach(message, [*returned.take_up(current_user, form.kept_files), *stored])
    except media.Refused as refused:
        db.session.rollback()
        form.kept.data, form.files.errors = [], [str(refused)]
        return _after_send(_conversation(conversation_id), form, 422)
    if message.state != MessageState.SUPPRESSED:
        _end_draft(found, What.TEXT, form.body.data)
    db.session.commit()
    if message.state == MessageState.SUPPRESSED:
        form.body.errors = [f"Not sent. {message.detail}"]
        return _after_send(found, form, 409)
    dispatch_pressed(message)
    if not htmx.wanted():
        return redirect(url_for("messaging.conversation", conversation_id=found.id))
    return _after_send(found, ComposeForm(formdata=None), 200)


@blueprint.post("/conversations/<int:conversation_id>/consent")
@desk_required
def set_consent(conversation_id: int) -> ResponseReturnValue:
    found = _conversation(conversation_id)
    outcome = toggle(current_user, found.contact, found.inbox.team, action=_consent_url(found))
    if htmx.wanted():
        opened = open_parts(found, outcome.card)
        return render_template("messaging/_consent_changed.html", **opened), outcome.status, LISTS_CHANGED
    if outcome.card.problem:
        return thread_page(found, ComposeForm(formdata=None), outcome.card), outcome.status
    return redirect(url_for("messaging.conversation", conversation_id=found.id))


@blueprint.post("/conversations/<int:conversation_id>/unread")
@desk_required
def mark_unread(conversation_id: int) -> ResponseReturnValue:
    """Back to the list: an open page would have it read at once."""
    desk.mark_unread(_conversation(conversation_id))
    kept = kept_of(which_of(request.args))
    return redirect(url_for("messaging.desk", **(kept | {"inbox": kept["inbox"] or ""})))


@blueprint.post("/conversations/<int:conversation_id>/notes")
@desk_required
def add_note(conversation_id: int) -> ResponseReturnValue:
    found = _conversation(conversation_id)
    form = NoteForm()
    valid = form.validate_on_submit()
    if valid:
        _hold(found)
        notes.add(current_user, found, form.note.data)
        _end_draft(found, What.NOTE, form.note.data)
        db.session.commit()
        form = NoteForm(formdata=None)
    status = 200 if valid else 422
    if htmx.wanted():
        page = render_template("messaging/_noted.html", **open_parts(found), note_form=form, noted=valid)
        return page, status
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
        return render_template("messaging/_note_gone.html", **open_parts(found))
    flash("The note is deleted.", "success")
    return redirect(url_for("messaging.conversation", conversation_id=found.id))


@blueprint.post("/conversations/<int:conversation_id>/assignment")
@desk_required
def assign(conversation_id: int) -> ResponseReturnValue:
    found = _conversation(conversation_id)
    try:
        wanted, seen = _id_or_none("assignee"), _id_or_none("seen")
        overtaken = assignments.assign(current_user, found, wanted, seen)
        told, status = assignments.words_of(overtaken, found), 200
    except (assignments.Refused, ValueError) as refused:
        db.session.rollback()
        told, status = str(refused), 409
    else:
        db.session.commit()
    if htmx.wanted():
        page = render_template("messaging/_assigned.html", **open_parts(found), told=told)
        return page, status, LISTS_CHANGED
    if told:
        flash(told, "warning")
    return redirect(url_for("messaging.conversation", conversation_id=found.id))


def _id_or_none(field: str) -> int | None:
    """The id in a field of the form, None where it is empty. Errors: ValueError where it is no id."""
    value = request.form.get(field)
    if value is None or not (value == "" or (value.isascii() and value.isdigit() and len(value) < 19)):
        raise ValueError("Choose a colleague, or nobody.")
    return int(value) if value else None


def _send_later(found: Conversation) -> ResponseReturnValue:
    form = LaterForm()
    if not form.validate_on_submit() or not form.told_of_time(found.contact.number):
        return _after_send(found, form, 422)
    _hold(found)
    _end_draft(found, What.TEXT, form.body.data)
    try:
        later.schedule_text(current_user, found, form.body.data, form.send_at.instant)
    except later.Refused as refused:
        db.session.rollback()
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


def open_parts(found: Conversation, card: Card | None = None) -> dict[str, Any]:
    """What the thread's pane shows."""
    # First, so that what comes while the rest is read is asked for again.
    version = page_freshness.conversation_version(current_user, found.id)
    opened_at = searched.opened(found)
    window = desk.thread(found, around=opened_at.at)
    messages = window.messages
    answer = bars.ask(found.inbox, found.contact_id, Kind.BY_HAND)
    return {
        "conversation": found,
        "messages": messages,
        "media": media.of_texts([message.id for message in messages]),
        "entries": thread.entries(found, window),
        "gap_after": window.gap_after,
        "opened_at": opened_at,
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
        **quiet_warnings.in_composer(current_user, found.contact.number, found),
        "snooze_choices": snooze_times.choices(current_user.zone),
        **draft_boxes.in_conversation(current_user, found),
        "later_texts": later.open_texts(found),
        "held": undo.held_in(current_user, found),
        "templates": _offered_templates(found),
    }


def thread_page(
    found: Conversation,
    form: ComposeForm,
    card: Card | None = None,
    note_form: NoteForm | None = None,
    unseen: bool = False,
    told: str = "",
    snoozing: LaterField | None = None,
) -> str:
    """The desk with a conversation open, and what is being written in it; `told` is said above the box.
    `unseen`: once seen, it asks for what is new and has its texts read. `snoozing`: a time that was none."""
    return render_template(
        "messaging/desk.html",
        **(lists(found) | open_parts(found, card) | ({"version": ""} if unseen else {})),
        form=form,
        note_form=note_form,
        told=told,
        snoozing=snoozing,
        writes_note=note_form is not None,
        pane="thread",
    )


def _after_send(found: Conversation, form: ComposeForm, status: int) -> ResponseReturnValue:
    if htmx.wanted():
        return render_template("messaging/_sent.html", **open_parts(found), form=form), status, LISTS_CHANGED
    return thread_page(found, form), status


def _consent_url(found: Conversation) -> str:
    return url_for("messaging.set_consent", conversation_id=found.id)


def _conversation(conversation_id: int) -> Conversation:
    return desk.find_conversation(current_user, conversation_id) or abort(404)


def _end_draft(found: Conversation, what: What, words: str) -> None:
    drafts.end(current_user, drafts.in_conversation(found, what), words, draft_boxes.pressed())


def _hold(found: Conversation) -> None:
    """Keeps its contact from being erased or merged until what this request writes can go with them."""
    if not lock_contacts([found.contact_id]):
        abort(404)
