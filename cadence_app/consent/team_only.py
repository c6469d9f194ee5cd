"""The question after a word that counted for every team: was only this one meant? TEAM says so.

47 CFR 64.1200(a)(12): the confirmation may ask what the person meant; without an answer it is everything. So
the word opts out of every team at once, and TEAM gives back what it changed elsewhere and nothing has since.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, exists, func, insert, select, update

from cadence_app.accounts.models import Team, Tenant
from cadence_app.consent import blocks, keywords, number_stops, possible
from cadence_app.consent.ledger import Change, record_changes, take_back_stop
from cadence_app.consent.models import Consent, Source, Status, TeamOnlyQuestion, TeamOnlyStatus
from cadence_app.extensions import db
from cadence_app.tenancy import tenant_in_use

WORD = "team"
# People answer within hours; much later the word may be about something else.
ANSWER_WITHIN = timedelta(days=7)


@dataclass(frozen=True)
class Elsewhere:
    """A contact's other teams before a word counted for them: contact_id, team_id, status and stopped_at of
    each; the ids of the open flags there; since when their own words have kept them out of teams they join
    later, or None; and the stops of the phone's number and of those that wrote what is flagged
    (number_stops.of_numbers())."""

    consents: list[Any]
    flag_ids: list[int]
    bar_since: datetime | None
    stops: list[dict[str, Any]]

    @property
    def gives_back(self) -> bool:
        """Whether there is anything that an answer could give back."""
        return self.bar_since is None or any(row.status == Status.OPTED_IN for row in self.consents)


def is_word(text: str) -> bool:
    """Whether the whole text is TEAM, read as keywords are."""
    return keywords.normalise(text) == WORD


def elsewhere(contact_id: int, team_id: int, number: str) -> Elsewhere:
    """How things stand outside a team now, for who texts from a number. The caller holds the contact."""
    stored = select(Consent.contact_id, Consent.team_id, Consent.status, Consent.stopped_at).where(
        Consent.contact_id == contact_id, Consent.team_id != team_id
    )
    flag_ids = possible.open_elsewhere(contact_id, team_id)
    return Elsewhere(
        list(db.session.execute(stored.order_by(Consent.team_id))),
        flag_ids,
        blocks.stopped_everywhere([contact_id]).get(contact_id),
        number_stops.of_numbers({number, *possible.numbers_of(flag_ids)}),
    )


def ask(
    before: Elsewhere, contact_id: int, team_id: int, message_id: int, number: str, said_at: datetime
) -> None:
    """Notes that the confirmation of a word, the text `message_id` that a phone sent, asks the question, and
    what was elsewhere before."""
    question = TeamOnlyQuestion(
        contact_id=contact_id,
        tenant_id=tenant_in_use(),
        team_id=team_id,
        message_id=message_id,
        number=number,
        said_at=said_at,
        bar_since=before.bar_since,
        flag_ids=before.flag_ids,
        stops=before.stops,
    )
    db.session.add(question)
    db.session.flush()
    rows = [
        {
            "contact_id": contact_id,
            "team_id": row.team_id,
            "tenant_id": question.tenant_id,
            "status": row.status,
            "stopped_at": row.stopped_at,
        }
        for row in before.consents
    ]
    if rows:
        db.session.execute(insert(TeamOnlyStatus), rows)


def asked_in(contact_id: int, reply_id: int) -> None:
    """Notes which text asks. Unless that goes out, TEAM answers nothing."""
    question = update(TeamOnlyQuestion).where(TeamOnlyQuestion.contact_id == contact_id)
    db.session.execute(question.values(reply_id=reply_id))


def question_of(contact_id: int) -> TeamOnlyQuestion | None:
    """The question that a contact's latest word has left open, answered in time or not."""
    return db.session.get(TeamOnlyQuestion, contact_id, populate_existing=True)


def answer(question: TeamOnlyQuestion, message_id: int, words: str, received_at: datetime) -> str | None:
    """Takes TEAM, the text `message_id`, as the answer of who was asked, and says in words for an agent what
    it did. None for one from before the question.

    Makes every other team what it was before the word, each change a row of the history by the contact's own
    words. What has been decided in a team since stays. The question is answered then.
    """
    if received_at < question.said_at:
        return None
    if received_at > question.said_at + ANSWER_WITHIN:
        return f"Came more than {ANSWER_WITHIN.days} days after the question, so it changes nothing."
    contact_id = question.contact_id
    name = db.session.get_one(Team, question.team_id).name
    reason = f"Answered TEAM: by their opt-out word they meant {name} only."
    untouched = select(TeamOnlyStatus).where(TeamOnlyStatus.contact_id == contact_id)
    left = db.session.scalars(untouched.order_by(TeamOnlyStatus.team_id)).all()
    for row in left:
        if row.status == Status.OPTED_OUT:
            take_back_stop(contact_id, row.team_id, row.stopped_at)
    blocks.give_back_everywhere(contact_id, question.said_at, question.bar_since)
    number_stops.give_back(
        contact_id,
        question.number,
        question.said_at,
        {row.team_id: row.stopped_at for row in left},
        question.bar_since,
        question.stops,
    )
    possible.reopen(question.flag_ids, [row.team_id for row in left], question.stops)
    record_changes(
        [
            Change(
                *(contact_id, row.team_id, Status.OPTED_IN, Source.KEYWORD, None, message_id, words, reason),
                number=question.number,
            )
            for row in left
            if row.status == Status.OPTED_IN
        ]
    )
    forget([contact_id])
    return f"They meant {name} only: elsewhere it is as it was before their opt-out word."


def forget(contact_ids: Collection[int]) -> None:
    """Takes an open question away: nobody answers it any more, and the word counts for all."""
    db.session.execute(delete(TeamOnlyQuestion).where(TeamOnlyQuestion.contact_id.in_(contact_ids)))


def in_use(tenant: Tenant) -> bool:
    """Whether TEAM means something in a tenant: it is asked, or was a while ago and may still be answered."""
    recent = TeamOnlyQuestion.said_at > func.now() - ANSWER_WITHIN
    return tenant.ask_team_only or bool(db.session.scalar(select(exists().where(recent))))
