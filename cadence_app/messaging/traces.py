"""What messaging keeps of a person: their conversations and texts with files, texts set for later, notes,
whose the conversations were and when they were done, what users have begun to write, posts of carriers."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, literal, or_, select, update

from cadence_app.extensions import db
from cadence_app.messaging import answering, drafts, personal_data, posts
from cadence_app.messaging.carriers.models import CarrierEvent, UnreadPost
from cadence_app.messaging.desk_models import AssignmentChange, BatchItem, Note, StateChange
from cadence_app.messaging.draft_models import Draft
from cadence_app.messaging.for_me_models import ForMe
from cadence_app.messaging.media.models import DiscardedFile, MessageMedia
from cadence_app.messaging.media.service import forget
from cadence_app.messaging.models import Conversation, LaterState, Message, MessageState, ScheduledText
from cadence_app.messaging.search_models import MessageWords, NoteWords
from cadence_app.traces import Fate, Kept, Leaving, Merging, Traces, register

_ALONG = (Fate.WITH_RECORD, Fate.ALONG)
_TABLES = (
    Kept(
        *(Conversation, Fate.EMPTIED, Fate.WITH_RECORD, Fate.MOVED, "texts"),
        because="What the texts, which are counted, stand in.",
    ),
    Kept(
        *(Message, Fate.EMPTIED, *_ALONG, "texts"),
        because="A text that went is counted, and what the carrier bills is checked by it: its day, state,"
        " inbox, user and the carrier's own id of it stay, without words and number (GDPR article 6(1)(f)).",
    ),
    Kept(MessageMedia, Fate.DELETED, *_ALONG, "files"),
    Kept(
        *(MessageWords, Fate.DELETED, *_ALONG, ""),
        because="The words of a text once more, for search; the database keeps them as the text is.",
    ),
    Kept(
        *(ScheduledText, Fate.EMPTIED, *_ALONG, "texts_set_for_later"),
        because="That a user had set a text, without its words.",
    ),
    Kept(Note, Fate.DELETED, *_ALONG, "notes"),
    Kept(
        *(NoteWords, Fate.DELETED, *_ALONG, ""),
        because="The words of a note once more, for search; the database keeps them as the note is.",
    ),
    Kept(AssignmentChange, Fate.DELETED, *_ALONG, "assignments"),
    Kept(StateChange, Fate.DELETED, *_ALONG, "done_and_snoozed"),
    Kept(
        *(BatchItem, Fate.DELETED, *_ALONG, ""),
        because="What one press on the desk changed, for its Undo; it goes within days.",
    ),
    Kept(
        *(Draft, Fate.DELETED, Fate.WITH_RECORD, Fate.MOVED, ""),
        because="What a user has typed and neither sent nor saved is for their eyes alone, and a download is"
        " read by an admin (GDPR article 15(4)). It ends after 30 days, later where a legal hold keeps it.",
    ),
    Kept(
        *(ForMe, Fate.DELETED, *_ALONG, ""),
        because="That a note or an assignment was for a colleague; both are in the download.",
    ),
    Kept(
        *(CarrierEvent, Fate.EMPTIED, Fate.EMPTIED, Fate.STAYS, "carrier_posts"),
        because="By the carrier's own id a post that comes again is known, so that no text is taken in twice."
        " At a removal by age one that is not taken in yet stays: it may be a STOP.",
    ),
    Kept(
        *(UnreadPost, Fate.DELETED, Fate.DELETED, Fate.STAYS, "carrier_posts"),
        because="At a removal by age one that may be an opt out stays until somebody has read it.",
    ),
    Kept(
        *(DiscardedFile, Fate.STAYS, Fate.STAYS, Fate.STAYS, ""),
        because="The name, made by chance, of a file that is leaving the storage; it goes with the file.",
    ),
)
_OPEN_LATER = (LaterState.WAITING, LaterState.HELD, LaterState.MISSED)
_EMPTY = "Erased with the person it was from or for."


def _clear(leaving: Leaving) -> None:
    """A text that could not be taken in stands in its post; one that still waits is nobody's text then."""
    db.session.execute(
        update(CarrierEvent)
        .where(
            posts.from_them(leaving),
            or_(literal(leaving.waiting_posts), CarrierEvent.next_attempt_at.is_(None)),
        )
        .values(content={}, next_attempt_at=None, problem="Erased with the person it was from.")
        .execution_options(synchronize_session=False)
    )
    db.session.execute(
        delete(UnreadPost)
        .where(posts.names_them(leaving), or_(literal(leaving.waiting_posts), ~posts.maybe_a_stop()))
        .execution_options(synchronize_session=False)
    )


def _empty(leaving: Leaving) -> None:
    """Notes, and whose the conversations were, are of no use to colleagues without the person."""
    forget(leaving.ids)
    conversations = select(Conversation.id).where(Conversation.contact_id.in_(leaving.ids))
    for table in (ForMe, Note, AssignmentChange, BatchItem, StateChange):
        db.session.execute(delete(table).where(table.conversation_id.in_(conversations)))
    db.session.execute(delete(Draft).where(Draft.contact_id.in_(leaving.ids)))
    later, texts = (table.conversation_id.in_(conversations) for table in (ScheduledText, Message))
    _set(ScheduledText, {"state": LaterState.CANCELLED}, later, ScheduledText.state.in_(_OPEN_LATER))
    _set(ScheduledText, {"body": ""}, later)
    _set(Message, {"state": MessageState.SUPPRESSED}, texts, Message.state == MessageState.QUEUED)
    _set(Message, {"body": "", "detail": _EMPTY, "other_number": None, "answered_since": None}, texts)
    theirs = Conversation.contact_id.in_(leaving.ids)
    _set(Conversation, answering.EMPTY, theirs)


def _set(table: Any, values: dict[str, Any], *condition: Any) -> None:
    db.session.execute(
        update(table).where(*condition).values(values).execution_options(synchronize_session=False)
    )


def _move(merging: Merging) -> None:
    """Texts with one inbox stand in one conversation."""
    drafts.move(merging.kept_id, merging.gone_id)
    of_kept = select(Conversation).where(Conversation.contact_id == merging.kept_id)
    theirs = {each.inbox_id: each for each in db.session.scalars(of_kept)}
    moving = select(Conversation).where(Conversation.contact_id == merging.gone_id).order_by(Conversation.id)
    for conversation in db.session.scalars(moving).all():
        same = theirs.get(conversation.inbox_id)
        if same is None:
            conversation.contact_id = merging.kept_id
            continue
        # Undo would put away what waits in the other one.
        of_both = BatchItem.conversation_id.in_([conversation.id, same.id])
        db.session.execute(delete(BatchItem).where(of_both))
        for table in (Message, ScheduledText, Note, AssignmentChange, StateChange, ForMe):
            there = table.conversation_id == conversation.id
            db.session.execute(update(table).where(there).values(conversation_id=same.id))
        answering.merge_into(same, conversation)
        same.unread += conversation.unread
        same.assignee_id = same.assignee_id or conversation.assignee_id
        if conversation.last_message_at > same.last_message_at:
            same.last_message_at = conversation.last_message_at
            same.last_message_text = conversation.last_message_text
        db.session.delete(conversation)
    db.session.flush()


register(
    Traces(
        *("messaging", _TABLES, personal_data.TOLD),
        clear=_clear,
        empty=_empty,
        move=_move,
        hand_out=personal_data.hand_out,
        size=personal_data.size_of,
    )
)
