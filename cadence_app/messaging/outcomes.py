"""What becomes of texts that were handed to their carriers, written as it is known.

A carrier may have posted its receipt before its answer is written here; the receipt stands then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from flask import current_app
from sqlalchemy import select
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import joinedload

from cadence_app.consent.contact_rows import lock_contacts
from cadence_app.extensions import db
from cadence_app.messaging import answering, followers, pace, trying_again
from cadence_app.messaging.calling import NotTried, Outcome
from cadence_app.messaging.carriers.scopes import note_block
from cadence_app.messaging.models import Message, MessageState, Unsent
from cadence_app.messaging.providers.base import NotTaken, Refused, Sent
from cadence_app.tenancy import use_tenant
from cadence_app.vault import Unreadable

CARRIER_UNUSABLE = "The settings of this inbox's carrier can't be used."


def note(outcomes: Sequence[Outcome]) -> None:
    """Writes what came of texts of any tenants, and commits: the receipts of a tenant together. One that
    can't be written keeps none of the others from it.

    Errors: the database's own where it is away; all of it may then be noted again.
    """
    taken = defaultdict[int, list[Outcome]](list)
    for outcome in outcomes:
        if isinstance(outcome.result, Sent):
            taken[outcome.text.tenant_id].append(outcome)
        else:
            _note_alone(outcome)
    for tenant_id, together in taken.items():
        use_tenant(tenant_id)
        try:
            _note_taken(together)
        except Exception as error:
            if _database_away(error):
                raise
            # Somebody acts on a whole person of these, and both waited for each other.
            db.session.rollback()
            for each in together:
                _note_alone(each)


def _note_alone(outcome: Outcome) -> None:
    """Once more where it fails, as in a deadlock; past that the carrier is asked what became of the text."""
    for again in (True, False):
        use_tenant(outcome.text.tenant_id)
        try:
            if isinstance(outcome.result, Sent):
                _note_taken([outcome])
            else:
                _note_untaken(outcome)
        except Exception as error:
            if _database_away(error):
                raise
            db.session.rollback()
            if not again:
                current_app.logger.exception(
                    "what came of text %s could not be written", outcome.text.message_id
                )
        else:
            return


def _database_away(error: Exception) -> bool:
    """Whether a connection was lost or could not be made, rather than something was wrong with what was
    written. (SQLAlchemy says the first alone, in `connection_invalidated`.) Source: PostgreSQL's manual,
    error codes: class 40 are deadlocks, 55 locks that were not to be had."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    return not str(getattr(error.orig, "sqlstate", None) or "").startswith(("40", "55"))


def note_sent(message: Message, sent: Sent) -> None:
    """Notes the receipt of a text that the carrier has taken."""
    message.state = MessageState.DELIVERED if sent.delivered_at else MessageState.SENT
    message.detail, message.unsent_reason = "", None
    message.provider_message_id = sent.provider_message_id
    message.provider_at = sent.delivered_at


def ended(messages: Sequence[Message]) -> None:
    """Tells of what has become of texts; one that answered and does not go has answered nothing."""
    for message in messages:
        answering.unanswered(message)
    if messages:
        followers.tell(messages)


def _note_taken(outcomes: Sequence[Outcome]) -> None:
    held = _held([each.text.message_id for each in outcomes])
    known: list[Message] = []
    for outcome in outcomes:
        message = held.get(outcome.text.message_id)
        if message is None or not isinstance(outcome.result, Sent):
            continue
        if message.state == MessageState.SENDING:
            note_sent(message, outcome.result)
            known.append(message)
        elif message.provider_message_id is None:
            message.provider_message_id = outcome.result.provider_message_id
    ended(known)
    db.session.commit()


def _note_untaken(outcome: Outcome) -> None:
    text, result = outcome.text, outcome.result
    message = _held([text.message_id]).get(text.message_id)
    # The try of this worker, and not one of another that came after it.
    ours = message and message.state == MessageState.SENDING and message.sending_since == text.outgoing.since
    if message is not None and ours and isinstance(result, Exception):
        _write(message, result)
        ended([message])
    db.session.commit()
    if isinstance(result, NotTaken):
        pace.hold_up(text.inbox_id, result.wait_seconds or pace.BUSY_SECONDS)
        db.session.commit()


def _write(message: Message, result: Exception) -> None:
    if isinstance(result, Refused):
        message.end(MessageState.FAILED, Unsent.CARRIER_REFUSED, result.words)
        message.failure_code = result.code
        contact_id = message.conversation.contact_id
        # Whoever was erased or merged meanwhile is texted no more.
        if result.blocks and (held := lock_contacts([contact_id]).get(contact_id)):
            note_block(message.conversation.inbox, contact_id, message.other_number or held.number)
    elif isinstance(result, NotTaken):
        current_app.logger.warning("text %s was not taken: %s", message.id, result)
        trying_again.try_later(message, result.wait_seconds)
    elif isinstance(result, NotTried):
        message.state, message.sending_since = MessageState.QUEUED, None
        message.attempts -= 1
        message.next_attempt_at = datetime.now(UTC) + timedelta(seconds=result.wait_seconds)
        message.decided_at = message.decided_standing = message.decided_change_id = None
    elif isinstance(result, (KeyError, Unreadable)):
        current_app.logger.error("text %s has no carrier", message.id, exc_info=result)
        message.end(MessageState.FAILED, Unsent.CARRIER_UNUSABLE, CARRIER_UNUSABLE)
    else:
        # Whether it went is unknown: it stays as it is until the carrier is asked.
        current_app.logger.error("it is unknown whether text %s went", message.id, exc_info=result)


def _held(message_ids: Sequence[int]) -> dict[int, Message]:
    """These texts, held in the order of their ids, as they are now."""
    query = (
        select(Message)
        .where(Message.id.in_(message_ids))
        .options(joinedload(Message.conversation))
        .order_by(Message.id)
        .with_for_update(of=Message)
        .execution_options(populate_existing=True)
    )
    return {message.id: message for message in db.session.scalars(query)}
