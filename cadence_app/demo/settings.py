"""What the demo's admin has changed under Settings, so that fields, tags and the audit log are not empty."""

from __future__ import annotations

import random
from typing import Any

from sqlalchemy import insert, update

from cadence_app.accounts.models import Team, User
from cadence_app.administration import inboxes as inbox_settings
from cadence_app.administration import labels
from cadence_app.administration import teams as team_settings
from cadence_app.contacts.models import Contact, ContactTag, FieldKind
from cadence_app.extensions import db
from cadence_app.messaging.models import Inbox

_FIELDS = (
    ("Intended major", FieldKind.TEXT),
    ("Expected start", FieldKind.DATE),
    ("Campus visits", FieldKind.NUMBER),
)
_MAJORS = ("Biology", "Business", "Computer science", "History", "Nursing", "Undecided")
_TAGS = ("Athlete", "First generation", "Transfer", "Visited campus")


def load_settings(
    admin: User,
    teams: list[Team],
    inboxes: list[Inbox],
    contacts: list[dict[str, Any]],
    chance: random.Random,
) -> None:
    """Custom fields and tags on some contacts, a text of a team's own and an inbox with a new name."""
    major, *_ = (labels.make_field(admin, name, kind) for name, kind in _FIELDS)
    chosen = chance.sample(contacts, len(contacts) // 3)
    values = [{"id": each["id"], "custom": {str(major.id): chance.choice(_MAJORS)}} for each in chosen]
    db.session.execute(update(Contact), values)
    tags = [labels.make_tag(admin, name) for name in _TAGS]
    rows = [
        {"contact_id": contact["id"], "tag_id": tag.id, "tenant_id": admin.tenant_id}
        for contact in contacts
        for tag in chance.sample(tags, chance.choice((0, 0, 1, 2)))
    ]
    db.session.execute(insert(ContactTag), rows)
    team = teams[-1]
    ours = f"{team.tenant.name} {team.name}: You will get no more texts. Reply START to come back."
    team_settings.set_texts(admin, team, ours, "", "")
    inbox_settings.rename(admin, inboxes[len(teams)], "Toll-free desk")
