"""The moment at which texts go: they are decided about once more, and from the caller's commit they are gone.

leave() holds the contacts for as long as it takes to ask consent and to write `sending`, a key and what
decided; no lock is held while a carrier is called (calling.py). Whoever writes a bar holds the contact first:
a STOP that is committed before finds the text here, and it is suppressed; one that is committed after comes
after the text. What becomes of a text is written in outcomes.py. A worker that dies in between leaves a text
in `sending`, whose fate the carrier is asked for (sending.hand_over_again()).
"""

from __future__ import annotations

import time
import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from flask import current_app
from sqlalchemy import func, select

from cadence_app.accounts.models import Tenant
from cadence_app.consent import may_text
from cadence_app.consent.contact_rows import lock_contacts, lock_free
from cadence_app.consent.models import Consent
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging import bars
from cadence_app.messaging.calling import Leaving
from cadence_app.messaging.carriers.of_inbox import lasting_provider_of
from cadence_app.messaging.media.links import urls_of_each
from cadence_app.messaging.models import Message, MessageState, Unsent
from cadence_app.messaging.outcomes import CARRIER_UNUSABLE, ended
from cadence_app.messaging.providers.base import Outgoing, Provider
from cadence_app.vault import Unreadable


def sender_free(inbox: Inbox) -> bool:
    """Whether nobody is about to close an inbox or to change its organisation; until the transaction ends
    nobody does. Nobody waits."""
    return _hold_sender(inbox, wait=False)


def hold_those_free(messages: Sequence[Message]) -> list[Message]:
    """Those of these texts whose contact nobody else holds; their contacts are held. The others wait for the
    next look, so that nobody who sends waits for anybody."""
    free = lock_free({each.conversation.contact_id for each in messages})
    return [each for each in messages if each.conversation.contact_id in free]


def leave(inbox: Inbox, messages: Sequence[Message]) -> list[Leaving]:
    """Decides about texts of one inbox that the transaction holds: those that may go, in the same order. The
    others say why not. What it does not hold yet of the inbox, its organisation and the contacts it waits
    for."""
    if not messages:
        return []
    _hold_sender(inbox, wait=True)
    lock_contacts(list({each.conversation.contact_id for each in messages}))
    now: datetime = db.session.scalars(select(func.clock_timestamp())).one()
    decided = time.monotonic()
    going = _allowed(inbox, [each for each in messages if not _too_late(each, now)], now)
    provider = _provider(inbox, [each for each, _ in going])
    if provider is None:
        return []
    files = urls_of_each([each.id for each, _ in going])
    for message, _ in going:
        message.state, message.sending_since, message.next_attempt_at = MessageState.SENDING, now, None
        message.send_key = message.send_key or str(uuid.uuid4())
        message.attempts += 1
    db.session.flush()
    return [
        Leaving(
            message.id,
            message.tenant_id,
            inbox.id,
            provider,
            Outgoing(
                inbox.number, number, message.body, message.send_key or "", now, files.get(message.id, ())
            ),
            decided,
        )
        for message, number in going
    ]


def _hold_sender(inbox: Inbox, *, wait: bool) -> bool:
    for model, row_id in ((Inbox, inbox.id), (Tenant, inbox.tenant_id)):
        query = select(model).where(model.id == row_id).execution_options(populate_existing=True)
        if db.session.scalars(query.with_for_update(read=True, skip_locked=not wait)).one_or_none() is None:
            return False
    return True


def _too_late(message: Message, now: datetime) -> bool:
    if message.expires_at is None or message.expires_at >= now:
        return False
    message.end(MessageState.DROPPED, Unsent.TOO_LATE, "Dropped: it could not go within five minutes.")
    ended([message])
    return True


def _allowed(inbox: Inbox, messages: list[Message], now: datetime) -> list[tuple[Message, str]]:
    """Those that consent lets go, with the number that each goes to; what decided is kept on each."""
    alike = defaultdict[may_text.Text, list[Message]](list)
    for message in messages:
        kind = bars.kind_of(message.kind, by_hand=message.by_hand)
        alike[bars.text_from(inbox, kind, message.other_number, message.confirms_team_id)].append(message)
    numbers, barred = dict[int, str](), list[Message]()
    for text, group in alike.items():
        contact_ids = [each.conversation.contact_id for each in group]
        stored = may_text.read_each(text, contact_ids)
        standing = _standing(text.confirms_team_id or text.inbox.team_id, contact_ids)
        for message in group:
            of_contact = stored[message.conversation.contact_id]
            message.decided_at = now
            message.decided_standing, message.decided_change_id = standing.get(
                message.conversation.contact_id, (None, None)
            )
            if found := may_text.decide(text, of_contact):
                message.end(MessageState.SUPPRESSED, Unsent(found[0]), bars.words_of(found[0], inbox))
                barred.append(message)
            else:
                numbers[message.id] = of_contact.number
    ended(barred)
    return [(each, numbers[each.id]) for each in messages if each.id in numbers]


def _standing(team_id: int, contact_ids: list[int]) -> dict[int, tuple[str, int]]:
    rows = db.session.execute(
        select(Consent.contact_id, Consent.status, Consent.change_id).where(
            Consent.team_id == team_id, Consent.contact_id.in_(contact_ids)
        )
    )
    return {contact_id: (str(status), change_id) for contact_id, status, change_id in rows}


def _provider(inbox: Inbox, messages: list[Message]) -> Provider | None:
    """Who carries them; None, and they have failed, where that can't be told."""
    if not messages:
        return None
    try:
        return lasting_provider_of(inbox)
    except (KeyError, Unreadable):
        current_app.logger.exception("inbox %s has no carrier", inbox.id)
    for message in messages:
        message.attempts += 1
        message.end(MessageState.FAILED, Unsent.CARRIER_UNUSABLE, CARRIER_UNUSABLE)
    ended(messages)
    return None
