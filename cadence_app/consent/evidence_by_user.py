"""How somebody agreed, as a user enters it: what is refused, and adding it for who is opted in already.

Everything here runs inside the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta

from sqlalchemy import func, select

from cadence_app.accounts.models import Tenant, User
from cadence_app.consent import evidence, evidence_basis
from cadence_app.consent.by_user import consent_of
from cadence_app.consent.contact_rows import lock_contacts
from cadence_app.consent.evidence import Given
from cadence_app.consent.evidence_models import Evidence, Way
from cadence_app.consent.models import Consent
from cadence_app.extensions import db
from cadence_app.tenancy import tenant_in_use

# The same by the same user within this time is a form that was sent twice.
_TWICE = timedelta(minutes=1)


class AgreedBefore(ValueError):
    """They agreed before they opted out last, on the day `out_on` of the tenant's calendar: no opt in rests
    on that."""

    def __init__(self, out_on: date) -> None:
        super().__init__(f"they opted out on {out_on}")
        self.out_on = out_on


class NotOptedIn(ValueError):
    """They are opted out, so there is nothing that could rest on it."""


def refuse_before(contact_id: int, team_ids: Collection[int], given: Given | None, way: Way) -> None:
    """Errors: AgreedBefore, for a contact whom the caller holds, where they opted out of one of the teams on
    a later day than they agreed on."""
    if given is None or given.agreed_on is None:
        return
    outs = [at for team_id in team_ids if (at := evidence_basis.last_out(contact_id, team_id, way))]
    if not outs:
        return
    out_on = max(outs).astimezone(db.session.get_one(Tenant, tenant_in_use()).zone).date()
    if given.agreed_on < out_on:
        raise AgreedBefore(out_on)


def add(user: User, contact_id: int, team_id: int, given: Given) -> bool:
    """Records how somebody agreed who is opted in already; False where it is the same that this user recorded
    a moment ago. Errors: NotOptedIn, of who is opted out, in no such team or gone by now; AgreedBefore."""
    held = lock_contacts([contact_id])
    stored = consent_of(contact_id, team_id) if held else None
    if stored is None or stored.opted_out:
        raise NotOptedIn
    refuse_before(contact_id, [team_id], given, Way.RECORD)
    if just_recorded(user, contact_id, team_id, given):
        return False
    evidence.record([(contact_id, team_id)], given, Way.RECORD, user)
    return True


def just_recorded(user: User, contact_id: int, team_id: int, given: Given) -> bool:
    """Whether this user recorded the same of a contact, whom the caller holds, within the last minute, and
    since the status that stands: for another opt in it is to be recorded again."""
    since = select(Consent.since).where(Consent.contact_id == contact_id, Consent.team_id == team_id)
    same = select(Evidence.id).where(
        *(Evidence.contact_id == contact_id, Evidence.team_id == team_id, Evidence.user_id == user.id),
        *(Evidence.method == given.method, Evidence.words == given.words),
        *(Evidence.page_url == given.page_url, Evidence.collected_by == given.collected_by),
        Evidence.agreed_on.is_not_distinct_from(given.agreed_on),
        Evidence.recorded_at > func.clock_timestamp() - _TWICE,
        Evidence.recorded_at >= since.scalar_subquery(),
    )
    return db.session.scalar(select(same.exists())) is True
