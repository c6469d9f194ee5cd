"""The phone simulator: text any inbox from any number, and see what comes back.

Only registered where DEV_TOOLS is on, and only there for who sits at this machine (development.py). It has no
sign-in, for it plays the part of the telephone network; what it sends takes the same way in as a carrier's
webhook.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from wtforms import Field, SelectField, SubmitField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional, ValidationError

from cadence_app import development
from cadence_app.accounts.models import Tenant
from cadence_app.contacts.models import Contact
from cadence_app.contacts.number_field import NumberField
from cadence_app.database_text import storable
from cadence_app.extensions import db
from cadence_app.form_fields import no_control_characters
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.inbound import receive_text
from cadence_app.messaging.jobs import dispatch
from cadence_app.messaging.media.links import path_of
from cadence_app.messaging.media.service import Came, of_texts
from cadence_app.messaging.models import Conversation, Message, MessageState
from cadence_app.phone_numbers import BadNumber, LocalNumber, area_code_of, parse_number
from cadence_app.tenancy import keeping_tenant, use_tenant
from cadence_app.ui import htmx
from cadence_app.ui.formatting import phone as pretty

blueprint = Blueprint("dev_phone", __name__, url_prefix="/dev/phone")
blueprint.before_request(development.require_here)

_DEFAULT_NUMBER = "+12125550142"
# What a phone shows: what it sent, and what reached it.
_ON_THE_PHONE = (MessageState.RECEIVED, MessageState.DELIVERED)


class PhoneForm(FlaskForm):
    from_number = NumberField("This phone's number", [InputRequired("Enter this phone's number.")])
    inbox = SelectField("Text to")
    body = TextAreaField("Text", [Optional(), Length(max=1600), no_control_characters])
    picture = FileField("Picture or file")
    submit = SubmitField("Send")

    def validate_picture(self, field: Field) -> None:
        if not field.data and not (self.body.data or "").strip():
            self.body.errors = ["Write something first."]
            raise ValidationError("Or choose a file.")


@blueprint.route("/", methods=["GET", "POST"])
@keeping_tenant()
def phone() -> ResponseReturnValue:
    form = PhoneForm()
    form.inbox.choices = _inboxes()
    if form.validate_on_submit():
        picture = form.picture.data
        received = receive_text(
            inbox_number=form.inbox.data,
            from_number=form.from_number.data,
            body=form.body.data or "",
            provider_message_id=f"sim-{uuid.uuid4()}",
            received_at=datetime.now(UTC),
            media=[Came(content_type=picture.mimetype, content=picture.read())] if picture else [],
        )
        dispatch(received.reply_id)
        return redirect(url_for("dev_phone.phone", **_chosen(form)))
    if not form.is_submitted():
        form.from_number.data = request.args.get("from_number") or _DEFAULT_NUMBER
        _look_at(form.from_number)
        numbers = [number for choices in form.inbox.choices.values() for number, _ in choices]
        wanted = request.args.get("inbox", "")
        form.inbox.data = wanted if wanted in numbers else next(iter(numbers), None)
    form.from_number.offer_in(area_code_of(form.inbox.data or ""))
    texts = _texts(form.from_number.data, storable(form.inbox.data or ""))
    media = of_texts([text.id for text in texts])
    shown = {"texts": texts, "media": media, "path_of": path_of}
    if htmx.wanted():
        return render_template("dev/_phone_texts.html", **shown)
    page = render_template("dev/phone.html", form=form, chosen=_chosen(form), **shown)
    return page, 422 if form.is_submitted() else 200


def _look_at(field: NumberField) -> None:
    """Says of a number in the page's address why no phone has it."""
    try:
        parse_number(field.data)
    except BadNumber as error:
        field.errors = [str(error)]
        field.local = error.digits if isinstance(error, LocalNumber) else ""


def _chosen(form: PhoneForm) -> dict[str, Any]:
    return {"from_number": form.from_number.data, "inbox": form.inbox.data}


def _inboxes() -> dict[str, list[tuple[str, str]]]:
    """Every inbox, by tenant: number and label."""
    choices: dict[str, list[tuple[str, str]]] = {}
    for tenant in db.session.scalars(select(Tenant).order_by(Tenant.id)).all():
        use_tenant(tenant.id)
        inboxes = db.session.scalars(
            select(Inbox).options(joinedload(Inbox.team)).order_by(Inbox.kind.desc(), Inbox.name)
        )
        choices[tenant.name] = [
            (inbox.number, f"{inbox.name}, {inbox.team.name} ({inbox.kind}) {pretty(inbox.number)}")
            for inbox in inboxes
        ]
    return choices


def _texts(from_number: str | None, inbox_number: str | None) -> list[Message]:
    try:
        number = parse_number(from_number or "")
    except BadNumber:
        return []
    for tenant_id in db.session.scalars(select(Tenant.id)).all():
        use_tenant(tenant_id)
        found = (
            select(Message)
            .join(Message.conversation)
            .join(Conversation.inbox)
            .join(Conversation.contact)
            .where(Inbox.number == inbox_number, Contact.number == number, Message.state.in_(_ON_THE_PHONE))
            .order_by(Message.id.desc())
            .limit(50)
        )
        if texts := db.session.scalars(found).all():
            return list(reversed(texts))
    return []
