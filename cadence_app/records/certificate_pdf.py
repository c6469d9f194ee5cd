"""The consent certificate as a PDF, in a form to hand to counsel."""

from __future__ import annotations

from cadence_app.consent.models import Status
from cadence_app.messaging.evidence_words import Kind
from cadence_app.records.certificate import Certificate, Entry
from cadence_app.records.certified_evidence import EvidenceEntry
from cadence_app.records.certified_texts import CertifiedText
from cadence_app.records.sealed_rows import SealedRow
from cadence_app.ui import formatting
from cadence_app.ui.navigation import Words
from cadence_app.ui.paper import Paper

_STATUS = {Status.OPTED_IN: "Opted In", Status.OPTED_OUT: "Opted Out"}


def draw(certificate: Certificate, words: Words) -> bytes:
    """The certificate as a PDF file; `words` are what the viewer's screens call a team."""
    contact, by = certificate.contact, certificate.produced_by
    who = f"{contact.name}, {contact.number}" if contact.name else contact.number
    paper = Paper(
        "Consent certificate",
        head=f"Consent certificate: {who}",
        foot=f"{certificate.organisation}, {formatting.utc(certificate.produced_at)}",
        author=certificate.organisation,
        made_at=certificate.produced_at,
    )
    _person(paper, certificate)
    paper.section("This certificate")
    paper.fact("Organization", certificate.organisation)
    paper.fact("Produced", f"{formatting.utc(certificate.produced_at)}, by {by.name} ({by.email}), {by.role}")
    paper.fact(
        f"{words.Teams} covered", ", ".join(f"{team.name} ({team.code})" for team in certificate.teams)
    )
    _agreed(paper, certificate, words)
    paper.section(f"Changes: {len(certificate.entries):,}, oldest first")
    paper.paragraph(certificate.texts_words)
    for number, entry in certificate.in_order:
        if isinstance(entry, Entry):
            _change(paper, number, entry, certificate, words)
        else:
            _text(paper, entry, certificate)
    _proof(paper, certificate)
    _for_verifiers(paper, certificate)
    return bytes(paper.output())


def _person(paper: Paper, certificate: Certificate) -> None:
    contact = certificate.contact
    paper.section("The person, as known now")
    for consent in certificate.statuses:
        since = formatting.utc(consent.since)
        paper.fact("Status now", f"{_STATUS[consent.status]} in {consent.team.name}, since {since}")
    paper.fact("Name", contact.name or "Not known")
    paper.fact("Mobile number", contact.number)
    paper.fact("ContactId", contact.external_id or "Not given")


def _agreed(paper: Paper, certificate: Certificate, words: Words) -> None:
    paper.section("How they agreed")
    for each in certificate.resting:
        paper.fact("Consent now", f"In {each.team.name}: {each.words}")
    if not certificate.resting:
        paper.paragraph(certificate.no_consent)
    for number, entry in enumerate(certificate.evidence, 1):
        _evidence(paper, number, entry, certificate, words)


def _evidence(
    paper: Paper, number: int, entry: EvidenceEntry, certificate: Certificate, words: Words
) -> None:
    paper.keep_together(6)
    paper.item(f"Evidence {number}. {entry.title}: {entry.team.name} ({entry.team.code})")
    for fact in entry.facts(certificate.zone):
        paper.fact(fact.label, fact.value, exact=fact.kind == Kind.EXACT)
    paper.fact("Recorded", f"{entry.moment} ({entry.local_moment(certificate.zone)})")
    paper.fact("Bearing", entry.bearing_words)
    paper.fact("Record", entry.record(words.team))
    paper.fact("Seal", entry.proof_words)


def _change(paper: Paper, number: int, entry: Entry, certificate: Certificate, words: Words) -> None:
    change = entry.change
    paper.keep_together(6)
    paper.item(f"{number}. {_STATUS[change.status]}: {entry.team.name} ({change.team_code})")
    paper.fact("When", f"{entry.moment} ({entry.local_moment(certificate.zone)})")
    paper.fact("Decided by", entry.source)
    if entry.words:
        paper.fact("Their words", entry.words)
    if change.reason:
        paper.fact("Reason given", change.reason)
    paper.fact("As known then", entry.known_then)
    paper.fact("Record", entry.record(words.team))
    paper.fact("Seal", entry.proof_words)


def _text(paper: Paper, text: CertifiedText, certificate: Certificate) -> None:
    paper.keep_together(2)
    when = f"{formatting.utc(text.at)} ({formatting.in_zone(text.at, certificate.zone)})"
    paper.fact("Text", f"{when}, {text.team.name}: {text.words}")


def _proof(paper: Paper, certificate: Certificate) -> None:
    paper.section("How this can be checked")
    for paragraph in certificate.how_to_check:
        paper.paragraph(paragraph)
    paper.fact("Last check", certificate.check_words)


def _for_verifiers(paper: Paper, certificate: Certificate) -> None:
    """The digests, by the numbers that the rows above have."""
    paper.section("For verifiers")
    if certificate.head:
        paper.fact("Newest seal", f"{certificate.head.day} (UTC)")
        paper.fact("Its digest", certificate.head.digest.hex(), exact=True)
    named = [(f"Evidence {number}", entry) for number, entry in enumerate(certificate.evidence, 1)]
    rows: list[tuple[str, SealedRow]] = [*named]
    rows += [(str(number), entry) for number, entry in enumerate(certificate.entries, 1)]
    for name, row in rows:
        paper.fact(f"{name}. Row", row.digest.hex(), exact=True)
        if row.seal:
            paper.fact(f"{name}. Seal", row.seal.digest.hex(), exact=True)
