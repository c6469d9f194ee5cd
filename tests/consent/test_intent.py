from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cadence_app.consent.intent import opt_out_words, phrases, reads_like_opt_out
from cadence_app.consent.keywords import HELP_WORDS, IN_WORDS, YES
from tests import sizes
from tests.consent.intent_lines import Line, lines, noticed, score

LINES = lines()
GAPS = st.text(st.sampled_from(" \t\u00a0\u2003"), min_size=1, max_size=3)
ENDINGS = st.text(st.sampled_from(".!?\u2026 "), max_size=4)
APOSTROPHES = st.sampled_from(["'", "\u2019", "\u2018", "`", "\u02bc", ""])


def test_the_lines_are_many_and_of_both_kinds() -> None:
    assert len({line.text for line in LINES}) == len(LINES) >= 350
    assert sum(not line.opt_out for line in LINES) >= 0.4 * len(LINES)
    assert len({line.language for line in LINES if line.opt_out}) >= 15


@pytest.mark.parametrize("part", sorted({line.part for line in LINES}))
def test_what_is_flagged_is_an_opt_out_and_few_are_missed(part: str) -> None:
    found = score(line for line in LINES if line.part == part)
    assert found.precision >= 0.98
    assert found.recall >= 0.95


@pytest.mark.parametrize("language", sorted({line.language for line in LINES}))
def test_no_language_is_left_behind(language: str) -> None:
    found = score(line for line in LINES if line.language == language)
    assert found.recall >= 0.95
    assert found.precision >= 0.95


@given(st.sampled_from(LINES), st.data())
def test_case_spacing_closing_marks_and_apostrophes_do_not_change_the_verdict(
    line: Line, data: st.DataObject
) -> None:
    text = data.draw(st.sampled_from([line.text, line.text.upper(), line.text.lower(), line.text.title()]))
    text = re.sub("['\u2019]", data.draw(APOSTROPHES), text)
    text = data.draw(GAPS).join(text.split(" "))
    assert noticed(text + data.draw(ENDINGS)) == noticed(line.text)


@pytest.mark.sized
@settings(max_examples=sizes.size(30, 1000), deadline=None)
@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    assert reads_like_opt_out(text) or opt_out_words(text) is None


@pytest.mark.parametrize("word", [*IN_WORDS, *HELP_WORDS, YES])
def test_a_keyword_that_opts_in_or_asks_for_help_is_no_opt_out(word: str) -> None:
    assert not reads_like_opt_out(word)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hi! Please don\u2019t text me again, thanks", "dont text me"),
        ("You never stop! Take me off this list", "take me off this list"),
        ("STOP\n\nSent from my phone", "stop"),
        ("STOP STOP STOP", "stop"),
        (
            "see https://x.example/unsubscribe and pls remove my # from ur system",
            "remove my number from your system",
        ),
        ("Stop \U0001f602", "stop haha"),
    ],
)
def test_the_words_that_raised_the_flag_are_named(text: str, words: str) -> None:
    assert opt_out_words(text) == words


@pytest.mark.parametrize(
    "text",
    [
        "it says reply STOP to opt out, what does that mean?",
        "see https://x.example/unsubscribe",
        "my ex won't stop texting me",
        "I don't want these texts to stop",
    ],
)
def test_words_around_it_excuse_a_phrase(text: str) -> None:
    assert opt_out_words(text) is None


@pytest.mark.parametrize(
    "text",
    ["why don't you stop texting me", "you never stop texting me", "if you don't stop texting me I'll sue"],
)
def test_a_complaint_that_they_never_stop_is_not_taken_for_a_wish_that_they_go_on(text: str) -> None:
    assert reads_like_opt_out(text)


def test_no_pattern_can_be_made_to_run_away() -> None:
    """Only the letters of one word, closed by the space after it, may repeat without a bound."""
    patterns = phrases.load().patterns()
    assert len(patterns) > 500
    for pattern in patterns:
        rest = re.sub(r"\[\^ ,_?\][+*] |\\.", "", pattern)
        assert not re.search(r"[*+]|\{\d+,\}", rest), pattern
