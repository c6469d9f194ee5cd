"""Who gets what from every route: the table below is the whole of it.

A new route takes one line under the access it has: its methods and its address, with the names of its
parameters in braces. ID_OF says what stands for them; a line may end in `legacy` for a page that only those
screens have. Lines are tried in order on one made organisation, those who may not before those who may, so a
line that deletes or closes something stands below the lines that need it.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from cadence_app.accounts.models import Role, TeamMember, User
from cadence_app.accounts.sign_in_models import SignInSession
from cadence_app.api.models import Scope
from cadence_app.api.tokens import create_token
from cadence_app.campaigns import service as campaigns
from cadence_app.campaigns.segments import Segment
from cadence_app.consent.keywords import Meaning
from cadence_app.consent.models import OptOutChange, PossibleOptOut
from cadence_app.consent.own_keywords import add_keyword
from cadence_app.contacts.models import Contact, ContactNumber, CustomField, Tag
from cadence_app.extensions import Model, db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.carriers.accounts import add_account
from cadence_app.messaging.carriers.models import UnreadPost
from cadence_app.messaging.desk_models import Note
from cadence_app.messaging.media import service as media
from cadence_app.messaging.models import Conversation, Message, ScheduledText, TextTemplate
from cadence_app.messaging.providers.base import KeywordAnswers
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
from tests.campaigns.sending import add_campaign
from tests.closed.browsers import missing_headers
from tests.contacts import importing
from tests.operators.arriving import sign_in_operator
from tests.reports.exporting import ask_for, run
from tests.world import PASSWORD, Browser, World, make_user, make_world, new_number

# In the order in which they are tried.
ACTORS = ("signed out", "operator", "foreign admin", "other agent", "agent", "auditor", "admin")
SIGN_IN, OPERATOR_SIGN_IN, FORBIDDEN, NOT_FOUND, OK = "sign in", "operator sign in", "403", "404", "ok"
NO_TOKEN = "401"


def _access(
    agent: str, auditor: str, *, other_agent: str = "", foreign: str = OK, signed_out: str = SIGN_IN
) -> dict[str, str]:
    """What each actor gets; an admin always gets the page."""
    outcomes = (signed_out, signed_out, foreign, other_agent or agent, agent, auditor, OK)
    return dict(zip(ACTORS, outcomes, strict=True))


ACCESS = {
    # Everybody, signed in or not; it may be 404 where it is about something that is not there.
    "PUBLIC": dict.fromkeys(ACTORS, "open"),
    "SIGNED_IN": _access(OK, OK),
    # One thing of the admin's own that nobody else has to do with.
    "OWN_ONLY": _access(NOT_FOUND, NOT_FOUND, foreign=NOT_FOUND),
    # Admins and agents.
    "DESK": _access(OK, FORBIDDEN),
    # A contact or conversation of the agent's own team.
    "OWN_RECORD": _access(OK, FORBIDDEN, other_agent=NOT_FOUND, foreign=NOT_FOUND),
    # The same for who may read it as evidence too.
    "OWN_RECORD_OR_AUDITOR": _access(OK, OK, other_agent=NOT_FOUND, foreign=NOT_FOUND),
    # What the admin wrote in a conversation of the agent's team.
    "AUTHOR_OR_ADMIN": _access(FORBIDDEN, FORBIDDEN, other_agent=NOT_FOUND, foreign=NOT_FOUND),
    # Admins and auditors; and one thing of a tenant.
    "REPORTS": _access(FORBIDDEN, OK),
    "REPORTS_RECORD": _access(FORBIDDEN, OK, foreign=NOT_FOUND),
    "ADMIN": _access(FORBIDDEN, FORBIDDEN),
    "ADMIN_RECORD": _access(FORBIDDEN, FORBIDDEN, foreign=NOT_FOUND),
    # A signature or a token counts there, and no session does.
    "WEBHOOK": dict.fromkeys(ACTORS, "open"),
    "API": dict.fromkeys(ACTORS, NO_TOKEN),
    # For who has given a password and not yet a code; the others begin at the beginning.
    "MID_SIGN_IN": dict.fromkeys(ACTORS, SIGN_IN),
    "OPERATOR_MID_SIGN_IN": dict.fromkeys(ACTORS, OPERATOR_SIGN_IN),
    # Ends the session, so each stands below all that needs one.
    "SIGN_OUT": dict.fromkeys(ACTORS, SIGN_IN),
    "OPERATOR_SIGN_OUT": dict.fromkeys(ACTORS, OPERATOR_SIGN_IN),
    "OPERATOR": dict.fromkeys(ACTORS, OPERATOR_SIGN_IN) | {"operator": OK},
}

MATRIX = """
PUBLIC
GET       /static/{filename}
GET       /healthz
GET       /favicon.ico
GET POST  /login
GET POST  /operator/sign-in
GET POST  /forgot-password
GET POST  /invitation/{token}
GET POST  /reset-password/{token}
GET POST  /confirm-address/{token}
GET POST  /login/sso
GET POST  /unsubscribe/{token}
GET       /media/{token}
GET       /login/sso/callback
GET       /api/v1/openapi.json
GET POST  /dev/phone/
GET       /dev/mail/
GET       /dev/mail/{mail}
GET       /dev/mail/{mail}/html
GET       /dev/mail/{mail}/attachments/{number}

SIGNED_IN
GET       /
GET       /help/
GET       /help/{page}
GET       /reports/analytics
GET POST  /account/
GET POST  /account/password
GET POST  /account/email
POST      /account/email/drop
GET       /account/sessions
GET POST  /account/two-factor

OWN_ONLY
POST      /account/sessions/{session_id}/end

DESK
GET       /messages/
GET       /messages/possible-opt-outs/
GET       /messages/fresh
GET       /contacts/
GET POST  /contacts/new
GET       /campaigns/
GET POST  /campaigns/new
POST      /campaigns/preview
GET       /campaigns/templates/
GET POST  /campaigns/templates/new

OWN_RECORD
GET       /messages/conversations/{conversation_id}
GET       /messages/conversations/{conversation_id}/fresh
POST      /messages/conversations/{conversation_id}/send
POST      /messages/conversations/{conversation_id}/consent
GET       /messages/media/{media_id}
POST      /messages/conversations/{conversation_id}/notes
POST      /messages/conversations/{conversation_id}/assignment
POST      /messages/conversations/{conversation_id}/unread
POST      /messages/possible-opt-outs/{flag_id}
GET       /contacts/{contact_id}
GET POST  /contacts/{contact_id}/edit
POST      /contacts/{contact_id}/teams/{team_id}/consent
POST      /contacts/{contact_id}/name
POST      /contacts/{contact_id}/tags
POST      /contacts/{contact_id}/tags/{tag_id}/remove
GET POST  /contacts/{contact_id}/numbers
POST      /contacts/{contact_id}/numbers/{new_number_id}/end
POST      /contacts/{contact_id}/personal-inboxes
GET POST  /messages/conversations/{conversation_id}/later/{text_id}
POST      /messages/conversations/{conversation_id}/later/{new_text_id}/cancel
GET       /campaigns/{campaign_id}
GET POST  /campaigns/{campaign_id}/edit
GET       /campaigns/{campaign_id}/progress
GET       /campaigns/{campaign_id}/{list}
GET       /campaigns/{campaign_id}/{list}.csv
POST      /campaigns/{campaign_id}/send
POST      /campaigns/{campaign_id}/pause
POST      /campaigns/{campaign_id}/resume
POST      /campaigns/{campaign_id}/cancel
POST      /campaigns/{new_campaign_id}/delete
GET POST  /campaigns/templates/{template_id}
POST      /campaigns/templates/{new_template_id}/delete

OWN_RECORD_OR_AUDITOR
GET       /contacts/{contact_id}/certificate
GET       /contacts/{contact_id}/certificate.pdf

AUTHOR_OR_ADMIN
POST      /messages/conversations/{conversation_id}/notes/{new_note_id}/delete

REPORTS
GET       /reports/ legacy
GET       /reports/message-activity legacy
GET POST  /reports/opt-out-changes/export legacy
GET POST  /reports/{kind}/export legacy
GET       /reports/overview
GET       /reports/exports
GET POST  /reports/exports/opt-out-history
GET POST  /reports/exports/{kind}
GET       /exports/list
GET       /reports/saved/
GET POST  /reports/saved/new
GET       /reports/proof/
GET       /reports/proof/checks
POST      /reports/proof/verify

REPORTS_RECORD
GET       /exports/{export_id}/download
POST      /exports/{export_id}/retry
GET       /reports/saved/{saved_id}

ADMIN
GET POST  /contacts/import/
GET       /contacts/import/list
GET       /contacts/to-mend
GET       /reports/schedules/
GET POST  /reports/schedules/new
GET       /settings/
GET POST  /settings/api-tokens
GET       /api/v1/docs
GET POST  /settings/organisation/
POST      /settings/organisation/opting-out
POST      /settings/organisation/signing-in
GET POST  /settings/single-sign-on
POST      /settings/single-sign-on/test
POST      /settings/single-sign-on/remove
GET       /settings/users/
GET POST  /settings/users/invite
GET POST  /settings/screens/
GET POST  /settings/custom-fields/
GET POST  /settings/tags/
GET POST  /settings/teams/
GET POST  /settings/inboxes/
GET       /settings/audit-log/
GET POST  /settings/campaigns/
GET POST  /settings/keywords/
GET       /settings/carriers/
GET POST  /settings/carriers/new/{carrier}
GET       /settings/unread-texts/
POST      /settings/unread-texts/read
GET       /settings/notifications/
GET       /settings/webhooks
GET POST  /settings/webhooks/new
GET       /settings/destinations
GET POST  /settings/destinations/new/{protocol}
GET POST  /settings/retention/
GET POST  /settings/left-behind/
POST      /settings/retention/monthly
POST      /settings/retention/runs

ADMIN_RECORD
GET       /contacts/{contact_id}/merge
GET POST  /contacts/{contact_id}/merge/{other_id}
GET POST  /contacts/{contact_id}/erase
POST      /contacts/{contact_id}/data
POST      /contacts/to-mend/{contact_id}/leave
GET POST  /contacts/{contact_id}/hold
GET POST  /reports/saved/{saved_id}/edit
POST      /reports/saved/{saved_id}/delete
POST      /settings/keywords/{keyword_id}/remove
GET POST  /settings/carriers/{account_id}
POST      /settings/carriers/{account_id}/gaps
GET       /settings/unread-texts/{post_id}
POST      /settings/unread-texts/{post_id}/handled
POST      /settings/unread-texts/{post_id}/opt-out
GET POST  /settings/notifications/{team_id}/{event_name}
GET       /settings/webhooks/{endpoint_id}
POST      /settings/webhooks/{endpoint_id}/resend
GET       /settings/webhooks/{endpoint_id}/deliveries/{delivery_id}
POST      /settings/webhooks/{endpoint_id}/deliveries/{delivery_id}/resend
GET POST  /settings/webhooks/{endpoint_id}/edit
GET POST  /settings/webhooks/{endpoint_id}/roll
POST      /settings/webhooks/{endpoint_id}/pause
POST      /settings/webhooks/{endpoint_id}/resume
POST      /settings/webhooks/{endpoint_id}/test
GET POST  /settings/webhooks/{endpoint_id}/delete
GET POST  /settings/destinations/{destination_id}/edit
GET POST  /settings/destinations/{destination_id}/key
POST      /settings/destinations/{destination_id}/test
POST      /settings/destinations/{destination_id}/pause
POST      /settings/destinations/{destination_id}/resume
GET POST  /settings/destinations/{destination_id}/delete
GET       /settings/retention/runs/{run_id}
GET       /settings/retention/runs/{run_id}/contacts.csv
GET POST  /settings/retention/runs/{run_id}/remove
POST      /settings/retention/runs/{run_id}/stop
GET POST  /contacts/import/{import_id}/columns
POST      /contacts/import/{import_id}/reading
GET       /contacts/import/{import_id}
GET       /contacts/import/{import_id}/progress
POST      /contacts/import/{import_id}/hidden-rows
POST      /contacts/import/{import_id}/refused
POST      /contacts/import/{import_id}/start
POST      /contacts/import/{import_id}/cancel
POST      /contacts/import/{import_id}/area-code
POST      /contacts/import/{import_id}/change-columns
POST      /contacts/import/{import_id}/resume
GET       /contacts/import/{import_id}/refused.csv
GET POST  /settings/custom-fields/{field_id}
POST      /settings/custom-fields/{field_id}/move
GET POST  /settings/custom-fields/{field_id}/delete
GET POST  /settings/tags/{tag_id}
GET POST  /settings/tags/{tag_id}/delete
GET POST  /settings/teams/{team_id}
POST      /settings/teams/{team_id}/members
POST      /settings/teams/{team_id}/texts
GET POST  /settings/teams/{team_id}/close
POST      /settings/teams/{team_id}/reopen
GET POST  /settings/inboxes/{inbox_id}
POST      /settings/inboxes/{inbox_id}/owner
GET POST  /settings/inboxes/{inbox_id}/close
POST      /settings/inboxes/{inbox_id}/reopen
GET POST  /reports/schedules/{schedule_id}/edit
POST      /reports/schedules/{schedule_id}/pause
POST      /reports/schedules/{schedule_id}/resume
POST      /reports/schedules/{schedule_id}/send
GET POST  /reports/schedules/{schedule_id}/delete
GET POST  /settings/api-tokens/{token_id}/revoke
GET POST  /settings/users/{user_id}
POST      /settings/users/{user_id}/resend
POST      /settings/users/{user_id}/reset-link
POST      /settings/users/{user_id}/reset-second-factor
GET POST  /settings/users/{user_id}/deactivate
POST      /settings/users/{user_id}/reactivate

WEBHOOK
POST      /webhooks/{carrier}/{key}

API
GET       /api/v1/changes
POST      /api/v1/consents/bulk
GET POST  /api/v1/contacts
GET       /api/v1/contacts/{contact_id}
GET       /api/v1/contacts/{contact_id}/consents
PUT       /api/v1/contacts/{contact_id}/consents/{team}
GET       /api/v1/contacts/{contact_id}/may-text
GET POST  /api/v1/exports
GET       /api/v1/exports/{export_id}
GET       /api/v1/exports/{export_id}/file
GET       /api/v1/teams

OPERATOR
GET POST  /operator/
GET POST  /operator/tenants/{tenant_id}
POST      /operator/tenants/{tenant_id}/screens
POST      /operator/tenants/{tenant_id}/suspend
POST      /operator/tenants/{tenant_id}/resume
GET       /operator/log
GET POST  /operator/second-factor

OPERATOR_MID_SIGN_IN
GET POST  /operator/sign-in/code

OPERATOR_SIGN_OUT
POST      /operator/sign-out

MID_SIGN_IN
GET POST  /login/code

SIGN_OUT
POST      /account/sessions/end-all
POST      /logout
"""

# Other names than the routes' own, where one name means different things, and queries that a page needs.
RENAMED = {
    "/dev/mail/{key}": "/dev/mail/{mail}",
    "/dev/mail/{key}/html": "/dev/mail/{mail}/html",
    "/dev/mail/{key}/attachments/{number}": "/dev/mail/{mail}/attachments/{number}",
    "/reports/{key}/export": "/reports/{kind}/export",
    "/reports/exports/{key}": "/reports/exports/{kind}",
    "/campaigns/{campaign_id}/{name}": "/campaigns/{campaign_id}/{list}",
    "/campaigns/{campaign_id}/{name}.csv": "/campaigns/{campaign_id}/{list}.csv",
    # Those that take away what they name, from whoever asks next.
    "/campaigns/{campaign_id}/delete": "/campaigns/{new_campaign_id}/delete",
    "/campaigns/templates/{template_id}/delete": "/campaigns/templates/{new_template_id}/delete",
    "/messages/conversations/{conversation_id}/notes/{note_id}/delete": (
        "/messages/conversations/{conversation_id}/notes/{new_note_id}/delete"
    ),
    "/contacts/{contact_id}/numbers/{number_id}/end": "/contacts/{contact_id}/numbers/{new_number_id}/end",
    "/messages/conversations/{conversation_id}/later/{text_id}/cancel": (
        "/messages/conversations/{conversation_id}/later/{new_text_id}/cancel"
    ),
}
QUERY = {
    "/reports/schedules/new": f"?kind={OPT_OUT_HISTORY.key}",
    "/reports/saved/new": f"?kind={OPT_OUT_HISTORY.key}",
}


@dataclass(frozen=True)
class Line:
    access: str
    methods: tuple[str, ...]
    address: str
    legacy: bool

    def __str__(self) -> str:
        return f"{'+'.join(self.methods)} {self.address}{' legacy' if self.legacy else ''}"


def _lines() -> Iterator[Line]:
    access = ""
    for text in filter(None, MATRIX.splitlines()):
        if text in ACCESS:
            access = text
            continue
        *methods, address = text.removesuffix(" legacy").split()
        yield Line(access, tuple(methods), address, text.endswith(" legacy"))


LINES = list(_lines())


@dataclass
class Made:
    """An organisation, who is in it (or not), and what stands for the parameters of addresses."""

    browsers: dict[str, Browser]
    ids: dict[str, object]


@pytest.fixture(scope="module")
def organisations(app: Flask) -> dict[bool, Made]:
    """One on the Teams screens (False) and one on the Legacy screens (True)."""
    return {legacy: make_organisation(app, "legacy" if legacy else "teams") for legacy in (False, True)}


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
            "token": "no-such-token",
            "key": "no-such-key",
            "carrier": "twilio",
            "protocol": "sftp",
            "list": "texted",
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
    db.session.add_all([delivery, saved])
    db.session.commit()
    return {
        "text_id": text_id(),
        "new_text_id": text_id,
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


def _routes(app: Flask) -> set[tuple[str, str]]:
    """Each method and address of the app, as the table writes them."""
    found = set()
    for rule in app.url_map.iter_rules():
        address = re.sub(r"<(?:[^<>]*:)?(\w+)>", r"{\1}", rule.rule)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            found.add((method, RENAMED.get(address, address)))
    return found


def test_every_route_has_a_line_and_every_line_a_route(app: Flask) -> None:
    told = [(method, line.address) for line in LINES for method in line.methods]
    assert sorted(_routes(app) - set(told)) == [], "routes that the matrix does not have"
    assert sorted(set(told) - _routes(app)) == [], "lines of the matrix without a route"
    assert len(told) == len(set(told)), "a route stands in the matrix twice"


@pytest.mark.parametrize("line", LINES, ids=str)
def test_a_route_gives_everybody_what_the_matrix_says(line: Line, organisations: dict[bool, Made]) -> None:
    made = organisations[line.legacy]
    expected = ACCESS[line.access]
    for actor in ACTORS:
        for method in line.methods:
            path = path_of(line, made)
            answer = _ask(made.browsers[actor], method, path)
            outcome = _outcome(answer, expected[actor])
            assert missing_headers(answer) == [], f"{actor}: {method} {path}"
            # A file that is streamed ends its request only now.
            answer.close()
            assert outcome == expected[actor], f"{actor}: {method} {path}"


def path_of(line: Line, made: Made) -> str:
    named = {name: made.ids[name] for name in re.findall(r"{(\w+)}", line.address)}
    values = {name: value() if callable(value) else value for name, value in named.items()}
    return line.address.format(**values) + QUERY.get(line.address, "")


def _ask(browser: Browser, method: str, path: str) -> TestResponse:
    if method == "POST" and not path.startswith("/api/"):
        return browser.post(path)
    return browser.client.open(path, method=method)


def _outcome(answer: TestResponse, expected: str) -> str:
    status = answer.status_code
    if status >= 500 or (status == 400 and expected != "open"):
        return f"{status}: {answer.text[:300]}"
    location = answer.location or ""
    if status == 302 and location.startswith("/login"):
        return SIGN_IN
    if status == 302 and location.startswith("/operator/sign-in"):
        return OPERATOR_SIGN_IN
    if expected == "open" and status not in (401, 403):
        return "open"
    return str(status) if status in (401, 403, 404, 405) else OK
