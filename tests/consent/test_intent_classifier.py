from __future__ import annotations

from collections import Counter
from functools import cache

import pytest

from cadence_app.consent.intent import Found, classifier, find_opt_out, opt_out_words, reads_like_opt_out
from cadence_app.consent.intent.plain import sentences
from tests.consent.intent_lines import held_out, noticed, score
from training import data, templates

# What the held-out lines scored when the thresholds were frozen.
RECALL, PRECISION = 0.80, 0.98
HELD_OUT = held_out()


@cache
def _rows() -> list[data.Row]:
    """Made once, and only where a test asks for them: there are tens of thousands."""
    return data.rows()


def test_the_held_out_lines_are_none_that_the_classifier_was_made_from() -> None:
    made_from = {row.text.casefold() for row in _rows()}
    assert not [line.text for line in HELD_OUT if len(line.text) > 20 and line.text.casefold() in made_from]


def test_lines_that_nothing_was_made_from_are_read_as_well_as_when_the_thresholds_were_frozen() -> None:
    found = score(HELD_OUT)
    assert found.recall >= RECALL
    assert found.precision >= PRECISION


def test_each_kind_that_phrases_miss_has_lines_in_both_directions() -> None:
    kinds = Counter((line.part, line.opt_out) for line in HELD_OUT)
    for kind in ("law", "somebody_else", "never_one", "consent", "wipe", "channel", "last", "misspelt"):
        assert kinds[kind, True] >= 5, kind
        assert kinds[kind, False] >= 4, kind
    for kind in ("own_wrong", "drop", "negated", "reported", "texts", "removal", "complaint"):
        assert kinds[kind, False] >= 3, kind
    trained = {template.kind for template in templates.templates()}
    assert {
        "out law",
        "trap law",
        "out another_channel_only",
        "trap other_channel",
        "trap own_wrong",
    } <= trained


def test_the_training_lines_are_thousands_of_every_sort() -> None:
    rows = [row for row in _rows() if not row.varied]
    counts = Counter((row.opt_out, row.ordinary) for row in rows)
    assert min(counts[True, False], counts[False, False], counts[False, True]) >= 2000


def test_an_author_is_left_out_with_every_file_and_template_of_theirs() -> None:
    files = [file.author for file in data.authors()]
    assert len(files) > len(set(files)) >= 7
    for author in set(files):
        rows = [row for row in _rows() if row.author == author]
        lines = {text for file in data.authors() if file.author == author for text, _ in file.lines}
        assert lines <= {row.text for row in rows if not row.varied}
    named = {template.author for template in templates.templates() if template.author}
    assert named <= set(files)
    assert all(row.author for row in _rows() if row.borrows)


def test_the_weights_are_those_that_the_lines_make() -> None:
    """The lines, or the code that reads them, have changed: run `python -m training`, as training/README.md
    says, and raise its VERSION."""
    assert classifier.load().data == data.checksum(_rows())


@pytest.mark.parametrize(
    "text",
    [
        "expect a letter from our solicitor if these go on",
        "this phone is my nephew's since last winter, don't use it",
        "the consent I gave for these texts is withdrawn as of today",
        "scrub my digits off ur system",
        "letters only from now on, not texts",
        "c'est le dernier sms que je veux de vous",
        "Ich widerrufe meine Zustimmung zu den SMS",
    ],
)
def test_wording_that_no_phrase_knows_is_flagged_by_the_classifier(text: str) -> None:
    assert find_opt_out(text) == Found(classifier=classifier.load().version)
    assert opt_out_words(text) is None
    assert reads_like_opt_out(text)


@pytest.mark.parametrize(
    "text",
    [
        "oops wrong person, that was for my sister",
        "please stop calling the house, texts are fine",
        "haha leave me alone, I already said I'm coming",
        "quiero dar de baja la clase de arte",
        'my roommate told her ex "stop texting me" lol',
    ],
)
def test_a_phrase_in_a_text_that_is_plainly_about_something_else_is_set_aside(text: str) -> None:
    assert not noticed(text)


_PLAIN = (
    "please don't text me again",
    "stop texting me",
    "take me off your list",
    "wrong number",
    "unsubscribe me",
    "no more texts",
    "leave me alone",
    "remove my number",
    "I want to opt out",
    "do not contact me",
)
_BEFORE = ("", "Hi! ", "Good morning, ", "Thanks for the info. ", "Hi this is Dana from the class of 09. ")
_AFTER = ("", ", thanks", "! Thank you", ", I'm at work", " ok? have a nice day", " \U0001f64f")


@pytest.mark.parametrize("plain", _PLAIN)
def test_a_plain_wish_is_never_set_aside_for_what_is_said_around_it(plain: str) -> None:
    texts = [before + plain + after for before in _BEFORE for after in _AFTER]
    assert [text for text in texts if not reads_like_opt_out(text)] == []


def test_a_phrase_names_its_words_even_where_the_classifier_agrees() -> None:
    assert find_opt_out("please stop texting me") == Found(words="stop texting")


@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_one_sentence_of_many_is_not_drowned_by_the_others(place: int) -> None:
    others = ["Thanks for the tour on Friday", "The kids loved the planetarium", "My mother says hi"]
    others.insert(place, "I hereby withdraw my consent to text messages")
    assert reads_like_opt_out(". ".join(others) + ".")


def test_the_same_text_always_gets_the_same_score_and_an_empty_one_none() -> None:
    model = classifier.load()
    plain = sentences("my lawyer will hear about this")
    assert model.score(plain) == model.score(plain)
    for nothing in ("", " ", "!!!", "\u200b"):
        assert find_opt_out(nothing) is None


def test_a_text_of_any_length_is_read_at_its_start_and_its_end() -> None:
    filler = "the weather is lovely and the garden is in bloom. " * 400
    assert reads_like_opt_out("I revoke my consent to these texts. " + filler)
    assert reads_like_opt_out(filler + " I hereby revoke my consent to these texts.")
