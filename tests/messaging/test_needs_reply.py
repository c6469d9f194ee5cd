"""Which texts need a reply, by what was decided of them."""

from __future__ import annotations

import pytest

from cadence_app.consent.deciding import Decided, Note
from cadence_app.consent.intent import Found
from cadence_app.consent.keywords import Keyword, Meaning
from cadence_app.consent.models import Status
from cadence_app.consent.reading import Beside
from cadence_app.consent.text_effects import First, Flag, LiftStops, OnlyThisTeam, OptIn, OptOut, WordsCount
from cadence_app.messaging.needs_reply import needs_reply

OUT, IN, HELP = (
    Keyword("stop", Meaning.OUT),
    Keyword("start", Meaning.IN),
    Keyword("help", Meaning.HELP),
)
FIRST = First(Status.OPTED_IN, "", stopped=False)


@pytest.mark.parametrize(
    ("decided", "needs"),
    [
        (Decided(), True),
        (Decided(effects=(FIRST,)), True),
        (Decided(keyword=OUT, effects=(OptOut((1,)),), answer=Meaning.OUT), False),
        (Decided(keyword=OUT, effects=(OptOut((1,)),), note=Note.HAD_STOPPED), False),
        # It named another team than the one that was texted, which somebody must look at.
        (Decided(keyword=OUT, effects=(OptOut((2,)), Flag(Found()))), True),
        (Decided(effects=(OptOut((1,), by_policy=True),), answer=Meaning.OUT), False),
        (Decided(effects=(Flag(Found("take me off")),)), True),
        (Decided(effects=(WordsCount(),), opted_out=True), False),
        (Decided(keyword=IN, effects=(OptIn(),), answer=Meaning.IN), False),
        (Decided(keyword=IN), True),
        (Decided(keyword=IN, effects=(LiftStops(False),), note=Note.OTHER_PHONE), True),
        (Decided(keyword=IN, note=Note.SENT_BEFORE_STOP), False),
        (Decided(keyword=IN, note=Note.SENT_BEFORE_OPT_OUT), True),
        (Decided(keyword=HELP, answer=Meaning.HELP), False),
        (Decided(effects=(OnlyThisTeam(),), note=Note.ONLY_THIS_TEAM), False),
        (Decided(note=Note.ANSWER_TOO_LATE, opted_out=True), True),
    ],
)
def test_a_text_needs_a_reply_unless_something_came_of_it(decided: Decided, needs: bool) -> None:
    assert needs_reply(decided, "any words", Beside(), has_files=False) == needs


@pytest.mark.parametrize(
    ("words", "needs"),
    [
        ("Liked “See you at nine”", False),
        ("Liked “See you at nine” Liked “See you at nine”", False),
        ("Le gustó “See you at nine”", False),
        ("Liked “See you at ten”", True),
        ("See you at nine", True),
        ("Loved a video", False),
        ("Loved a video from last year", True),
        ("Auto-reply: I will text you back?", True),
        ("Auto-reply: I will text you back.", False),
    ],
)
def test_a_reaction_to_our_text_needs_none(words: str, needs: bool) -> None:
    beside = Beside(ours=("See you at nine",))
    assert needs_reply(Decided(), words, beside, has_files=False) == needs
    assert needs_reply(Decided(), words, beside, has_files=True)
