"""An organisation with one of everything that an address can name, and everybody who may ask for it."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flask import Flask
from sqlalchemy import select

from cadence_app.accounts.models import Role, TeamMember, User
from cadence_app.accounts.sign_in_models import SignInSession
from cadence_app.alerts import subscribing
from cadence_app.api.models import Scope
from cadence_app.api.tokens import create_token
from cadence_app.campaigns import service as campaigns
from cadence_app.campaigns.segments import Segment
from cadence_app.consent.keywords import Meaning
from cadence_app.consent.models import OptOutChange, PossibleOptOut
from cadence_app.consent.own_keywords import add_keyword
from cadence_app.contacts.models import Contact, ContactNumber, CustomField, Tag
from cadence_app.contacts.press_models import Action as Press
from cadence_app.contacts.press_models import ContactPress
from cadence_app.extensions import Model, db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.carriers.accounts import add_account
from cadence_app.messaging.carriers.models import UnreadPost
from cadence_app.messaging.conversations import add_message
from cadence_app.messaging.desk_models import Action, Batch, Note
from cadence_app.messaging.media import service as media
from cadence_app.messaging.models import Conversation, Message, ScheduledText
from cadence_app.messaging.providers.base import KeywordAnswers
from cadence_app.messaging.sending import written
from cadence_app.messaging.text_template_models import TextTemplate
from cadence_app.operators import service as operators
from cadence_app.reports import schedule_runs
from cadence_app.reports.destinations import service as destinations
from cadence_app.reports.destinations.models import Protocol, WhenTaken
from cadence_app.reports.destinations.sftp import SftpPlace
from cadence_app.reports.filters import Filters
from cadence_app.reports.kinds import OPT_OUT_HISTORY
from cadence_app.reports.models import Format
from cadence_app.reports.saved.models import SavedFilter
from cadence_app.reports.schedules import Every, Period, Timing
from cadence_app.retention import service as retention
from cadence_app.webhooks import service as webhooks
from cadence_app.webhooks.events import event_of
from cadence_app.webhooks.models import WebhookDelivery
from tests.accounts.routes.lines import QUERY, Line
from tests.alerts.push_service import Phone
from tests.campaigns.sending import add_campaign
from tests.contacts import importing
from tests.operators.arriving import sign_in_operator
from tests.reports.exporting import ask_for, run
from tests.world import PASSWORD, Browser, World, make_user, make_world, new_number


@dataclass
class Made:
    """An organisation, who is in it (or not), and what stands for the parameters of addresses."""

    browsers: dict[str, Browser]
    ids: dict[str, object]


def make_organisation(app: Flask, mode: str) -> Made:
    world, foreign = make_world(app, mode), make_world(app, mode)
    received = world.text(new_number(), "hello")
    other_id = world.add_contact()
    export_id = ask_for(world)
    run(world, export_id)
    imported = importing.run(world, importing.csv_of(("Refused", "", "", "no number", "ADM", "")))
    world.sign_in("admin")
    with world.session():
        session_id = db.session.scalars(select(SignInSession.id)).one()
        admin = db.session.get_one(User, world.admin_id)
        other_agent = make_user(world.tenant_id, Role.AGENT, "Other Agent")
        auditor = make_user(world.tenant_id, Role.AUDITOR, "Auditor Person")
        victim = make_user(world.tenant_id, Role.AGENT, "Somebody Else")
        db.session.add_all(
            TeamMember(tenant_id=world.tenant_id, team_id=team_id, user_id=user.id)
            for user, team_id in ((other_agent, world.other_team_id), (victim, world.team_id))
        )
        tag, field = Tag(tenant_id=world.tenant_id, name="Athlete"), None
        field = CustomField(tenant_id=world.tenant_id, name="Major", position=1)
        db.session.add_all([tag, field])
        db.session.commit()
        plan = schedule_runs.Plan(Filters(), (), Format.CSV, Period.DAY, Timing(Every.DAY, 0, 1, 6), [admin])
        schedule = schedule_runs.add_schedule(admin, OPT_OUT_HISTORY, plan)
        token, _ = create_token(admin, "Student records", [Scope.CONTACTS_READ])
        emails = {"other agent": other_agent.email, "auditor": auditor.email}
        ids = {
            "filename": "css/app.css",
            "page": "keywords",
            "mail": "none",
            "number": 1,
            "kind": "opt-out-status",
            "team": "ADM",
            "conversation_id": received.conversation_id,
            "contact_id": world.contact_id_of(received.conversation_id),
            "team_id": world.team_id,
            "export_id": export_id,
            "import_id": imported.id,
            "schedule_id": schedule.id,
            "token_id": token.id,
            "tag_id": tag.id,
            "field_id": field.id,
            "user_id": victim.id,
            "inbox_id": db.session.scalars(select(Inbox.id).where(Inbox.number == world.other_shared)).one(),
            "tenant_id": world.tenant_id,
            "session_id": session_id,
            "subscription_id": _browser_told(admin, session_id),
            "token": "no-such-token",
            "key": "no-such-key",
            "carrier": "twilio",
            "protocol": "sftp",
            "list": "everyone",
            "event_name": "contact_added",
            "other_id": other_id,
            **_more(world, admin, received.conversation_id),
        }
    browsers = {
        "signed out": Browser(app.test_client()),
        "operator": _operator(app),
        "foreign admin": foreign.sign_in("admin"),
        "agent": world.sign_in("agent"),
        "admin": world.sign_in("admin"),
    }
    browsers |= {actor: world.sign_in_as(email) for actor, email in emails.items()}
    return Made(browsers, ids)


def _operator(app: Flask) -> Browser:
    email = f"{uuid.uuid4().hex}@operators.example"
    with app.app_context():
        operators.create_operator(email, "Operator Person", PASSWORD)
        db.session.commit()
    return sign_in_operator(app, email)


def _browser_told(admin: User, session_id: int) -> int:
    phone = Phone("https://web.push.apple.com/the-admins")
    session = db.session.get_one(SignInSession, session_id)
    return subscribing.add(admin, session, subscribing.Given(**phone.given)).id


def _more(world: World, admin: User, conversation_id: int) -> dict[str, object]:
    """What other areas keep, of the first team where it is a team's. A name with `new` makes one each time it
    is asked, for an address that takes away what it names."""
    box = db.session.scalars(select(Inbox).where(Inbox.number == world.shared)).one()
    contact = db.session.get_one(Conversation, conversation_id).contact

    def added(row: Model) -> int:
        with world.session():
            db.session.add(row)
            db.session.commit()
            return int(row.id)  # type: ignore[attr-defined]

    def text_id() -> int:
        later = datetime.now(UTC) + timedelta(days=1)
        row = ScheduledText(conversation_id=conversation_id, user_id=admin_id, body="Hi", send_at=later)
        row.tenant_id = world.tenant_id
        return added(row)

    def template_id() -> int:
        name = uuid.uuid4().hex
        return added(TextTemplate(tenant_id=world.tenant_id, team_id=world.team_id, name=name, body="Hi"))

    def number_id() -> int:
        return added(ContactNumber(tenant_id=world.tenant_id, contact_id=contact_id, number=new_number()))

    def batch_id() -> int:
        return added(Batch(tenant_id=world.tenant_id, user_id=admin_id, action=Action.DONE))

    def press_id() -> int:
        press = ContactPress(tenant_id=world.tenant_id, user_id=admin_id, action=Press.UNTAG, contact_ids=[])
        return added(press)

    def note_id() -> int:
        note = Note(conversation_id=conversation_id, user_id=admin_id, body="Hi", mentions=[])
        note.tenant_id = world.tenant_id
        return added(note)

    admin_id, contact_id = admin.id, contact.id
    keyword = add_keyword(admin, "halt", Meaning.OUT, None)
    account = add_account(admin, "twilio")
    account.name, account.keyword_answers = "Ours", KeywordAnswers.OURS
    db.session.add(account)
    db.session.flush()
    post = UnreadPost(
        tenant_id=world.tenant_id,
        account_id=account.id,
        event_key="text 1",
        why="Its sender is no telephone number.",
        content="",
        size=0,
        sha256="",
        said_at=datetime.now(UTC),
    )
    db.session.add(post)
    endpoint, _ = webhooks.add_endpoint(admin, webhooks.Plan("http://127.0.0.1:9/", "", [], []))
    change = db.session.scalars(select(OptOutChange).limit(1)).one()
    event_id, body = event_of(change)
    delivery = WebhookDelivery(
        tenant_id=world.tenant_id,
        endpoint_id=endpoint.id,
        event_id=event_id,
        change_id=change.id,
        contact_id=change.contact_id,
        body=body,
    )
    place = SftpPlace("127.0.0.1", 9, "cadence", "", False)
    setup = destinations.Setup("Store", place, "secret", "{export}.csv", False, WhenTaken.REPLACE)
    destination = destinations.add(admin, Protocol.SFTP, setup)
    saved = SavedFilter(
        tenant_id=world.tenant_id, owner_id=admin_id, kind=OPT_OUT_HISTORY.key, name="Stops", shared=True
    )
    saved.filters, saved.extra_columns, saved.format, saved.days = {}, [], Format.CSV, "Last 30 days"
    campaign = campaigns.save(admin, None, box, "Open house", "Hi", Segment())
    run = retention.request_dry_run(admin)
    text = db.session.scalars(select(Message).where(Message.conversation_id == conversation_id)).first()
    assert text
    media.attach(text, media.store([media.Upload("seat.png", "image/png", b"\x89PNG\r\n\x1a\n")]))
    media_id = media.of_texts([text.id])[text.id][0].id
    ours = written(text.conversation.inbox, "We are open", admin_id, None, by_hand=True)
    add_message(text.conversation, ours)
    db.session.add_all([delivery, saved])
    db.session.commit()
    return {
        "text_id": text_id(),
        "new_text_id": text_id,
        "new_batch_id": batch_id,
        "new_press_id": press_id,
        "message_id": text.id,
        "our_text_id": ours.id,
        "new_note_id": note_id,
        "template_id": template_id(),
        "new_template_id": template_id,
        "new_number_id": number_id,
        "campaign_id": campaign.id,
        "new_campaign_id": lambda: add_campaign(world),
        "media_id": media_id,
        "keyword_id": keyword.id,
        "account_id": account.id,
        "post_id": post.id,
        "endpoint_id": endpoint.id,
        "delivery_id": delivery.id,
        "destination_id": destination.id,
        "saved_id": saved.id,
        "run_id": run.id,
        "flag_id": flag_id(world),
    }


def flag_id(world: World) -> int:
    """A possible opt out in the first team."""
    number = new_number()
    for words in ("hi", "please stop texting me"):
        world.text(number, words)
    with world.session():
        contact = select(Contact.id).where(Contact.number == number).scalar_subquery()
        return db.session.scalars(select(PossibleOptOut.id).where(PossibleOptOut.contact_id == contact)).one()


def path_of(line: Line, made: Made) -> str:
    named = {name: made.ids[name] for name in re.findall(r"{(\w+)}", line.address)}
    values = {name: value() if callable(value) else value for name, value in named.items()}
    return line.address.format(**values) + QUERY.get(line.address, "")
