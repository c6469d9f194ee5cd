"""What tests do so that somebody is told, and what they look at afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update

from cadence_app.accounts.models import Tenant, User
from cadence_app.alerts import jobs
from cadence_app.alerts.mailing import KINDS
from cadence_app.alerts.models import AlertChoice, InboxNotice, PushNotice, PushSubscription
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.mails.models import OutgoingMail
from cadence_app.messaging import assignments, notes
from cadence_app.messaging.for_me_models import ForMe
from cadence_app.messaging.models import Conversation, Message
from cadence_app.vault import decrypt
from tests.alerts.push_service import Phone, PushService
from tests.world import Browser, World, new_number


def sweep(world: World) -> None:
    """A round of the sweeps that find what is to be told to browsers, and the worker's part after it."""
    with world.app.app_context():
        jobs.sweep_text_notices()
        jobs.sweep_for_me_notices()
    send(world)


def send(world: World) -> None:
    with world.app.app_context():
        jobs.send_pushes(world.tenant_id)


def let_pass(world: World, model: type[InboxNotice] | type[PushNotice]) -> None:
    """A while goes by, after which an inbox tells again or a notice is tried again."""
    past = datetime.now(UTC) - timedelta(seconds=1)
    column = "quiet_until" if model is InboxNotice else "next_attempt_at"
    with world.session():
        db.session.execute(update(model).values({column: past}))
        db.session.commit()


def age(world: World, model: type[Message] | type[ForMe], **by: int) -> None:
    """What there is came so much earlier."""
    with world.session():
        db.session.execute(update(model).values(created_at=model.created_at - timedelta(**by)))
        if model is ForMe:
            db.session.execute(update(ForMe).values(mailed_at=ForMe.mailed_at - timedelta(**by)))
        for column in ("waiting_from", "waiting_next"):
            earlier = getattr(AlertChoice, column) - timedelta(**by)
            db.session.execute(update(AlertChoice).values({column: earlier}))
        db.session.commit()


def note(world: World, conversation_id: int, body: str, by: int | None = None) -> int:
    with world.session():
        user = db.session.get_one(User, by or world.admin_id)
        made = notes.add(user, db.session.get_one(Conversation, conversation_id), body)
        db.session.commit()
        return made.id


def assign(world: World, conversation_id: int, user_id: int | None, by: int | None = None) -> None:
    with world.session():
        user = db.session.get_one(User, by or world.admin_id)
        assignments.assign(user, db.session.get_one(Conversation, conversation_id), user_id, None)
        db.session.commit()


def allow_names(world: World) -> None:
    with world.session():
        db.session.execute(update(Tenant).where(Tenant.id == world.tenant_id).values(notices_name=True))
        db.session.commit()


def inbox_id(world: World, number: str) -> int:
    with world.session():
        return db.session.scalars(select(Inbox.id).where(Inbox.number == number)).one()


def mails(world: World) -> list[OutgoingMail]:
    """Those of telling colleagues, oldest first, detached and readable."""
    with world.session():
        query = select(OutgoingMail).where(OutgoingMail.kind.in_(KINDS)).order_by(OutgoingMail.id)
        found = list(db.session.scalars(query))
        db.session.expunge_all()
        for mail in found:
            mail.text, mail.html = (decrypt(each) if each else "" for each in (mail.text, mail.html))
        return found


def mailed(world: World, minutes: int = 6) -> list[str]:
    """The subjects after these minutes and a sweep."""
    age(world, ForMe, minutes=minutes)
    with world.app.app_context():
        jobs.sweep_for_me_mails()
    return [mail.subject.removesuffix(f" ({world.name})") for mail in mails(world)]


def subscriptions(world: World) -> list[PushSubscription]:
    with world.session():
        rows = list(db.session.scalars(select(PushSubscription).order_by(PushSubscription.id)))
        db.session.expunge_all()
        return rows


def queued(world: World) -> list[PushNotice]:
    with world.session():
        rows = list(db.session.scalars(select(PushNotice).order_by(PushNotice.id)))
        db.session.expunge_all()
        return rows


def on(world: World, service: PushService, role: str = "agent") -> tuple[Phone, Browser]:
    phone, browser = service.phone(), world.sign_in(role)
    phone.turn_on(browser)
    return phone, browser


def tell(world: World) -> None:
    """A text, and all that it leads to."""
    world.text(new_number(), "Hello")
    sweep(world)
