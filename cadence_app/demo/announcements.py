"""The demo's announcements: what the college texts to people who mostly do not answer."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert

from cadence_app.accounts.models import User
from cadence_app.consent.ledger import Change
from cadence_app.consent.models import Status
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.models import (
    Conversation,
    ConversationState,
    Direction,
    Message,
    MessageKind,
    MessageState,
)

# What each team texts about.
_TEXTS = {
    "Admissions": (
        "{team}: Application decisions are in the portal. Reply with any questions.",
        "{team}: Campus tours leave daily at 10 and 2. Text us a day and we will save you a place.",
        "{team}: We are missing a transcript in some files. Ask us whether yours is complete.",
        "{team}: Admitted students, your deposit holds your place until May 1.",
        "{team}: Transfer credit evaluations take about a week now. Text us to check on yours.",
    ),
    "Financial Aid": (
        "{team}: The FAFSA priority date is two weeks away. We can look over your form with you.",
        "{team}: Your next payment is due on the 10th. Reply if you would like to talk about a plan.",
        "{team}: Scholarship applications close on the 15th. One form covers all of them.",
        "{team}: Work-study jobs for the term are posted. Reply for the list.",
        "{team}: Tax forms (1098-T) are in the portal now.",
    ),
    "Student Success": (
        "{team}: Finals week hours: library open until 2 AM, tutoring until midnight.",
        "{team}: Add/drop ends Friday at 5. Text us if you are unsure about a class.",
        "{team}: Midterm grades are in. If one surprised you, we have tutors for it.",
        "{team}: Career fair on Wednesday, 11 to 3, in the Union. 60 employers, no appointment needed.",
        "{team}: Feeling swamped? Walk in any afternoon, or just text back.",
    ),
    "Enrollment": (
        "{team}: Registration for the coming term opens Monday at 7 AM. Reply with any questions.",
        "{team}: Housing applications open on the 1st. Returning students choose their rooms first.",
        "{team}: Immunization records are due before move-in. A photo of the card is enough.",
        "{team}: Orientation has three dates left. Text us the one you want.",
    ),
    "Advising": (
        "{team}: Your advisor has openings this week. Text us a day that suits you.",
        "{team}: Degree checks for May graduates are done. Ask us what is left on yours.",
        "{team}: The last day to withdraw from a class is Friday.",
        "{team}: Summer classes are posted. Reply if you want help choosing.",
    ),
}
_EACH = 4
_FAILS = 0.025


def load_announcements(
    changes: Iterable[Change], inboxes: list[Inbox], users: list[User], chance: random.Random
) -> None:
    """A few texts to each contact in each team, all while the contact was opted in."""
    desks = {inbox.team_id: inbox for inbox in reversed(inboxes) if not inbox.personal}
    conversations: list[dict[str, Any]] = []
    texts: list[list[dict[str, Any]]] = []
    for (contact_id, team_id), (since, until) in _spans(changes).items():
        inbox = desks[team_id]
        author = chance.choice([user for user in users if inbox.team in user.teams])
        moments = sorted(since + (until - since) * chance.random() for _ in range(_EACH))
        rows = [_text(inbox, author, moment, chance) for moment in moments]
        texts.append(rows)
        conversations.append(
            {
                "tenant_id": inbox.tenant_id,
                "inbox_id": inbox.id,
                "contact_id": contact_id,
                "last_message_at": rows[-1]["created_at"],
                "last_message_text": rows[-1]["body"],
                "unread": 0,
                "listed_at": rows[-1]["created_at"],
                "state": ConversationState.DONE,
            }
        )
    ids = db.session.scalars(
        insert(Conversation).returning(Conversation.id, sort_by_parameter_order=True), conversations
    ).all()
    db.session.execute(
        insert(Message),
        [row | {"conversation_id": ids[index]} for index, rows in enumerate(texts) for row in rows],
    )


def _spans(changes: Iterable[Change]) -> dict[tuple[int, int], tuple[datetime, datetime]]:
    """From when to when each contact was opted in to each team for the first time."""
    opted_in: dict[tuple[int, int], datetime] = {}
    opted_out: dict[tuple[int, int], datetime] = {}
    for change in changes:
        if change.at is not None:
            first = opted_in if change.status == Status.OPTED_IN else opted_out
            first.setdefault((change.contact_id, change.team_id), change.at)
    # A text takes a moment, and nobody is texted on the day that this is loaded.
    latest = datetime.now(UTC) - timedelta(days=2)
    return {
        pair: (since, min(opted_out.get(pair, latest), latest))
        for pair, since in opted_in.items()
        if since < min(opted_out.get(pair, latest), latest)
    }


def _text(inbox: Inbox, author: User, moment: datetime, chance: random.Random) -> dict[str, Any]:
    failed = chance.random() < _FAILS
    return {
        "tenant_id": inbox.tenant_id,
        "inbox_id": inbox.id,
        "direction": Direction.OUTBOUND,
        "kind": MessageKind.PERSON,
        "body": chance.choice(_TEXTS[inbox.team.name]).format(team=inbox.team.name),
        "state": MessageState.FAILED if failed else MessageState.DELIVERED,
        "detail": "The carrier says this number is out of service." if failed else "",
        "user_id": author.id,
        "created_at": moment,
        "provider_at": moment,
    }
