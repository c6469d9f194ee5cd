"""Texts that are no keyword but may revoke consent: 47 CFR 64.1200(a)(10), where a reasonable person would
understand them so.

The method, with its limits and its measured precision and recall, is in docs/intent.md. In short: the text
is brought to plain words (`plain.py`), cut into sentences, and each sentence is compared with the phrases of
`phrases.toml`: a verb of ceasing beside what is to cease, a wish to be off the list, a wrong number, a
threat, in seventeen languages. A phrase is excused by what stands around it ("I never asked you to stop
texting me"). There is no model and no network; the same text always gets the same answer, and the phrase
shows why.
"""

from __future__ import annotations

from cadence_app.consent.intent.phrases import load
from cadence_app.consent.intent.plain import sentences


def opt_out_words(text: str) -> str | None:
    """The words, as plain.py writes them, that make a text a possible revocation; None where it is none."""
    return load().find(sentences(text))


def reads_like_opt_out(text: str) -> bool:
    """Whether a text may be a revocation that somebody must read."""
    return opt_out_words(text) is not None
