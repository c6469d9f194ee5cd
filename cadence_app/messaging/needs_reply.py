"""Whether a text that has come in needs a reply from a person: decided of values alone.

Nearly all do. A keyword does not that was acted on, nor words that were counted as an opt out, nor what a
phone writes by itself: a reaction to a text of ours, or its own automatic answer. Where in doubt a text needs
a reply: one too many in the list is seen and done, one too few is a person nobody answers.
"""

from __future__ import annotations

from cadence_app.consent import quoting
from cadence_app.consent.deciding import Decided, Note
from cadence_app.consent.keywords import Meaning
from cadence_app.consent.reading import Beside
from cadence_app.consent.text_effects import Flag, OnlyThisTeam, OptIn, OptOut, WordsCount

# An opt in that changed nothing because a later word of theirs had been read before it.
_SETTLED = (Note.SENT_BEFORE_STOP, Note.ONLY_THIS_TEAM)


def needs_reply(decided: Decided, words: str, beside: Beside, *, has_files: bool) -> bool:
    """Whether somebody should answer a text of these words, of which this was `decided`. A possible opt out
    needs it, whatever else the text is."""
    if any(isinstance(effect, Flag) for effect in decided.effects):
        return True
    if _acted_on(decided):
        return False
    return has_files or not quoting.by_phone(words, beside.ours, beside.own_keywords)


def _acted_on(decided: Decided) -> bool:
    """Whether it was a keyword, or words that count as one, and something came of it. An opt in that opted
    nobody in, such as YES to a question or START from another phone, waits for a person."""
    if decided.note == Note.ANSWER_TOO_LATE:
        return False
    acts = (OptOut, WordsCount, OnlyThisTeam)
    if any(isinstance(effect, acts) for effect in decided.effects) or decided.note in _SETTLED:
        return True
    keyword = decided.keyword
    if keyword is None:
        return False
    if keyword.meaning == Meaning.IN:
        return decided.answer == Meaning.IN or any(isinstance(each, OptIn) for each in decided.effects)
    return True
