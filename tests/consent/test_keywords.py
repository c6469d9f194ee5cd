from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cadence_app.consent.keywords import BUILT_IN, HELP_WORDS, IN_WORDS, OUT_WORDS, Meaning, normalise, read
from tests import sizes

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


@pytest.mark.sized
@settings(max_examples=sizes.size(30, 1000), deadline=None)
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


DRESS = st.text(
    st.sampled_from(
        " \t\n\u00a0\u200b\u2060\ufeff\u3164\uffa0\u115f\u1160\u034f\u00ad\ufe0f\u2063\u180e\U000e0020"
        "\u2122\u00ae\u00a9\u2120\u00b4\u00a8\u00af\u00b8`^~|=<>*_#.,;:!?\"'()[]{}\u2026\u3002\u00bf\u00a1\u2022\u00b0"
        "\u02bc\u02bb\u02b9\u02c8\u02dc\u201c\u201d\u00ab\u00bb\u2018\u2019\u2013\u2014\u2192\u2605\u00d7"
        "\U0001f64f\U0001f6d1\u270b\U0001f3fd"
    ),
    max_size=6,
)


@given(st.sampled_from(OUT_WORDS), DRESS, DRESS)
def test_any_dress_around_an_out_word_reads_as_out(word: str, before: str, after: str) -> None:
    for text in (before + word + after, before + word.upper() + after):
        keyword = read(text, {})
        assert keyword is not None, text
        assert (keyword.word, keyword.meaning) == (word, Meaning.OUT)


LOOKALIKES = {
    **{
        "a": "\u0430\u03b1\u0391\u0410",
        "b": "\u0412\u0392",
        "c": "\u0441\u0421\u03f9",
        "e": "\u0435\u0395\u0415",
    },
    **{
        "i": "\u0456\u0406\u0399",
        "k": "\u041a\u039a",
        "l": "\u04cf\u029f",
        "n": "\u039d\u0274",
        "o": "\u043e\u03bf\u039f\u041e",
    },
    **{
        "p": "\u0440\u03c1\u03a1\u0420",
        "q": "\u051b",
        "s": "\u0455\u0405\ua731",
        "t": "\u0422\u03a4\u0442",
        "u": "\u03c5\u057d",
    },
    **{"v": "\u0475", "d": "\u0501", "r": "\u0280"},
}


@given(st.sampled_from(OUT_WORDS), st.data())
def test_letters_of_other_alphabets_that_look_alike_do_not_hide_an_out_word(
    word: str, data: st.DataObject
) -> None:
    letters = [data.draw(st.sampled_from(letter + LOOKALIKES.get(letter, ""))) for letter in word]
    keyword = read("".join(letters), {})
    assert keyword is not None
    assert (keyword.word, keyword.meaning) == (word, Meaning.OUT)


@pytest.mark.parametrize(
    "text",
    [
        "S\u0336T\u0336O\u0336P\u0336",
        "STO\u0301P",
        "\U0001f142\U0001f143\U0001f13e\U0001f13f",
        "\U0001f182\U0001f183\U0001f17e\U0001f17f",
        "$STOP$",
        "+stop+",
        "STOP\u20e0",
    ],
)
def test_marks_on_the_letters_and_letters_in_boxes_are_read(text: str) -> None:
    keyword = read(text, {})
    assert keyword is not None
    assert keyword.word == "stop"


@pytest.mark.parametrize(
    "text",
    [
        "\u0441\u0442\u043e\u043f",
        "СТОП",
        "\u0441\u0442\u043e\u0440",
        "енд",
        "σтоп",
        "στοπ",
        "τέλος",
        "\u0441\u0442\u0430\u0440\u0442",
        "ST\u0410RT",
        "Y\u0395S",
        "un\u0455top",
        "START\u0336",
    ],
)
def test_words_of_other_alphabets_stay_theirs_and_an_opt_in_is_never_guessed(text: str) -> None:
    assert read(text, {}) is None


def test_arabic_and_hebrew_words_are_compared_without_vowel_signs_both_ways() -> None:
    for bare, written in (
        ("\u0642\u0641", "\u0642\u0650\u0641\u0652"),
        ("\u062a\u0648\u0642\u0641", "\u062a\u064e\u0648\u064e\u0642\u0651\u064e\u0641\u0652"),
        ("\u0648\u0642\u0641", "\u0648\u0642\u0640\u0640\u0640\u0641"),
        ("\u05d4\u05e1\u05e8", "\u05d4\u05b8\u05e1\u05b5\u05e8"),
    ):
        assert normalise(bare) == normalise(written) == bare
    # Other scripts' marks are letters of their words.
    assert normalise("रोकें") != normalise("रोक")
    assert normalise("sí") != normalise("si")


def test_an_own_word_works_in_any_language_but_never_replaces_a_built_in_one() -> None:
    custom = {normalise("ARRÊT"): Meaning.OUT, normalise("रोकें"): Meaning.OUT, "stop": Meaning.IN}
    for text in ("arre\u0302t!", " रोकें "):
        keyword = read(text, custom)
        assert keyword is not None
        assert keyword.meaning == Meaning.OUT
    stop = read("Stop", custom)
    assert stop is not None
    assert stop.meaning == Meaning.OUT
