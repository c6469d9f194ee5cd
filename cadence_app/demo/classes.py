"""In which year of college the demo's people are, as tags, which its campaigns go to."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert

from cadence_app.accounts.models import Tenant, User
from cadence_app.administration import labels
from cadence_app.contacts.models import ContactTag
from cadence_app.extensions import db

# Each with its share of a hundred.
YEARS = {"Prospective": 24, "First year": 21, "Sophomore": 17, "Junior": 15, "Senior": 14, "Graduate": 9}
Classes = dict[str, tuple[int, set[int]]]


def load_classes(
    tenant: Tenant, admin: User, contacts: Sequence[dict[str, Any]], chance: random.Random
) -> Classes:
    """The id of each tag, and the ids of the contacts that carry it."""
    tags = {name: labels.make_tag(admin, name).id for name in YEARS}
    years = chance.choices(list(YEARS), list(YEARS.values()), k=len(contacts))
    db.session.execute(
        insert(ContactTag),
        [
            {"tenant_id": tenant.id, "contact_id": contact["id"], "tag_id": tags[year]}
            for contact, year in zip(contacts, years, strict=True)
        ],
    )
    return {
        name: (tag_id, {each["id"] for each, year in zip(contacts, years, strict=True) if year == name})
        for name, tag_id in tags.items()
    }
