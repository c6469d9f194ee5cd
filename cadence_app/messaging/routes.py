"""Messages: the three-pane desk."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from cadence_app.accounts.requests import asks_by_itself
from cadence_app.accounts.roles import desk_required
from cadence_app.consent import blocks
from cadence_app.extensions import db
from cadence_app.messaging import desk, later, text_templates
from cadence_app.messaging.forms import ComposeForm, LaterForm
from cadence_app.messaging.jobs import dispatch
from cadence_app.messaging.media import kinds
from cadence_app.messaging.media import service as media
from cadence_app.messaging.models import Conversation, MessageKind, MessageState
from cadence_app.messaging.providers import sends_files
from cadence_app.messaging.sending import MAX_BODY_LENGTH, compose, refusal
from cadence_app.ui import htmx
from cadence_app.ui.consent_card import Card, card_of, toggle

blueprint = Blueprint("messaging", __name__, url_prefix="/messages")

# A picture as a phone takes it is read, so that the answer can say how small it must be.
_LARGEST_FORM = 32 * 1024 * 1024
# The lists of an open page ask for themselves anew at once (desk.html).
_LISTS_CHANGED = {"HX-Trigger": "lists-changed"}


@blueprint.url_value_preprocessor
def allow_pictures(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """Lets who works at the desk send files here: the CSRF check reads the form before the view is called."""
    if endpoint == "messaging.send" and current_user.is_authenticated and current_user.works_desk:
        request.max_content_length = _LARGEST_FORM


@blueprint.get("/", endpoint="desk")
@desk_required
def desk_page() -> str:
    # The inboxes come first on a phone; "All inboxes" asks with an empty `inbox`.
    pane = "conversations" if request.args else "inboxes"
    return render_template("messaging/desk.html", **_lists(), conversation=None, pane=pane)


@blueprint.get("/conversations/<int:conversation_id>")
@desk_required
def conversation(conversation_id: int) -> str:
    found = _conversation(conversation_id)
    desk.mark_read(found)
    return _page(found, ComposeForm(formdata=None, body=_chosen_template(found)))


@blueprint.get("/conversations/<int:conversation_id>/fresh")
@asks_by_itself
@desk_required
def fresh(conversation_id: int) -> ResponseReturnValue:
    """204 while the open page is up to date; else the thread and the card anew."""
    found = _conversation(conversation_id)
    if request.args.get("version") == desk.version_of(found):
        return "", 204
    desk.mark_read(found)
    return render_template("messaging/_fresh.html", **_open(found))


@blueprint.post("/conversations/<int:conversation_id>/send")
@desk_required
def send(conversation_id: int) -> ResponseReturnValue:
    found = _conversation(conversation_id)
    if "later" in request.form:
        return _send_later(found)
    form = ComposeForm()
    if not form.validate_on_submit():
        return _after_send(found, form, 422)
    if form.uploads and not sends_files(found.inbox):
        form.files.errors = ["AWS, which carries this inbox's texts, takes no files. Send it without."]
        return _after_send(found, form, 422)
    message = compose(current_user, found, form.body.data)
    media.attach(message, form.uploads)
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
        return _page(found, ComposeForm(formdata=None), outcome.card), outcome.status
    return redirect(url_for("messaging.conversation", conversation_id=found.id))


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
    wanted = request.args.get("template", type=int)
    offered = _offered_templates(found) if wanted else []
    return next((each.text for each in offered if each.template.id == wanted), "")


def _offered_templates(found: Conversation) -> list[text_templates.Offered]:
    return text_templates.offered_for(current_user, found.inbox.team_id, found.contact)


def _lists() -> dict[str, Any]:
    search = request.args.get("q", "").strip()[:200].replace("\x00", "")
    inbox_id = request.args.get("inbox", type=int)
    wanted = request.args.get("only", "")
    only = desk.Only(wanted) if wanted in set(desk.Only) else desk.Only.ALL
    page_number = min(max(request.args.get("page", 1, type=int), 1), 10_000)
    inboxes = desk.inboxes_of(current_user)
    if inbox_id is not None and inbox_id not in {inbox.id for inbox, _ in inboxes}:
        abort(404)
    return {
        "inboxes": inboxes,
        "unread_total": sum(unread for _, unread in inboxes),
        "inbox_id": inbox_id,
        "search": search,
        "only": only,
        "flagged_total": desk.flagged_count(current_user),
        "page_number": page_number,
        "page": desk.conversations(current_user, inbox_id, search, only, page_number),
    }


def _open(found: Conversation, card: Card | None = None) -> dict[str, Any]:
    """What the thread's pane shows."""
    messages = desk.thread(found)
    return {
        "conversation": found,
        "messages": messages,
        "media": media.of_texts([message.id for message in messages]),
        "version": desk.version_of(found),
        "card": card or card_of(current_user, found.contact, found.inbox.team, action=_consent_url(found)),
        "blocks": blocks.blocks_of(found.contact_id),
        "refusal": refusal(found.inbox, found.contact_id, MessageKind.PERSON),
        "max_length": MAX_BODY_LENGTH,
        "sends_files": sends_files(found.inbox),
        "files_words": f"{kinds.SENT_WORDS}. {kinds.MAX_SENT_WORDS} together.",
        "files_endings": kinds.SENT_ENDINGS,
        "later_texts": later.open_texts(found),
        "templates": _offered_templates(found),
    }


def _page(found: Conversation, form: ComposeForm, card: Card | None = None) -> str:
    return render_template("messaging/desk.html", **_lists(), **_open(found, card), form=form, pane="thread")


def _after_send(found: Conversation, form: ComposeForm, status: int) -> ResponseReturnValue:
    if htmx.wanted():
        return render_template("messaging/_sent.html", **_open(found), form=form), status, _LISTS_CHANGED
    return _page(found, form), status


def _consent_url(found: Conversation) -> str:
    return url_for("messaging.set_consent", conversation_id=found.id)


def _conversation(conversation_id: int) -> Conversation:
    return desk.find_conversation(current_user, conversation_id) or abort(404)
