"""Texts that are no keyword but may revoke consent: 47 CFR 64.1200(a)(10), where a reasonable person would
understand them so.

The method, with its limits and its measured precision and recall, is in docs/intent.md. In short: the text
is brought to plain words (`plain.py`), cut into sentences, and each sentence is compared with the phrases of
`phrases.toml`: a verb of ceasing beside what is to cease, a wish to be off the list, a wrong number, a
threat, in seventeen languages. A phrase is excused by what stands around it ("I never asked you to stop
texting me"). Where no phrase is found, a linear classifier (`classifier.py`) with a fixed weights file says
whether the text sounds like one. There is no network; the same text always gets the same answer.
"""

from __future__ import annotations

from dataclasses import dataclass

from cadence_app.consent.intent import classifier, phrases
from cadence_app.consent.intent.plain import sentences


@dataclass(frozen=True)
class Found:
    """What makes a text a possible revocation: the `words` of a phrase, as plain.py writes them, or, where
    they are empty, the classifier whose version this is. Only a phrase may opt anybody out by itself."""

    words: str = ""
    classifier: int | None = None


def find_opt_out(text: str) -> Found | None:
    """What says that a text may be a revocation; None where nothing does."""
    plain = sentences(text)
    words = phrases.load().find(plain)
    model = classifier.load()
    if words is None and not plain:
        return None
    if not model.flags(plain, model.score(plain), worded=words is not None):
        return None
    return Found(words=words) if words is not None else Found(classifier=model.version)


def opt_out_words(text: str) -> str | None:
    """The words that make a text a possible revocation; None where it is none or only the classifier's."""
    found = find_opt_out(text)
    return found.words if found and found.words else None


def reads_like_opt_out(text: str) -> bool:
    """Whether a text may be a revocation that somebody must read."""
    return find_opt_out(text) is not None
