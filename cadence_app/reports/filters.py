"""What narrows a report beside its days: kept in the address of a page and with each request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from cadence_app.accounts.models import Team, User
from cadence_app.consent.models import REPORTED_SOURCES, Source, Status
from cadence_app.extensions import db
from cadence_app.ui.navigation import Words

SOURCE_NAMES: Mapping[str, str] = {
    Source.KEYWORD: "Keyword",
    Source.TOGGLE: "Toggle",
    Source.COLD_INBOUND: "First text",
    Source.MANUAL_ADD: "Manual add",
    Source.IMPORT: "Import",
    Source.API: "API",
    Source.NUMBER_CHANGE: "Number change",
    Source.MERGE: "Merge",
}
# The filter that stands for all of CARRIED_SOURCES: what the file of the history leaves out.
CARRIED = "carried"
SOURCE_FILTERS: Mapping[str, str] = {
    **{source: SOURCE_NAMES[source] for source in REPORTED_SOURCES},
    CARRIED: "Number changes and merges",
}
STATUS_NAMES: Mapping[str, str] = {Status.OPTED_OUT: "Opted Out", Status.OPTED_IN: "Opted In"}


@dataclass(frozen=True)
class Filters:
    """Each one narrows; an empty one takes everything its report holds. `source` is one of SOURCE_FILTERS.
    `contact` and `words` are parts of texts, whatever the case."""

    team_id: int | None = None
    source: str = ""
    status: str = ""
    user_id: int | None = None
    contact: str = ""
    words: str = ""

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> Filters:
        return cls(**stored)

    @property
    def stored(self) -> dict[str, Any]:
        """The ones that are set, as an export's row keeps them."""
        return {name: value for name, value in asdict(self).items() if value}


def describe(filters: Filters, words: Words) -> list[str]:
    """The filters that are set, in words: "Team: Admissions"."""
    team = db.session.get(Team, filters.team_id) if filters.team_id else None
    user = db.session.get(User, filters.user_id) if filters.user_id else None
    said = {
        words.Team: team.name if team else "",
        "Source": SOURCE_FILTERS.get(filters.source, ""),
        "Status": STATUS_NAMES.get(filters.status, ""),
        "User": user.name if user else "",
        "Contact": f"“{filters.contact}”" if filters.contact else "",
        "Words": f"“{filters.words}”" if filters.words else "",
    }
    return [f"{name}: {value}" for name, value in said.items() if value]
