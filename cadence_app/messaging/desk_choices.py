"""How each user has the desk, kept on the server so that it is the same in every browser of theirs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy.dialects.postgresql import insert as upsert

from cadence_app.accounts.models import Tenant, User
from cadence_app.extensions import db
from cadence_app.messaging.desk_models import DeskChoice
from cadence_app.messaging.desk_which import Only, Which

# For so long after an upgrade the desk says what it marked done.
_SAID_FOR = timedelta(days=30)


def of(user: User) -> DeskChoice:
    """The user's choices; those of one who has chosen nothing are not stored."""
    return db.session.get(DeskChoice, user.id) or DeskChoice(
        user_id=user.id, tab="", oldest_first=False, done_told=False, quiet_told=False
    )


def tab_of(choice: DeskChoice) -> Only:
    """The tab they were in last; at first those who need a reply."""
    return Only(choice.tab) if choice.tab in set(Only) else Only.WAITING


def keep(user: User, **values: str | bool) -> None:
    """Keeps choices where they are others than before, and commits."""
    choice = of(user)
    if all(getattr(choice, name) == value for name, value in values.items()):
        return
    given = {"tab": "", "oldest_first": False, "done_told": False, "quiet_told": False} | values
    new = upsert(DeskChoice).values(user_id=user.id, tenant_id=user.tenant_id, **given)
    db.session.execute(new.on_conflict_do_update(index_elements=["user_id"], set_=values))
    db.session.commit()


def keep_tab(user: User, which: Which, *, chosen: bool) -> None:
    """Keeps the tab where somebody has `chosen` one; a search, or what a list is narrowed by, is for once.
    Commits."""
    if chosen and not which.search and not which.narrowed:
        keep(user, tab=str(which.only))


def says_quiet(user: User, choice: DeskChoice) -> bool:
    """Whether the desk tells this user that an upgrade marked quiet conversations done."""
    if choice.quiet_told:
        return False
    at = db.session.get_one(Tenant, user.tenant_id).quiet_done_at
    return at is not None and at > datetime.now(UTC) - _SAID_FOR
