from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadence_app.consent.keywords import BUILT_IN, HELP_WORDS, IN_WORDS, OUT_WORDS, Meaning, normalise, read

WORDS = st.sampled_from(sorted(BUILT_IN))
SPACES = st.text(st.sampled_from(" \t\r\n\u00a0\u2003\u200b\ufeff"), max_size=4)
QUOTES = st.sampled_from(
    [("", ""), ('"', '"'), ("'", "'"), ("\u201c", "\u201d"), ("\u00ab", "\u00bb"), ("(", ")")]
)
CLOSING = st.text(st.sampled_from(".!?,;:\u2026\u3002"), max_size=4)


@st.composite
def _disguised(draw: st.DrawFn) -> tuple[str, str]:
    word = draw(WORDS)
    cased = "".join(draw(st.sampled_from([c.lower(), c.upper()])) for c in word)
    if draw(st.booleans()):
        cased = "".join(chr(ord(c) + 0xFEE0) if c.isalpha() else c for c in cased)
    before, after = draw(QUOTES)
    text = draw(SPACES) + before + draw(SPACES) + cased + draw(CLOSING) + after + draw(CLOSING) + draw(SPACES)
    return text, word


@given(_disguised())
def test_case_width_space_quotes_and_closing_punctuation_do_not_hide_a_keyword(pair: tuple[str, str]) -> None:
    text, word = pair
    keyword = read(text, {})
    assert keyword is not None
    assert (keyword.word, keyword.meaning) == (word, BUILT_IN[word])


@given(WORDS, st.text(st.characters(categories=["L", "N"]), min_size=1))
def test_a_word_beside_the_keyword_makes_it_no_keyword(word: str, more: str) -> None:
    assert normalise(f"{word} {more}") in BUILT_IN or read(f"{word} {more}", {}) is None


@given(st.text())
def test_any_text_can_be_read_and_normalising_again_changes_nothing(text: str) -> None:
    read(text, {})
    assert normalise(normalise(text)) == normalise(text)


def test_each_word_of_the_rule_has_its_meaning() -> None:
    for words, meaning in ((OUT_WORDS, Meaning.OUT), (IN_WORDS, Meaning.IN), (HELP_WORDS, Meaning.HELP)):
        for word in words:
            assert BUILT_IN[word] == meaning
    assert set(OUT_WORDS) == {
        *("stop", "stopall", "stop all", "unsubscribe", "cancel", "end", "quit", "revoke"),
        *("optout", "opt out", "opt-out"),
    }


@pytest.mark.parametrize("text", ["STOP ALL", "stop  all", "StopAll!", "stop\nall"])
def test_stopall_means_every_team(text: str) -> None:
    keyword = read(text, {})
    assert keyword is not None
    assert keyword.every_team


@pytest.mark.parametrize("text", ["opt \u2014 out", "OPT\u2011OUT", "opt - out."])
def test_any_hyphen_will_do_for_opt_out(text: str) -> None:
    keyword = read(text, {})
    assert keyword is not None
    assert keyword.meaning == Meaning.OUT


@pytest.mark.parametrize(
    "text",
    [
        "*STOP*",
        "STOP \U0001f64f",
        "...stop",
        "\u201cStop.\u201d",
        "<stop>",
        "- Stop -",
        "\U0001f6d1 STOP \U0001f6d1",
        "STOP \u270b\U0001f3fd",
        "_stop_",
    ],
)
def test_a_keyword_in_marks_or_with_an_emoji_is_still_the_keyword(text: str) -> None:
    keyword = read(text, {})
    assert keyword is not None
    assert (keyword.word, keyword.meaning) == ("stop", Meaning.OUT)


@pytest.mark.parametrize(
    "text",
    [
        *("", "   ", "...", "stop by my office", "don't stop", "yes please", "stopp", "\U0001f64f"),
        *("STOP STOP STOP", "Stop \U0001f602", "@stop", "please stop"),
    ],
)
def test_other_texts_are_no_keywords(text: str) -> None:
    assert read(text, {}) is None


def test_an_own_word_works_in_any_language_but_never_replaces_a_built_in_one() -> None:
    custom = {normalise("ARRÊT"): Meaning.OUT, normalise("रोकें"): Meaning.OUT, "stop": Meaning.IN}
    for text in ("arre\u0302t!", " रोकें "):
        keyword = read(text, custom)
        assert keyword is not None
        assert keyword.meaning == Meaning.OUT
    stop = read("Stop", custom)
    assert stop is not None
    assert stop.meaning == Meaning.OUT
