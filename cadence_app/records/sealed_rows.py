"""How a row that is sealed with its day stands to its seal: a change, or a piece of evidence."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cadence_app.consent.evidence_models import RetiredEvidence
from cadence_app.consent.seal_models import RetiredChange, Seal
from cadence_app.ui import formatting


class Proof(StrEnum):
    """How a row stands to its day's seal."""

    SEALED = "sealed"
    OPEN = "open"
    ERASED = "erased"
    DIFFERS = "differs"


@dataclass(frozen=True, kw_only=True)
class SealedRow:
    """`digest` is that of the row as it is now; `sealed_digest` the one its day was sealed with, by `seal`;
    both are None while the day is open. `erased` is the record of a row that was erased."""

    digest: bytes
    sealed_digest: bytes | None
    seal: Seal | None
    erased: RetiredChange | RetiredEvidence | None = None

    @property
    def proof(self) -> Proof:
        if self.erased and self.erased.replaced == self.digest:
            fits = self.seal is None or self.sealed_digest == self.erased.digest
            return Proof.ERASED if fits else Proof.DIFFERS
        if self.sealed_digest is None and self.seal is None:
            return Proof.OPEN
        return Proof.SEALED if self.seal and self.sealed_digest == self.digest else Proof.DIFFERS

    @property
    def proof_words(self) -> str:
        """How the row stands to its seal, as a sentence."""
        if self.proof == Proof.OPEN:
            return "Not sealed yet: the day is still open."
        if self.proof == Proof.ERASED and self.erased:
            return (
                f"Erased on {formatting.utc(self.erased.retired_at)} by {self.erased.user_name}. The digest"
                f" it was sealed with is kept: {self.erased.digest.hex()}."
            )
        if self.proof == Proof.SEALED and self.seal:
            sealed_at = formatting.utc(self.seal.sealed_at)
            return f"Unchanged since its day, {self.seal.day} (UTC), was sealed on {sealed_at}."
        if self.sealed_digest is None:
            return "DIFFERS: this row was not there when its day was sealed."
        return f"DIFFERS from what was sealed, which had the row digest {self.sealed_digest.hex()}."
