"""Which conversations a list of the desk has: the tab, the search and what else narrows it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Only(StrEnum):
    """The tabs: those that wait for a reply; the open ones, of which the user's own, and those of shared
    inboxes that are nobody's; those with unread texts; snoozed; done; those with a possible opt out to
    decide; all that are in a list."""

    WAITING = "waiting"
    OPEN = "open"
    MINE = "mine"
    UNASSIGNED = "unassigned"
    ALL = "all"
    UNREAD = "unread"
    SNOOZED = "snoozed"
    DONE = "done"
    FLAGGED = "flagged"


class Whose(StrEnum):
    """Whom conversations are assigned to, where a list is narrowed by that."""

    ANYONES = ""
    MINE = "me"
    NOBODYS = "nobody"


@dataclass(frozen=True)
class Which:
    """Which conversations a list has: of one inbox or all, whose contact, text or note matches a search, in a
    tab; with a `person` who is named so, with a tag, or assigned to the user or to nobody. A search in all
    finds those too that are in no list."""

    inbox_id: int | None = None
    search: str = ""
    only: Only = Only.ALL
    oldest_first: bool = False
    person: str = ""
    tag_id: int | None = None
    whose: Whose = Whose.ANYONES

    @property
    def narrowed(self) -> bool:
        """Whether it leaves out conversations by more than the inbox, the tab and the search."""
        return bool(self.person or self.tag_id or self.whose)

    @property
    def anywhere(self) -> bool:
        """Whether somebody is looked for, who is found also where no list has them."""
        return bool(self.search or self.person)

    @property
    def by_inbox(self) -> bool:
        """Whether it may be long and is in an order that each inbox has an index of (desk_first.py)."""
        few = self.search or self.narrowed or self.only in {Only.MINE, Only.SNOOZED, Only.FLAGGED}
        return not few
