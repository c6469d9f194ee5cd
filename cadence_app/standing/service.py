"""The one place that decides what becomes of somebody's API tokens and schedules when they are no admin any
more. The caller commits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, and_, not_, select

from cadence_app.accounts import admins, audit
from cadence_app.accounts.models import User
from cadence_app.accounts.service import Refused
from cadence_app.api import tokens
from cadence_app.api.models import GRACE, ApiToken, EndReason
from cadence_app.extensions import db
from cadence_app.reports import schedule_runs
from cadence_app.reports.schedule_models import ExportSchedule

Choices = Mapping[str, User | None]
"""For the field of each standing errand: who takes it over, or None to end it."""

NO_CHOICES: Choices = {}


@dataclass(frozen=True)
class Errand:
    """One thing that goes on by itself in its owner's name. `field` names it in a form; `name` says what it
    is."""

    field: str
    name: str
    row: ApiToken | ExportSchedule

    @property
    def owner(self) -> User:
        return self.row.owner

    @property
    def is_token(self) -> bool:
        return isinstance(self.row, ApiToken)

    @property
    def until(self) -> datetime | None:
        """When it ends by itself, where its owner is gone and nobody has decided."""
        if self.row.gone_at is None:
            return None
        return self.row.opt_outs_until if isinstance(self.row, ApiToken) else self.row.gone_at + GRACE

    @property
    def meanwhile(self) -> str:
        """What it does as long as nobody has decided, as a sentence that goes on."""
        if isinstance(self.row, ApiToken):
            return "It only writes opt outs"
        if self.row.paused_at is not None:
            return "It is paused"
        return "It waits" if schedule_runs.waits(self.row) else "It goes on"

    @property
    def last_used_at(self) -> datetime | None:
        """A token's last call; a schedule's last run."""
        if isinstance(self.row, ApiToken):
            return self.row.last_used_at
        last = schedule_runs.last_run(self.row)
        return last.requested_at if last else None


def errands_of(user: User, *, hold: bool = False) -> list[Errand]:
    """What goes on in a user's name, or would: tokens that have not ended, and schedules; each lot oldest
    first. Held until the transaction ends where asked."""
    return _found(ApiToken.owner_id == user.id, ExportSchedule.owner_id == user.id, hold)


def left_behind(*, hold: bool = False) -> list[Errand]:
    """What waits for a decision, since its owner is no admin any more."""
    gone = not_(and_(*admins.ACTING))
    return _found(ApiToken.owner.has(gone), ExportSchedule.owner.has(gone), hold)


def heirs(leaving: User | None = None) -> list[User]:
    """Who may take something over: the admins, without the one who leaves."""
    return [user for user in admins.acting() if leaving is None or user.id != leaving.id]


def settle(actor: User, errands: Sequence[Errand], choices: Choices, leaving: User | None = None) -> None:
    """Hands over or ends each errand, as chosen. Call hold_admins() first.

    Errors: Refused where one has no choice, and for an heir who is no admin (any more) or the one who leaves.
    """
    for errand in errands:
        if errand.field not in choices:
            raise Refused(f"Choose what becomes of {errand.name}.")
        heir = choices[errand.field]
        if heir is None:
            end(actor, errand, EndReason.ENDED)
            continue
        db.session.refresh(heir, ["active", "role", "invited_at"])
        if not heir.acts_as_admin or (leaving is not None and heir.id == leaving.id):
            raise Refused(f"{heir.name} is no admin who could take over {errand.name}.")
        if isinstance(errand.row, ApiToken):
            tokens.hand_over(actor, errand.row, heir)
        else:
            schedule_runs.hand_over(actor, errand.row, heir)


def end(actor: audit.Actor, errand: Errand, reason: EndReason) -> None:
    """Ends it for good, in the open transaction."""
    if isinstance(errand.row, ApiToken):
        tokens.end(actor, errand.row, reason)
    else:
        schedule_runs.end(actor, errand.row, tokens.END_WORDS[reason])


def _found(
    tokens_where: ColumnElement[bool], schedules_where: ColumnElement[bool], hold: bool
) -> list[Errand]:
    working = (ApiToken.revoked_at.is_(None), ApiToken.expires_at > datetime.now(UTC))
    of_tokens = select(ApiToken).where(tokens_where, *working).order_by(ApiToken.id)
    of_schedules = (
        select(ExportSchedule)
        .where(schedules_where, ExportSchedule.deleted_at.is_(None))
        .order_by(ExportSchedule.id)
    )
    if hold:
        of_tokens, of_schedules = of_tokens.with_for_update(), of_schedules.with_for_update()
    fresh = {"populate_existing": True}
    found = [
        Errand(f"token-{row.id}", f"the API token {row.name}", row)
        for row in db.session.scalars(of_tokens, execution_options=fresh)
    ]
    return found + [
        Errand(f"schedule-{row.id}", f"the schedule {schedule_runs.said(row)}", row)
        for row in db.session.scalars(of_schedules, execution_options=fresh)
    ]
