"""What campaigns keep of a person: who was listed, as written and as found, and who was picked by hand."""

from __future__ import annotations

from sqlalchemy import func, or_, select, text, update

from cadence_app.campaigns.models import Campaign, Recipient, RecipientState
from cadence_app.extensions import db
from cadence_app.traces import Fate, HandedOut, Kept, Leaving, Merging, Person, Traces, instant, register

_TABLES = (
    Kept(
        *(Recipient, Fate.EMPTIED, Fate.UNLINKED, Fate.MOVED, "campaigns"),
        because="A campaign's list keeps its count, without what was pasted. In a merge, where both were on"
        " one list, each stays there as who it was.",
    ),
    Kept(
        *(Campaign, Fate.EMPTIED, Fate.EMPTIED, Fate.MOVED, "campaigns"),
        because="A campaign is of many: the lines that name the person go, the id of who was picked stays.",
    ),
)
_TOLD = {"campaigns": "the lists of people to text that they are on"}

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


def _clear(leaving: Leaving) -> None:
    ids, digits, words = leaving.ids, leaving.digits, leaving.external_ids
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


def _move(merging: Merging) -> None:
    """Who is merged away is in campaigns as the one kept. Where both wait for the same text, one gets it."""
    kept_id, gone_id = merging.kept_id, merging.gone_id
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
    db.session.execute(_PICKED, {"kept": kept_id, "gone": gone_id})


def _hand_out(person: Person) -> HandedOut:
    query = (
        select(Recipient, Campaign.name)
        .join(Campaign, Campaign.id == Recipient.campaign_id)
        .where(Recipient.contact_id.in_(person.ids))
        .order_by(Recipient.id)
    )
    rows = [
        {
            "campaign": name,
            "entry": each.entry,
            "state": each.state,
            "left_out_because": each.reason,
            "sent_at": instant(each.sent_at),
            "answered_at": instant(each.answered_at),
        }
        for each, name in db.session.execute(query)
    ]
    return HandedOut({"campaigns": rows})


register(Traces("campaigns", _TABLES, _TOLD, clear=_clear, move=_move, hand_out=_hand_out))
