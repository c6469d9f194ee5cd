"""The question after a word that counted for every team: was only this one meant? TEAM says so.

47 CFR 64.1200(a)(12): the confirmation may ask what the person meant; without an answer it is everything. So
the word opts out of every team at once, and TEAM gives back what it changed elsewhere and nothing has since.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, exists, func, insert, select, update

from cadence_app.accounts.models import Team, Tenant
from cadence_app.consent import blocks, keywords, number_stops, possible
from cadence_app.consent.deciding import ANSWER_WITHIN
from cadence_app.consent.ledger import Change, record_changes, take_back_stop
from cadence_app.consent.models import BlockScope, Source, Status, TeamOnlyQuestion, TeamOnlyStatus
from cadence_app.consent.standing import KeptStop, Standing, out_of_later_teams
from cadence_app.extensions import db
from cadence_app.tenancy import tenant_in_use

WORD = "team"


def is_word(text: str) -> bool:
    """Whether the whole text is TEAM, read as keywords are."""
    return keywords.normalise(text) == WORD


def ask(stored: Standing, team_id: int, message_id: int, number: str, said_at: datetime) -> None:
    """Notes that the confirmation of a word, the text `message_id` that a phone sent to a team, asks the
    question, and how the contact stood before it in the other teams."""
    tenant_id = tenant_in_use()
    question = TeamOnlyQuestion(
        contact_id=stored.contact_id,
        tenant_id=tenant_id,
        team_id=team_id,
        message_id=message_id,
        number=number,
        said_at=said_at,
        bar_since=out_of_later_teams(stored.bars),
        flag_ids=[flag.flag_id for flag in stored.flags if flag.team_id != team_id],
        stops=[_as_json(stop) for stop in stored.stops if stop.scope != BlockScope.PERSONAL],
    )
    db.session.add(question)
    db.session.flush()
    rows = [
        {
            "contact_id": stored.contact_id,
            "team_id": each.team_id,
            "tenant_id": tenant_id,
            "status": each.status,
            "stopped_at": each.stopped_at,
        }
        for each in stored.elsewhere(team_id)
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


def give_back(contact_id: int, message_id: int, words: str, held: Mapping[int, Any]) -> None:
    """Takes TEAM, the text `message_id`, as the answer to a contact's open question, which the caller has
    found it to be (deciding.py). `held` is what contact_rows.lock_contacts() said of the contact.

    Makes every other team what it was before the word, each change a row of the history by the contact's own
    words. What has been decided in a team since stays. The question is answered then.
    """
    question = db.session.get_one(TeamOnlyQuestion, contact_id, populate_existing=True)
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
    if question.flag_ids:
        possible.reopen(question.flag_ids, [row.team_id for row in left], question.stops)
    record_changes(
        [
            Change(
                *(contact_id, row.team_id, Status.OPTED_IN, Source.KEYWORD, None, message_id, words, reason),
                number=question.number,
            )
            for row in left
            if row.status == Status.OPTED_IN
        ],
        held,
    )
    forget([contact_id])


def forget(contact_ids: Collection[int]) -> None:
    """Takes an open question away: nobody answers it any more, and the word counts for all."""
    db.session.execute(delete(TeamOnlyQuestion).where(TeamOnlyQuestion.contact_id.in_(contact_ids)))


def in_use(tenant: Tenant) -> bool:
    """Whether TEAM means something in a tenant: it is asked, or was a while ago and may still be answered."""
    recent = TeamOnlyQuestion.said_at > func.now() - ANSWER_WITHIN
    return tenant.ask_team_only or bool(db.session.scalar(select(exists().where(recent))))


def _as_json(stop: KeptStop) -> dict[str, Any]:
    """A stop as number_stops.give_back() takes it."""
    return {
        "digest": stop.digest,
        "scope": stop.scope,
        "team_id": stop.team_id,
        "said_at": stop.said_at.isoformat(),
        "origin": stop.origin,
        "reason": stop.reason,
    }
