"""Posts of carriers that could not be read: kept until an admin has read them, those that may be an opt out
first.

Whoever asked to stop in such a post counts from the moment they did (47 CFR 64.1200(a)(10): ten business days
at most), so it is due on a day. Everything else is a quiet list. What was read or decided goes after 90 days.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import joinedload

from cadence_app.accounts import audit
from cadence_app.accounts.models import Tenant, User
from cadence_app.consent import by_user as consent
from cadence_app.consent import keywords, own_keywords, possible
from cadence_app.consent.keywords import Meaning
from cadence_app.consent.models import Status
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.carriers.models import CarrierAccount, UnreadDecision, UnreadPost
from cadence_app.messaging.carriers.out_words import may_opt_out
from cadence_app.messaging.inbound import Received, held_contact, receive_text
from cadence_app.messaging.providers.events import Unread, instant_of
from cadence_app.phone_numbers import parse_sender
from cadence_app.work.leases import held

KEPT_AFTER_READING = timedelta(days=90)
PAGE = 25


class Decided(Exception):
    """Somebody has decided about the post meanwhile."""


def keep(account: CarrierAccount, posts: Sequence[Unread]) -> None:
    """Keeps what can't be read. The caller commits. A post that was kept before is not kept again."""
    if not posts:
        return
    own = {each.word: each.meaning for each in own_keywords.all_keywords()}
    zone, now = db.session.get_one(Tenant, account.tenant_id).zone, datetime.now(UTC)
    rows = []
    for post in posts:
        out = post.words_missing or may_opt_out(post.strings, own)
        if post.only_if_out and not out:
            continue
        said_at = min(instant_of(post.said_at), now)
        due_on = possible.business_day_after(
            said_at.astimezone(zone).date(), possible.BUSINESS_DAYS_TO_DECIDE
        )
        rows.append(
            {
                "tenant_id": account.tenant_id,
                "account_id": account.id,
                "event_key": post.event_key,
                "why": post.why,
                "content": post.content,
                "size": post.size,
                "sha256": post.sha256,
                "sender": post.sender,
                "recipient": post.recipient,
                "words": post.words,
                "said_at": said_at,
                "due_on": due_on if out else None,
                "decision": UnreadDecision.OPEN,
            }
        )
    if rows:
        db.session.execute(
            upsert(UnreadPost).on_conflict_do_nothing(index_elements=["account_id", "event_key"]), rows
        )


def waiting(first: bool, after: int = 0) -> tuple[list[UnreadPost], bool]:
    """A page of the posts that nobody has decided about, and whether there are more: the most urgent of those
    that may be an opt out, or the quiet ones by id, above `after`."""
    query = select(UnreadPost).where(UnreadPost.decision == UnreadDecision.OPEN)
    query = query.options(joinedload(UnreadPost.account))
    if first:
        found = query.where(UnreadPost.due_on.is_not(None)).order_by(UnreadPost.due_on, UnreadPost.id)
    else:
        found = query.where(UnreadPost.due_on.is_(None), UnreadPost.id > after).order_by(UnreadPost.id)
    rows = list(db.session.scalars(found.limit(PAGE + 1)))
    return rows[:PAGE], len(rows) > PAGE


def count(first: bool) -> int:
    """How many wait: of those that may be an opt out, or of all."""
    query = select(func.count()).where(UnreadPost.decision == UnreadDecision.OPEN)
    return db.session.scalars(query.where(UnreadPost.due_on.is_not(None)) if first else query).one()


def find(post_id: int) -> UnreadPost | None:
    return db.session.get(UnreadPost, post_id)


def recently_decided() -> list[UnreadPost]:
    """The last that were handled or opted out, newest first."""
    decided = UnreadPost.decision.in_((UnreadDecision.HANDLED, UnreadDecision.OPTED_OUT))
    query = select(UnreadPost).where(decided).order_by(UnreadPost.decided_at.desc(), UnreadPost.id.desc())
    return list(db.session.scalars(query.options(joinedload(UnreadPost.decided_by)).limit(PAGE)))


def number_of(post: UnreadPost) -> str:
    """The number that the sender can be read as (E.164); empty where it is nobody that can be made out."""
    return parse_sender(post.sender) or ""


def mark_read(admin: User, post_ids: Sequence[int]) -> int:
    """Notes that an admin has read quiet posts, and commits. Returns how many there were to note."""
    query = select(UnreadPost).where(
        UnreadPost.id.in_(post_ids),
        UnreadPost.due_on.is_(None),
        UnreadPost.decision == UnreadDecision.OPEN,
    )
    posts = db.session.scalars(query.order_by(UnreadPost.id).with_for_update()).all()
    for post in posts:
        _decide(post, admin, UnreadDecision.READ, "")
    db.session.commit()
    return len(posts)


def handle(admin: User, post: UnreadPost, note: str) -> None:
    """Notes what an admin has done about a post, and commits. Errors: Decided."""
    open_post = _locked(post.id)
    if open_post is None:
        raise Decided
    _decide(open_post, admin, UnreadDecision.HANDLED, note)
    audit.record(admin, "unread_text.handled", _named(open_post), noted=(None, bool(note)))
    db.session.commit()


def opt_out(admin: User, post: UnreadPost, number: str, inbox: Inbox, note: str) -> Received:
    """Files a post as a text of this number (E.164) to this inbox, opts its contact out of the inbox's team,
    and commits. Errors: Decided.

    The text goes through the one way in, so that a keyword in it is the person's own word. Where it is none,
    the admin's decision opts them out before it is filed, so that nobody is opted in by it for a moment. Cut
    off in between it is still open, and doing it again files nothing twice.
    """
    post_id, team_id, inbox_name = post.id, inbox.team_id, inbox.name
    with held(f"unread post {post_id}") as mine:
        if not mine or _locked(post_id) is None:
            raise Decided
        words = post.words or "(The words could not be read.)"
        said = keywords.read(words, own_keywords.meanings_for(team_id))
        if said is None or said.meaning != Meaning.OUT:
            _opt_out(admin, inbox, number, post.said_at)
            db.session.commit()
        received = receive_text(inbox.number, number, words, f"unread {post_id}", post.said_at)
        still = _locked(post_id)
        if still is None:
            raise Decided
        contact_id = _opt_out(admin, inbox, number, still.said_at)
        _decide(still, admin, UnreadDecision.OPTED_OUT, note)
        told = {"contact": (None, contact_id), "inbox": (None, inbox_name), "noted": (None, bool(note))}
        audit.record(admin, "unread_text.opted_out", _named(still), **told)
        db.session.commit()
    return received


def _opt_out(admin: User, inbox: Inbox, number: str, said_at: datetime) -> int:
    """Opts who has a number now, held, out of an inbox's team, in this transaction: an admin's decision about
    what this phone wrote, which stays with the number. Returns the contact's id."""
    contact_id = held_contact(number).contact_id
    consent.set_by_user(admin, contact_id, inbox.team_id, Status.OPTED_OUT)
    possible.words_count(contact_id, inbox.team_id, [number], said_at)
    return contact_id


def discard_old(now: datetime) -> int:
    """Deletes what was read or decided 90 days ago, and commits. Returns how many there were."""
    old = delete(UnreadPost).where(
        UnreadPost.decision != UnreadDecision.OPEN, UnreadPost.decided_at < now - KEPT_AFTER_READING
    )
    gone = db.session.scalars(old.returning(UnreadPost.id)).all()
    db.session.commit()
    return len(gone)


def _locked(post_id: int) -> UnreadPost | None:
    """A post that is open still, locked; else None, and nothing is held."""
    query = select(UnreadPost).where(UnreadPost.id == post_id).with_for_update()
    post = db.session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if post is not None and post.decision == UnreadDecision.OPEN:
        return post
    db.session.rollback()
    return None


def _decide(post: UnreadPost, admin: User, decision: UnreadDecision, note: str) -> None:
    post.decision, post.decided_at, post.decided_by_id, post.note = decision, func.now(), admin.id, note


def _named(post: UnreadPost) -> str:
    return f"Post {post.id}"
