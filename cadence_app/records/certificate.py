"""What a consent certificate says about one contact: how they agreed, every change, and the seals that prove
them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select, text

from cadence_app.accounts.models import Team, User
from cadence_app.consent import seals
from cadence_app.consent.contact_rows import with_merged
from cadence_app.consent.evidence_basis import Basis, bases_of
from cadence_app.consent.evidence_models import Evidence
from cadence_app.consent.models import Consent, OptOutChange, Source
from cadence_app.consent.seal_models import CheckState, RetiredChange, Seal, SealCheck, SealedChange
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.messaging import desk
from cadence_app.records.certified_evidence import EvidenceEntry, Resting, evidence_entries, resting
from cadence_app.records.certified_texts import CertifiedText, texts_of
from cadence_app.records.sealed_rows import Proof, SealedRow
from cadence_app.ui import formatting

_DIGESTS = text(
    f"SELECT id, {seals.ROW_DIGEST} AS digest FROM opt_out_changes WHERE id = ANY(:ids)"  # noqa: S608
)


@dataclass(frozen=True, kw_only=True)
class Entry(SealedRow):
    """One change. `words` are the contact's own, as far as the viewer may read them: an admin or auditor may,
    for they are evidence; an agent not those to a colleague's personal inbox."""

    change: OptOutChange
    team: Team
    words: str

    @property
    def at(self) -> datetime:
        return self.change.changed_at

    @property
    def moment(self) -> str:
        """When, in UTC with microseconds, as the row's digest has it."""
        return f"{self.change.changed_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"

    def local_moment(self, zone: ZoneInfo) -> str:
        return formatting.in_zone(self.change.changed_at, zone)

    @property
    def known_then(self) -> str:
        """The names, ContactId and number as they were at the time of the change."""
        change = self.change
        name = f"first name {change.first_name or '(empty)'}, last name {change.last_name or '(empty)'}"
        return f"{change.number}, {name}, ContactId {change.external_id or '(empty)'}"

    @property
    def source(self) -> str:
        """What decided the change, in words."""
        by = f" by {self.change.user_name}" if self.change.user_name else ""
        return {
            Source.KEYWORD: "Text message from this number",
            Source.COLD_INBOUND: "First text message from this number",
            Source.TOGGLE: f"Set by hand{by}",
            Source.MANUAL_ADD: f"Contact added by hand{by}",
            Source.IMPORT: f"File import{by}",
            Source.API: f"Through the API{by}",
            Source.NUMBER_CHANGE: f"Number changed{by}",
            Source.MERGE: f"Two records merged{by}",
        }[self.change.source]

    def record(self, team_word: str) -> str:
        """The ids that the row's digest is computed from, beside what is shown."""
        change = self.change
        parts = [f"history row {change.id}", f"organization {change.tenant_id}"]
        parts += [f"contact {change.contact_id}", f"{team_word} {change.team_id}"]
        parts += [f"user {change.user_id}" if change.user_id else "no user"]
        parts += [f"message {change.message_id}" if change.message_id else "no message"]
        return f"Ids: {', '.join(parts)}. What decided is stored as “{change.source}”."


@dataclass(frozen=True)
class Certificate:
    """Everything on the certificate. `teams` are those it covers; `resting` says of each where the contact is
    opted in what that rests on; `last_check` is the latest finished check of the whole chain; entries and
    evidence are oldest first."""

    contact: Contact
    teams: list[Team]
    statuses: list[Consent]
    entries: list[Entry]
    evidence: list[EvidenceEntry]
    texts: list[CertifiedText]
    texts_total: int
    resting: list[Resting]
    head: Seal | None
    last_check: SealCheck | None
    produced_by: User
    produced_at: datetime

    @property
    def organisation(self) -> str:
        return self.produced_by.tenant.name

    @property
    def zone(self) -> ZoneInfo:
        """The organisation's time zone."""
        return self.produced_by.tenant.zone

    @property
    def in_order(self) -> list[tuple[int, Entry | CertifiedText]]:
        """The changes, by their numbers, and the texts between them, whose number is 0, oldest first."""
        rows: list[tuple[int, Entry | CertifiedText]] = [*enumerate(self.entries, 1)]
        rows += [(0, each) for each in self.texts]
        # Where both are of one instant the change comes first: it stood when the text was decided.
        return sorted(rows, key=lambda row: (row[1].at, row[0] == 0))

    @property
    def texts_words(self) -> str:
        """What of the texts stands between the changes."""
        count = len(self.texts)
        if not count:
            return "No text was sent to them from what this certificate covers."
        if self.texts_total > count:
            return (
                f"Between the changes stand the latest {count:,} of the {self.texts_total:,} texts to them,"
                " each in one line. The earlier ones are in their conversation."
            )
        many = "The one text" if count == 1 else f"The {count:,} texts"
        return f"{many} to them stand{'s' if count == 1 else ''} between the changes, each in one line."

    @property
    def differs(self) -> bool:
        return any(row.proof == Proof.DIFFERS for row in (*self.entries, *self.evidence))

    @property
    def no_consent(self) -> str:
        """What stands in place of what the consents rest on, where there is none."""
        return "They are not opted in anywhere that this certificate covers."

    @property
    def check_words(self) -> str:
        """How the latest check of every seal of the organisation went."""
        check = self.last_check
        if check is None or check.finished_at is None:
            return "The seals were not checked as a whole yet."
        when = formatting.utc(check.finished_at)
        if check.state == CheckState.INTACT:
            return (
                f"{when}: intact, {check.days:,} days with {check.rows:,} rows of history and"
                f" {check.evidence:,} of evidence."
            )
        return f"{when}: DIFFERS. {check.problem}."

    @property
    def how_to_check(self) -> tuple[str, ...]:
        """For whoever is handed the certificate: what the digests are and how to recompute them."""
        return (
            "Each change and each piece of evidence above is one row of what is only ever added to. A row"
            " digest is the SHA-256 of all fields of the row, which are those shown here: number, names,"
            " words, reason, moment and the ids of the record. After each UTC day a seal"
            " is computed over the digests of the day's rows and the seal of the day before, so that no"
            " sealed row can be altered, removed or added without every later seal changing.",
            f"{self.organisation} can have all seals recomputed, with the Verify button of the Proof page."
            " The file docs/proof.md of Cadence gives the exact recipe and a program for a third party."
            " The chain proves most to whoever holds a digest of it that was kept outside the system, such"
            " as in an export's mail. It shows what was recorded and when, not whether the record was"
            " true.",
        )


def teams_covered(user: User, contact_id: int) -> list[Team]:
    """The teams of a contact that a user's certificate covers: an admin's all, an agent's shared ones."""
    changed, agreed = (
        select(table.team_id).where(table.contact_id.in_(with_merged(contact_id)))
        for table in (OptOutChange, Evidence)
    )
    query = select(Team).where(or_(Team.id.in_(changed), Team.id.in_(agreed))).order_by(Team.name)
    if not user.reads_reports:
        query = query.where(Team.id.in_([team.id for team in user.teams]))
    return list(db.session.scalars(query))


def certify(user: User, contact_id: int) -> Certificate | None:
    """The certificate of a contact for a user; None where there is no such contact in a team they may see."""
    contact = db.session.get(Contact, contact_id)
    teams = teams_covered(user, contact_id) if contact else []
    if contact is None or not teams:
        return None
    by_id = {team.id: team for team in teams}
    stored = (
        select(Consent).join(Consent.team).where(Consent.contact_id == contact.id, Consent.team_id.in_(by_id))
    )
    statuses = list(db.session.scalars(stored.order_by(Team.name)))
    # Before the rows, which are only ever added to: so what a consent rests on is among them.
    bases = bases_of(contact.id, by_id)
    hidden = _hidden(user, contact.id, by_id)
    entries = _entries(contact.id, by_id, hidden)
    evidence = evidence_entries(contact.id, by_id)
    texts, texts_total = texts_of(user, contact, by_id, [entry.change for entry in entries])
    return Certificate(
        contact=contact,
        teams=teams,
        statuses=statuses,
        entries=entries,
        evidence=evidence,
        texts=texts,
        texts_total=texts_total,
        resting=_resting(user, teams, bases, entries, evidence, hidden),
        head=seals.head(),
        last_check=_last_check(),
        produced_by=user,
        produced_at=db.session.scalars(select(func.now())).one(),
    )


def _hidden(user: User, contact_id: int, teams: dict[int, Team]) -> set[int]:
    """The ids of the texts behind the history whose words the user may not read."""
    if user.reads_reports:
        return set()
    texts = select(OptOutChange.message_id).where(
        OptOutChange.contact_id.in_(with_merged(contact_id)),
        OptOutChange.team_id.in_(teams),
        OptOutChange.message_id.is_not(None),
    )
    found = {message_id for message_id in db.session.scalars(texts) if message_id}
    return found - desk.readable(user, found)


def _entries(contact_id: int, teams: dict[int, Team], hidden: set[int]) -> list[Entry]:
    rows = db.session.execute(
        select(
            OptOutChange,
            SealedChange.digest,
            func.history_day(OptOutChange.changed_at).label("day"),
            RetiredChange,
        )
        .outerjoin(SealedChange, SealedChange.change_id == OptOutChange.id)
        .outerjoin(RetiredChange, RetiredChange.change_id == OptOutChange.id)
        .where(OptOutChange.contact_id.in_(with_merged(contact_id)), OptOutChange.team_id.in_(teams))
        .order_by(OptOutChange.changed_at, OptOutChange.id)
    ).all()
    ids = [row.OptOutChange.id for row in rows]
    now = {row.id: row.digest for row in db.session.execute(_DIGESTS, {"ids": ids})}
    by_day = seals.seals_of({row.day for row in rows})
    return [
        Entry(
            change=row.OptOutChange,
            team=teams[row.OptOutChange.team_id],
            words="(sent to a personal inbox)"
            if row.OptOutChange.message_id in hidden
            else row.OptOutChange.words,
            digest=now[row.OptOutChange.id],
            sealed_digest=row.digest,
            seal=by_day.get(row.day),
            erased=row.RetiredChange,
        )
        for row in rows
    ]


def _resting(
    user: User,
    teams: list[Team],
    bases: dict[int, Basis],
    entries: list[Entry],
    evidence: list[EvidenceEntry],
    hidden: set[int],
) -> list[Resting]:
    places = {entry.change.id: place for place, entry in enumerate(entries, 1)}
    said = {entry.change.message_id for entry in entries if entry.change.message_id} - hidden
    zone = user.tenant.zone
    return [resting(team, bases[team.id], places, evidence, said, zone) for team in teams if team.id in bases]


def _last_check() -> SealCheck | None:
    done = select(SealCheck).where(SealCheck.state.in_((CheckState.INTACT, CheckState.DIFFERS)))
    return db.session.scalars(done.order_by(SealCheck.id.desc()).limit(1)).one_or_none()
