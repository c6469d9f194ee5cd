"""Putting notices to a user's browsers on their way. The caller commits, then wakes the sending."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Select, and_, func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from cadence_app.accounts.sign_in_models import SignInSession
from cadence_app.alerts.models import InboxNotice, NoticeKind, PushNotice, PushSubscription
from cadence_app.alerts.new_texts import COUNTED, LOOKED_BACK, unopened
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.inboxes.service import people_in
from cadence_app.messaging.for_me_models import ForMe
from cadence_app.messaging.models import Conversation, Direction, Message
from cadence_app.tenancy import tenant_in_use
from cadence_app.work.queueing import Job

# The rule of floods: an inbox tells nobody more often than this, however many texts come.
PACE = timedelta(minutes=1)
# For how long a notice is of use: a phone that was off for longer shows what is newer, or nothing.
USEFUL = {
    NoticeKind.TEXTS: COUNTED,
    NoticeKind.FOR_ME: timedelta(hours=24),
    NoticeKind.TEST: timedelta(minutes=5),
}
# Sends what is due to the browsers of a tenant (jobs.py).
sending = Job[[int]]("webhooks")


def wake(tenant_id: int) -> bool:
    """Has a tenant's notices sent. False where Redis is out of reach; the sweep sees to it later."""
    return sending.put(f"push-{tenant_id}", tenant_id)


def tell_of_texts(inbox_id: int) -> int:
    """Puts a notice of an inbox's new texts on its way to everybody whose they are to read, and commits.
    Returns to how many browsers; 0 where nothing is new, the inbox told a moment ago, or another session is
    at it."""
    db.session.execute(
        upsert(InboxNotice)
        .values(inbox_id=inbox_id, tenant_id=tenant_in_use(), recent=[])
        .on_conflict_do_nothing(index_elements=["inbox_id"])
    )
    held = select(InboxNotice).where(InboxNotice.inbox_id == inbox_id).with_for_update(skip_locked=True)
    notice = db.session.scalars(held.execution_options(populate_existing=True)).one_or_none()
    now = datetime.now(UTC)
    if notice is None or notice.quiet_until > now:
        db.session.rollback()
        return 0
    came = db.session.execute(_came(inbox_id, now - LOOKED_BACK)).all()
    fresh = {row.assignee_id for row in came if row.news and row.id not in notice.recent}
    # What is no news too, so that it is not found due again.
    notice.recent = [row.id for row in came]
    told = 0
    if fresh:
        notice.quiet_until = now + PACE
        people = [
            person.id
            for person in people_in(db.session.get_one(Inbox, inbox_id))
            if None in fresh or person.id in fresh
        ]
        told = put(people, NoticeKind.TEXTS, f"inbox-{inbox_id}", inbox_id)
    db.session.commit()
    return told


def tell_of_mine(user_id: int) -> int:
    """Puts a notice of what is new for a user on its way to their browsers, and commits; to how many."""
    # First, as who leaves ends their sessions before what was assigned to them.
    browsers = _hold([user_id])
    query = select(ForMe).where(ForMe.user_id == user_id, ForMe.told_at.is_(None))
    items = db.session.scalars(query.with_for_update(skip_locked=True)).all()
    for item in items:
        item.told_at = func.now()
    told = browsers if any(not item.seen_at for item in items) else []
    for subscription_id in told:
        put_one(subscription_id, NoticeKind.FOR_ME, "for-me")
    db.session.commit()
    return len(told)


def put(user_ids: Iterable[int], kind: NoticeKind, tag: str, inbox_id: int | None = None) -> int:
    """A notice to each browser of these users, in the open transaction; to how many. One of this tag that
    waits there becomes this one."""
    subscriptions = _hold(user_ids)
    for subscription_id in subscriptions:
        put_one(subscription_id, kind, tag, inbox_id)
    return len(subscriptions)


def put_one(subscription_id: int, kind: NoticeKind, tag: str, inbox_id: int | None = None) -> None:
    values = {
        "tenant_id": tenant_in_use(),
        "subscription_id": subscription_id,
        "kind": kind,
        "tag": tag,
        "inbox_id": inbox_id,
        "useless_after": datetime.now(UTC) + USEFUL[kind],
        "attempts": 0,
    }
    put_in = upsert(PushNotice).values(**values)
    again = {
        "queued_at": func.clock_timestamp(),
        "useless_after": put_in.excluded.useless_after,
        # A service that asked to be left alone for a while is.
        "next_attempt_at": func.greatest(PushNotice.next_attempt_at, func.now()),
    }
    db.session.execute(put_in.on_conflict_do_update(index_elements=["subscription_id", "tag"], set_=again))


def _hold(user_ids: Iterable[int]) -> Sequence[int]:
    """The browsers of these users, held: who signs out waits, or is seen to be gone."""
    query = (
        select(PushSubscription.id)
        .join(PushSubscription.session)
        .where(PushSubscription.user_id.in_(list(user_ids)), SignInSession.ended_at.is_(None))
        .order_by(PushSubscription.id)
    )
    return db.session.scalars(query.with_for_update(of=PushSubscription, read=True, key_share=True)).all()


def _came(inbox_id: int, since: datetime) -> Select[int, int | None, bool]:
    """An inbox's unopened texts since then: `id`, `assignee_id` and whether each is `news`."""
    news = and_(*unopened(since)).label("news")
    return (
        select(Message.id, Conversation.assignee_id, news)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .join(Contact, Contact.id == Conversation.contact_id)
        .where(
            Message.tenant_id == tenant_in_use(),
            Message.inbox_id == inbox_id,
            Message.direction == Direction.INBOUND,
            Message.opened_at.is_(None),
            Message.created_at > since,
        )
    )
