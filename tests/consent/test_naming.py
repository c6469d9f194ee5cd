"""An out word with what to stop beside it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadence_app.consent.keywords import BUILT_IN, OUT_WORDS, Meaning
from cadence_app.consent.naming import Aimed, Names, TeamName, aimed, may_name

HOUSING, AID, COMPUTING, DESK = 11, 12, 13, 14
NAMES = Names(
    tenant="Hillcrest State College",
    teams=(
        TeamName(HOUSING, "Résidence & Housing", "HSG"),
        TeamName(AID, "Student Aid", "AID"),
        TeamName(COMPUTING, "IT", "IT"),
        TeamName(DESK, "One-Stop", "24"),
    ),
    numbers=(("+12125557101", HOUSING), ("+12125557102", AID), ("+447700900123", DESK)),
    inboxes=("Front counter",),
    people=("Noor Haddad", "Priya O'Neil", "Ben Hope"),
)


def read(text: str, names: Names = NAMES) -> Aimed:
    return aimed(text, {"adios": Meaning.OUT, "hola": Meaning.IN}, names)


@pytest.mark.parametrize(
    ("text", "teams"),
    [
        ("STOP HSG", {HOUSING}),
        ("hsg stop", {HOUSING}),
        ("Stop Residence and Housing", {HOUSING}),
        ("STOP: résidence & housing.", {HOUSING}),
        ("stop-aid", {AID}),
        ("UNSUBSCRIBE student aid", {AID}),
        ("Opt out, the Student Aid office", {AID}),
        ("opt-out Student Aid", {AID}),
        ("STOP\nHillcrest", set()),
        ("STOP Hillcrest State", set()),
        ("stop hillcrest state college", set()),
        ("STOP Hillcrest State College Student Aid", {AID}),
        ("STOP AID and HSG", {HOUSING, AID}),
        ("STOP AID, HSG", {HOUSING, AID}),
        ("Stop front counter", set()),
        ("STOP 212-555-7102", {AID}),
        ("STOP +1 (212) 555-7102", {AID}),
        ("stop 5557101", {HOUSING}),
        ("STOP 07700 900123", {DESK}),
        ("STOP 24", {DESK}),
        ("adiós HSG", None),
        ("adios HSG", {HOUSING}),
        ("“STOP” HSG", {HOUSING}),
        ("\u0405\u0422\u041e\u0420 HSG", {HOUSING}),
    ],
)
def test_an_out_word_with_names_of_the_organisation_is_the_keyword_for_the_teams_named(
    text: str, teams: set[int] | None
) -> None:
    keyword = read(text).keyword
    if teams is None:
        assert keyword is None
        return
    assert keyword is not None
    assert (keyword.meaning, keyword.named, set(keyword.team_ids)) == (Meaning.OUT, True, teams)


@pytest.mark.parametrize(
    "text",
    [
        *("STOP 73811", "STOP7", "7 stop", "stop 2125557109", "STOP #4", "STOP to 73811", "unsubscribe 3"),
        *("STOP Noor", "stop haddad", "STOP priya oneil", "Stop - Ben", "STOP Zebulon", "STOP Mary Ann"),
        *("STOP from HSG", "stop to 212-555-7102", "opt out of Student Aid", "STOP Residence", "STOP IT"),
    ],
)
def test_other_digits_a_persons_name_and_a_name_after_to_or_from_must_be_read(text: str) -> None:
    found = read(text)
    assert found.keyword is None
    assert found.flagged


@pytest.mark.parametrize(
    "text",
    [
        *("stop it", "the end", "bus stop", "dead end", "stop by my office", "stop sign", "weekend", "STOP"),
        *(
            "stop state",
            "stop college",
            "cancel 3:30",
            "cancel 5/12",
            "end 5pm",
            "cancel my order",
            "stopover",
        ),
        *("HSG", "start HSG", "hola HSG", "HSG help", "yes 1", "stop texts from HSG", "don't stop", ""),
    ],
)
def test_anything_else_is_left_to_the_phrases(text: str) -> None:
    assert read(text) == Aimed()


@given(
    st.sampled_from([*OUT_WORDS, "adios"]),
    st.sampled_from(["HSG", "Student Aid", "Hillcrest", "(212) 555-7101", "Résidence & Housing"]),
    st.sampled_from([" ", "  ", ": ", " - ", ", ", "\n"]),
    st.sampled_from(["", "!", ".", " \U0001f64f"]),
    st.booleans(),
    st.booleans(),
)
def test_any_out_word_beside_any_name_is_the_keyword(
    word: str, name: str, between: str, after: str, swapped: bool, loud: bool
) -> None:
    first, second = (name, word) if swapped else (word, name)
    text = f"{first}{between}{second}{after}"
    text = text.upper() if loud else text
    keyword = read(text).keyword
    assert keyword is not None
    assert keyword.meaning == Meaning.OUT
    assert may_name(text, {"adios": Meaning.OUT})


@given(
    st.sampled_from([word for word, meaning in BUILT_IN.items() if meaning != Meaning.OUT]),
    st.sampled_from(["HSG", "Student Aid", "Hillcrest", "73811", "Noor"]),
)
def test_no_other_word_is_read_so(word: str, name: str) -> None:
    assert read(f"{word} {name}") == read(f"{name} {word}") == Aimed()


@given(st.text(max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    read(text)
    read(f"stop {text}")
    read(f"{text} stop", Names())


def test_a_name_that_could_be_a_persons_or_anybodys_names_nobody() -> None:
    names = Names("Hope University", (), (), (), ("Ben Hope",))
    assert read("stop hope", names).flagged
    assert read("stop north", Names("North Valley College")) == Aimed()
    assert read("stop university", Names("University of Hillcrest")) == Aimed()
    assert read("STOP University of Hillcrest", Names("University of Hillcrest")).keyword is not None
    assert read("stop hillcrest", Names("University of Hillcrest")).flagged


def test_a_number_that_two_inboxes_end_with_is_neither() -> None:
    names = Names(numbers=(("+12125557101", HOUSING), ("+13035557101", AID)))
    assert read("STOP 5557101", names).flagged
    keyword = read("STOP 303-555-7101", names).keyword
    assert keyword is not None
    assert keyword.team_ids == (AID,)
