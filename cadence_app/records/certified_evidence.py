"""How a person agreed, as their certificate says it: every row of evidence with its seal, and what each
present consent rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import and_, func, select, text

from cadence_app.accounts.models import Team
from cadence_app.consent import seals
from cadence_app.consent.contact_rows import with_merged
from cadence_app.consent.evidence import METHOD_NAMES
from cadence_app.consent.evidence_basis import Basis
from cadence_app.consent.evidence_bearing import Bearing, bearings_of
from cadence_app.consent.evidence_models import Evidence, RetiredEvidence, SealedEvidence
from cadence_app.consent.seal_models import Retirement
from cadence_app.extensions import db
from cadence_app.messaging import evidence_words
from cadence_app.messaging.evidence_words import Fact
from cadence_app.records.sealed_rows import SealedRow
from cadence_app.ui import formatting

_DIGESTS = text("SELECT e.id, evidence_digest(e) AS digest FROM consent_evidence e WHERE e.id = ANY(:ids)")


@dataclass(frozen=True, kw_only=True)
class EvidenceEntry(SealedRow):
    """One row of evidence, and whether the present consent in its team rests on it."""

    evidence: Evidence
    team: Team
    bearing: Bearing

    @property
    def title(self) -> str:
        """How they agreed, in few words."""
        return METHOD_NAMES[self.evidence.method]

    @property
    def bearing_words(self) -> str:
        return evidence_words.bearing_words(self.bearing)

    @property
    def moment(self) -> str:
        """When it was recorded, in UTC with microseconds, as the row's digest has it."""
        return _exact(self.evidence.recorded_at)

    def local_moment(self, zone: ZoneInfo) -> str:
        return formatting.in_zone(self.evidence.recorded_at, zone)

    def facts(self, zone: ZoneInfo) -> list[Fact]:
        """What else is known of it."""
        return evidence_words.facts_of(self.evidence, zone)

    def record(self, team_word: str) -> str:
        """What the row's digest is computed from, beside what is shown."""
        row = self.evidence
        parts = [f"evidence row {row.id}", f"organization {row.tenant_id}"]
        parts += [f"contact {row.contact_id}", f"{team_word} {row.team_id}"]
        parts += [f"user {row.user_id}" if row.user_id else "no user"]
        days = [f"agreed_on “{row.agreed_on}”"] if row.agreed_on else []
        days += [f"agreed_at “{_exact(row.agreed_at)}”"] if row.agreed_at else []
        stored = ", ".join([f"method “{row.method}”", f"way “{row.way}”", *days])
        return f"Ids: {', '.join(parts)}. Stored as {stored}."


@dataclass(frozen=True)
class Resting:
    """What the consent in a team, of somebody who is opted in there, rests on: `changes` and `evidence` are
    the places, from 1, of what is listed on the certificate, with a line for each."""

    team: Team
    changes: Sequence[tuple[int, str]]
    evidence: Sequence[tuple[int, str]]

    @property
    def words(self) -> str:
        """ "Agreed on Mar 3, 2026 · Paper form (evidence 1)"; "None recorded"."""
        lines = [f"{line} (change {place})" for place, line in self.changes]
        lines += [f"{line} (evidence {place})" for place, line in self.evidence]
        return "; ".join(lines) or evidence_words.NONE_RECORDED.capitalize()


def evidence_entries(contact_id: int, teams: Mapping[int, Team]) -> list[EvidenceEntry]:
    """The evidence of a contact, and of those merged into it, in these teams; oldest first."""
    erased = and_(RetiredEvidence.evidence_id == Evidence.id, RetiredEvidence.how == Retirement.ERASED)
    rows = db.session.execute(
        select(
            Evidence,
            SealedEvidence.digest,
            func.history_day(Evidence.recorded_at).label("day"),
            RetiredEvidence,
        )
        .outerjoin(SealedEvidence, SealedEvidence.evidence_id == Evidence.id)
        .outerjoin(RetiredEvidence, erased)
        .where(Evidence.contact_id.in_(with_merged(contact_id)), Evidence.team_id.in_(teams))
        .order_by(Evidence.recorded_at, Evidence.id)
    ).all()
    ids = [row.Evidence.id for row in rows]
    now = {row.id: row.digest for row in db.session.execute(_DIGESTS, {"ids": ids})}
    by_day = seals.seals_of({row.day for row in rows})
    bearings = bearings_of(contact_id, [row.Evidence for row in rows])
    return [
        EvidenceEntry(
            evidence=row.Evidence,
            team=teams[row.Evidence.team_id],
            bearing=bearings[row.Evidence.id],
            digest=now[row.Evidence.id],
            sealed_digest=row.digest,
            seal=by_day.get(row.day),
            erased=row.RetiredEvidence,
        )
        for row in rows
    ]


def resting(
    team: Team,
    basis: Basis,
    changes: Mapping[int, int],
    entries: Sequence[EvidenceEntry],
    readable: set[int],
    zone: ZoneInfo,
) -> Resting:
    """What a consent rests on, as the certificate says it. `changes` are the places of the changes, by id;
    `readable` the texts whose words the viewer may read."""
    places = {entry.evidence.id: place for place, entry in enumerate(entries, 1)}
    texts = [basis.text] if basis.text else []
    return Resting(
        team,
        [(changes[each.id], evidence_words.text_line(each, readable, zone)) for each in texts],
        [(places[row.id], evidence_words.line_of(row, zone)) for row in basis.evidence],
    )


def _exact(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
