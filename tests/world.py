"""A small organisation for a test, and the ways a test acts on it."""

from __future__ import annotations

import itertools
import os
import re
import secrets
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import Table, insert, select
from werkzeug.test import TestResponse

from cadence_app.accounts import service as accounts
from cadence_app.accounts.models import Navigation, Role, Team, TeamMember, User
from cadence_app.consent.models import Consent, OptOutChange
from cadence_app.contacts.models import Contact
from cadence_app.extensions import Model, db
from cadence_app.inboxes.models import Inbox, InboxKind
from cadence_app.messaging.inbound import Received, receive_text
from cadence_app.messaging.media.service import Came
from cadence_app.messaging.models import Conversation, Message
from cadence_app.messaging.sending import deliver
from cadence_app.tenancy import use_tenant

PASSWORD = "correct horse battery"
_HASH = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
_numbers = itertools.count(secrets.randbelow(10**6) * 10**3)
# Area codes as the North American plan makes them: no N11 and no N9X.
_AREAS = [area for area in range(200, 400) if area % 100 != 11 and area // 10 % 10 != 9]


def new_number(prefix: str = "+1") -> str:
    """A full number that no other test has."""
    rest, line = divmod(next(_numbers), 10_000)
    area, exchange = divmod(rest, 800)
    return f"{prefix}{_AREAS[area % len(_AREAS)]}{200 + exchange}{line:04d}"


@dataclass
class World:
    """Ids rather than objects: a test reads what it wants in a session of its own."""

    app: Flask
    tenant_id: int
    name: str
    team_id: int
    other_team_id: int
    admin_id: int
    agent_id: int
    shared: str
    other_shared: str
    personal: str
    other_personal: str
    toll_free: str

    @contextmanager
    def session(self) -> Iterator[None]:
        """An application context whose session works for this tenant."""
        with self.app.app_context():
            use_tenant(self.tenant_id)
            yield

    def text(
        self,
        number: str,
        body: str,
        inbox: str | None = None,
        message_id: str | None = None,
        media: Sequence[Came] = (),
    ) -> Received:
        """A text from a phone, with its automatic answer delivered."""
        message_id = message_id or str(uuid.uuid4())
        with self.app.app_context():
            received = receive_text(
                inbox or self.shared, number, body, message_id, datetime.now(UTC), media=media
            )
            if received.reply_id:
                deliver(received.reply_id)
            return received

    def add_contact(self, number: str | None = None, **names: str) -> int:
        with self.session():
            values = {"first_name": "Maya", "last_name": "Chen", "external_id": ""} | names
            contact = Contact(tenant_id=self.tenant_id, number=number or new_number(), **values)
            db.session.add(contact)
            db.session.commit()
            return contact.id

    def contact_id(self, number: str) -> int:
        with self.session():
            return db.session.scalars(select(Contact.id).where(Contact.number == number)).one()

    def contact_id_of(self, conversation_id: int) -> int:
        with self.session():
            return db.session.get_one(Conversation, conversation_id).contact_id

    def status(self, contact_id: int, team_id: int | None = None) -> str | None:
        with self.session():
            return db.session.scalar(
                select(Consent.status).where(
                    Consent.contact_id == contact_id, Consent.team_id == (team_id or self.team_id)
                )
            )

    def history(self, contact_id: int, team_id: int | None = None) -> list[OptOutChange]:
        """A contact's rows, oldest first, detached."""
        with self.session():
            query = select(OptOutChange).where(OptOutChange.contact_id == contact_id)
            if team_id:
                query = query.where(OptOutChange.team_id == team_id)
            rows = list(db.session.scalars(query.order_by(OptOutChange.id)))
            db.session.expunge_all()
            return rows

    def messages(self, conversation_id: int) -> list[Message]:
        with self.session():
            query = select(Message).where(Message.conversation_id == conversation_id).order_by(Message.id)
            rows = list(db.session.scalars(query))
            db.session.expunge_all()
            return rows

    def sign_in(self, role: str) -> Browser:
        user_id = self.admin_id if role == "admin" else self.agent_id
        with self.session():
            email = db.session.get_one(User, user_id).email
        return self.sign_in_as(email)

    def sign_in_as(self, email: str) -> Browser:
        """Any user whose password is PASSWORD."""
        browser = Browser(self.app.test_client())
        answer = browser.post("/login", {"email": email, "password": PASSWORD})
        assert answer.status_code == 302
        return browser


class Browser:
    """A client that carries the CSRF token of the last page it saw, as forms do; until it has seen one, it is
    given what a page would carry, for a page that is opened for nothing else is half of what a post costs."""

    def __init__(self, client: FlaskClient) -> None:
        self.client, self.token = client, ""

    def get(self, path: str, **options: Any) -> TestResponse:
        answer = self.client.get(path, **options)
        if answer.mimetype == "text/html" and (
            found := re.search(r'name="csrf-token" content="([^"]+)', answer.text)
        ):
            self.token = found[1]
        return answer

    def post(
        self, path: str, data: dict[str, Any] | None = None, token_from: str = "", **options: Any
    ) -> TestResponse:
        """`token_from` is the page that is opened first where none was."""
        if not self.token and (token_from or self.client.application.config["SESSION_COOKIE_SECURE"]):
            self.get(token_from or "/help/", follow_redirects=True)
        elif not self.token:
            self.token = _token_of(self.client)
        # Read to its end, as a browser does: some things are done once the answer is sent.
        form = {"csrf_token": self.token, **(data or {})}
        answer = self.client.post(path, data=form, buffered=True, **options)
        if path in {"/login", "/operator/sign-in"} or (answer.location or "").endswith(
            ("/login", "/sign-in")
        ):
            # Another session, and with it another token.
            self.token = ""
        return answer


def _token_of(client: FlaskClient) -> str:
    """What Flask-WTF's generate_csrf() would write into a page of this client, kept in its session."""
    with client.session_transaction() as session:
        known = session.setdefault("csrf_token", os.urandom(20).hex())
    keys = client.application.config["WTF_CSRF_SECRET_KEY"]
    return str(URLSafeTimedSerializer(keys, salt="wtf-csrf-token").dumps(known))


def make_user(tenant_id: int, role: Role, name: str) -> User:
    """A user whose password is PASSWORD, flushed and not committed."""
    user = User(tenant_id=tenant_id, **_user(role, name))
    db.session.add(user)
    db.session.flush()
    return user


def _user(role: Role, name: str) -> dict[str, Any]:
    email = f"{role}-{uuid.uuid4().hex[:8]}@college.example"
    now = datetime.now(UTC)
    return {
        **{"email": email, "confirmed_at": now, "name": name, "role": role, "password_hash": _HASH},
        # What they send goes at once, as most tests want it; one that is about Undo sets it.
        "undo_seconds": 0,
    }


def make_world(app: Flask, navigation: str, time_zone: str = "America/New_York") -> World:
    """Its rows are as the services make them (tests/test_world.py), in fewer statements and without objects:
    nearly every test begins here."""
    name = f"College {uuid.uuid4().hex[:8]}"
    with app.app_context():
        tenant = accounts.create_tenant(name, Navigation(navigation), time_zone)
        # Nobody's night, at whatever hour tests are run; those about quiet hours set them.
        tenant.texts_from, tenant.texts_until = 0, 24
        tenant_id = tenant.id
        teams = ({"name": "Admissions", "code": "ADM"}, {"name": "Aid", "code": "AID"})
        team_id, other_team_id = _added(Team, tenant_id, teams)
        people = [_user(role, f"{role.capitalize()} Person") for role in (Role.ADMIN, Role.AGENT)]
        admin_id, agent_id = _added(User, tenant_id, people)
        members = ((team_id, admin_id), (other_team_id, admin_id), (team_id, agent_id))
        _add(TeamMember, tenant_id, [{"team_id": team, "user_id": user} for team, user in members])
        inboxes = {
            "shared": _inbox(team_id, "Front desk"),
            "other_shared": _inbox(other_team_id, "Aid line"),
            "personal": _inbox(team_id, "Agent", agent_id),
            "other_personal": _inbox(other_team_id, "Admin", admin_id),
            "toll_free": _inbox(team_id, "Toll-free"),
        }
        inboxes["toll_free"]["number"] = f"+1800{2_000_000 + next(_numbers) % 7_000_000}"
        _add(Inbox, tenant_id, list(inboxes.values()))
        db.session.commit()
    return World(
        app=app,
        tenant_id=tenant_id,
        name=name,
        team_id=team_id,
        other_team_id=other_team_id,
        admin_id=admin_id,
        agent_id=agent_id,
        **{key: inbox["number"] for key, inbox in inboxes.items()},
    )


def _add(model: type[Model], tenant_id: int, rows: Sequence[dict[str, Any]]) -> None:
    db.session.execute(insert(_table(model)), [row | {"tenant_id": tenant_id} for row in rows])


def _added(model: type[Model], tenant_id: int, rows: Sequence[dict[str, Any]]) -> list[int]:
    """Their ids, in the order of the rows."""
    query = insert(_table(model)).returning(_table(model).c.id, sort_by_parameter_order=True)
    return list(db.session.scalars(query, [row | {"tenant_id": tenant_id} for row in rows]))


def _table(model: type[Model]) -> Table:
    assert isinstance(model.__table__, Table)
    return model.__table__


def _inbox(team_id: int, name: str, owner_id: int | None = None) -> dict[str, Any]:
    kind = InboxKind.PERSONAL if owner_id else InboxKind.SHARED
    return {"team_id": team_id, "user_id": owner_id, "kind": kind, "name": name, "number": new_number()}
