"""What other areas keep of a person: lists that name them, texts set for later, notes, files of texts, bodies
of webhooks, posts of carriers, rows of imports that have not ended. Cleared when somebody is erased, or
removed by age; the rows stay where they are counted.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import any_, delete, exists, func, literal, or_, select, text, update
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import aliased

from cadence_app.campaigns.models import Campaign, Recipient, RecipientState
from cadence_app.consent import team_only
from cadence_app.contacts.imports.models import Import, ImportContact, ImportRow
from cadence_app.contacts.imports.refusals import Kind
from cadence_app.contacts.models import Contact, ContactNumber, NumberToMend
from cadence_app.extensions import db
from cadence_app.messaging.carriers.models import CarrierEvent, UnreadDecision, UnreadPost
from cadence_app.messaging.desk_models import AssignmentChange, Note
from cadence_app.messaging.media.service import forget
from cadence_app.messaging.models import Conversation, LaterState, ScheduledText
from cadence_app.webhooks.models import WebhookAttempt, WebhookDelivery

_OPEN_LATER = (LaterState.WAITING, LaterState.HELD, LaterState.MISSED)
# What people and forms write between the digits of a number.
_BETWEEN_DIGITS = r"[\s().+\-]|%20|%28|%29|%2B"

# Which lines of a pasted list name them: a number may be written in any way, with or without its country.
_SPELLINGS = text(
    "UPDATE campaigns SET segment = jsonb_set(segment, '{entries}', coalesce((SELECT jsonb_agg(entry)"
    " FROM jsonb_array_elements_text(segment->'entries') AS entry"
    " WHERE NOT (entry = ANY (:words) OR regexp_replace(entry, '\\D', '', 'g') = ANY (:digits))), '[]'))"
    " WHERE segment->>'who' = 'pasted' AND EXISTS (SELECT FROM"
    " jsonb_array_elements_text(segment->'entries') AS entry"
    " WHERE entry = ANY (:words) OR regexp_replace(entry, '\\D', '', 'g') = ANY (:digits))"
)

_PICKED = text(
    "UPDATE campaigns SET segment = jsonb_set(segment, '{contact_ids}', (SELECT jsonb_agg(DISTINCT"
    " CASE WHEN picked.id::bigint = :gone THEN CAST(:kept AS bigint) ELSE picked.id::bigint END)"
    " FROM jsonb_array_elements_text(segment->'contact_ids') AS picked(id)))"
    " WHERE segment->'contact_ids' @> to_jsonb(CAST(:gone AS bigint))"
)


def clear(contact_ids: Collection[int], waiting_posts: bool = True) -> None:
    """Clears these contacts' traces, in this transaction, which holds them. Called while their numbers and
    ContactIds still stand. `waiting_posts`: texts that a carrier brought and that are not taken in yet, too;
    not where the number is not barred, for one of them may be a STOP.

    A webhook that has not arrived yet is not sent any more: the receiver reads the change, without the
    person, from the API's feed.
    """
    ids = list(contact_ids)
    numbers = _numbers_of(ids)
    words = set(db.session.scalars(select(Contact.external_id).where(Contact.id.in_(ids)))) - {""}
    _clear_lists(ids, _digits(numbers), sorted(words))
    _clear_later(ids)
    forget(ids)
    _clear_notes(ids)
    _clear_webhooks(ids)
    _clear_posts(sorted(numbers), waiting_posts)
    _clear_staged(sorted(numbers), sorted(words))
    team_only.forget(ids)
    db.session.execute(delete(ImportContact).where(ImportContact.contact_id.in_(ids)))
    db.session.execute(delete(NumberToMend).where(NumberToMend.contact_id.in_(ids)))


def move(kept_id: int, gone_id: int) -> None:
    """What a merge does with them: who is merged away is in campaigns as the one kept. Where both wait for
    the same text, one gets it."""
    theirs = select(Recipient.campaign_id).where(
        Recipient.contact_id == kept_id, Recipient.state != RecipientState.LEFT_OUT
    )
    twice = Recipient.contact_id == gone_id, Recipient.campaign_id.in_(theirs)
    db.session.execute(
        update(Recipient)
        .where(*twice, Recipient.state == RecipientState.WAITING)
        .values(state=RecipientState.CANCELLED)
        .execution_options(synchronize_session=False)
    )
    apart = Recipient.contact_id == gone_id, Recipient.campaign_id.not_in(theirs)
    left_out = Recipient.contact_id == gone_id, Recipient.state == RecipientState.LEFT_OUT
    for condition in (apart, left_out):
        db.session.execute(
            update(Recipient)
            .where(*condition)
            .values(contact_id=kept_id)
            .execution_options(synchronize_session=False)
        )
    _pick_kept(kept_id, gone_id)
    _name_kept(kept_id, gone_id)
    _keep_unsendable(kept_id, gone_id)


def _pick_kept(kept_id: int, gone_id: int) -> None:
    """Campaigns whose people were picked by hand name the one kept."""
    db.session.execute(_PICKED, {"kept": kept_id, "gone": gone_id})


def _keep_unsendable(kept_id: int, gone_id: int) -> None:
    """A number to which nothing may be sent is the kept one's now."""
    theirs = NumberToMend.contact_id == gone_id
    copied = (NumberToMend.tenant_id, NumberToMend.number, NumberToMend.left_at, NumberToMend.left_by_id)
    columns = ["contact_id", *(column.key for column in copied)]
    rows = select(literal(kept_id), *copied).where(theirs)
    db.session.execute(upsert(NumberToMend).from_select(columns, rows).on_conflict_do_nothing())
    db.session.execute(delete(NumberToMend).where(theirs))


def _name_kept(kept_id: int, gone_id: int) -> None:
    """Imports that named the one who is gone have named the one kept."""
    theirs = ImportContact.contact_id == gone_id
    named = select(ImportContact.import_id, literal(kept_id), ImportContact.tenant_id).where(theirs)
    columns = ["import_id", "contact_id", "tenant_id"]
    db.session.execute(upsert(ImportContact).from_select(columns, named).on_conflict_do_nothing())
    db.session.execute(delete(ImportContact).where(theirs))


def _numbers_of(ids: list[int]) -> set[str]:
    """Every number they have or had, but for what is somebody else's by now."""
    others = aliased(ContactNumber)
    given_away = exists().where(
        others.number == ContactNumber.number, others.until.is_(None), others.contact_id.not_in(ids)
    )
    query = select(ContactNumber.number).where(ContactNumber.contact_id.in_(ids), ~given_away)
    return set(db.session.scalars(query))


def _digits(numbers: Collection[str]) -> list[str]:
    """The digits of numbers (E.164), of those of North America without the country too, and of those of
    Mexico with the 1 that they had."""
    whole = {number.removeprefix("+") for number in numbers}
    home = {each[1:] for each in whole if len(each) == 11 and each[0] == "1"}
    return sorted(whole | home | {f"521{each[2:]}" for each in whole if len(each) == 12 and each[:2] == "52"})


def _clear_lists(ids: list[int], digits: list[str], words: list[str]) -> None:
    named = or_(Recipient.entry.in_(words), func.regexp_replace(Recipient.entry, r"\D", "", "g").in_(digits))
    listed = Recipient.entry != "", or_(Recipient.contact_id.in_(ids), Recipient.contact_id.is_(None) & named)
    # Only a campaign that was pasted has entries.
    pasted = select(Campaign.id).where(Campaign.segment["who"].astext == "pasted")
    for condition, values in (
        ((Recipient.campaign_id.in_(pasted), *listed), {"entry": ""}),
        (
            (Recipient.contact_id.in_(ids), Recipient.state == RecipientState.WAITING),
            {"state": RecipientState.SUPPRESSED},
        ),
    ):
        db.session.execute(
            update(Recipient).where(*condition).values(values).execution_options(synchronize_session=False)
        )
    db.session.execute(_SPELLINGS, {"digits": digits, "words": words})


def _clear_later(ids: list[int]) -> None:
    conversations = select(Conversation.id).where(Conversation.contact_id.in_(ids))
    theirs = ScheduledText.conversation_id.in_(conversations)
    for condition, values in (
        ((theirs, ScheduledText.state.in_(_OPEN_LATER)), {"state": LaterState.CANCELLED}),
        ((theirs,), {"body": ""}),
    ):
        db.session.execute(
            update(ScheduledText)
            .where(*condition)
            .values(values)
            .execution_options(synchronize_session=False)
        )


def _clear_notes(ids: list[int]) -> None:
    """Deletes them, and whose the conversations were: of no use to colleagues without the person."""
    conversations = select(Conversation.id).where(Conversation.contact_id.in_(ids))
    for table in (Note, AssignmentChange):
        db.session.execute(delete(table).where(table.conversation_id.in_(conversations)))


def _clear_webhooks(ids: list[int]) -> None:
    """Deletes what the log has of them, so that nobody sends it again either."""
    theirs = select(WebhookDelivery.id).where(WebhookDelivery.contact_id.in_(ids)).with_for_update()
    found = db.session.scalars(theirs.order_by(WebhookDelivery.id)).all()
    db.session.execute(delete(WebhookAttempt).where(WebhookAttempt.delivery_id.in_(found)))
    db.session.execute(delete(WebhookDelivery).where(WebhookDelivery.id.in_(found)))


def _clear_staged(numbers: list[str], words: list[str]) -> None:
    """A row of an import that has not come to them yet is refused: it would bring them back."""
    db.session.execute(
        update(ImportRow)
        .where(or_(ImportRow.number.in_(numbers), ImportRow.external_id.in_(words)))
        .values(
            first_name="",
            last_name="",
            external_id="",
            number="",
            tags=[],
            custom={},
            choice=None,
            problems=[
                [0, Kind.ERASED, "This person was erased, or removed by age, after the file was uploaded."]
            ],
        )
        .execution_options(synchronize_session=False)
    )
    # Whose rows a page shows of a file that waits can't be told: numbers stand there as people write them.
    waits = update(Import).where(Import.preview != {})
    db.session.execute(
        waits.values(preview=Import.preview - "rows" - "head").execution_options(synchronize_session=False)
    )


def _clear_posts(numbers: list[str], waiting: bool) -> None:
    """A text that could not be taken in stands in its post; one that still waits is nobody's text then."""
    db.session.execute(
        update(CarrierEvent)
        .where(
            CarrierEvent.content["from_number"].astext.in_(numbers),
            or_(literal(waiting), CarrierEvent.next_attempt_at.is_(None)),
        )
        .values(content={}, next_attempt_at=None, problem="Erased with the person it was from.")
        .execution_options(synchronize_session=False)
    )
    _clear_unread(numbers, waiting)


def _clear_unread(numbers: list[str], waiting: bool) -> None:
    """What could not be read and has one of these numbers in it, however it is written: with or without its
    country, with spaces, dashes or parentheses."""
    endings = sorted({f"%{number.removeprefix('+')[-10:]}%" for number in numbers})
    if not endings:
        return
    written = UnreadPost.sender + " " + UnreadPost.words + " " + UnreadPost.content
    digits = func.regexp_replace(written, _BETWEEN_DIGITS, "", "g")
    maybe_a_stop = (UnreadPost.decision == UnreadDecision.OPEN) & UnreadPost.due_on.is_not(None)
    db.session.execute(
        delete(UnreadPost)
        .where(digits.like(any_(array(endings))), or_(literal(waiting), ~maybe_a_stop))
        .execution_options(synchronize_session=False)
    )
