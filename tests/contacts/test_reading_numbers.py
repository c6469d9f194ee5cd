"""Reading a phone number: what is no full number is refused, and no digit is guessed or dropped."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadence_app.phone_numbers import (
    BadNumber,
    LocalNumber,
    area_code_of,
    parse_number,
    parse_sender,
    with_area_code,
)

HOME = st.from_regex(r"[2-9](?!11|9)[0-9]{2}[2-9][0-9]{6}", fullmatch=True)
# As a keyboard for Chinese or Japanese writes ASCII.
WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
MARKS = st.sampled_from(["", " ", "-", ".", "/", ") ", "\u00a0", "\u2011", "\u2013"])


def refused(text: str) -> bool:
    try:
        parse_number(text)
    except BadNumber:
        return True
    return False


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("(415) 555-0171", "+14155550171"),
        ("+1.4155550171", "+14155550171"),
        ("1 (415) 555 - 0171", "+14155550171"),
        ("415/555-0171", "+14155550171"),
        ("\u202a+1 415 555 0171\u202c", "+14155550171"),
        ("415-555-0171".translate(WIDE), "+14155550171"),
        ("٤١٥٥٥٥٠١٧١", "+14155550171"),
        ("  4155550171\t", "+14155550171"),
        ("'4155550171", "+14155550171"),
        ('="4155550171"', "+14155550171"),
        ("tel:+1-415-555-0171", "+14155550171"),
        ("Tel: 415 555 0171", "+14155550171"),
        ("RCS:+14155550171", "+14155550171"),
        ("whatsapp:+447700900123", "+447700900123"),
        ("011 44 7700 900123", "+447700900123"),
        ("+44 (0)7700 900123", "+447700900123"),
        ("+39 06 1234 5678", "+390612345678"),
        ("+52 1 33 1234 5678", "+523312345678"),
        ("+523312345678", "+523312345678"),
        ("whatsapp:+5213312345678", "+523312345678"),
    ],
)
def test_a_full_number_is_read_however_it_is_written(written: str, number: str) -> None:
    assert parse_number(written) == number


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("4155550171.0", "+14155550171"),
        ("14155550171.00", "+14155550171"),
        ("4155550171,0", "+14155550171"),
        ("4,155,550,171", "+14155550171"),
        ("4.15555017E9", "+14155550170"),
        ("4.15555E9", None),
        ("4.1555501E9", "+14155550100"),
        ("1.41555501E10", "+14155550100"),
        ("4.15555017e9", None),
        ("4.15555017E+9", None),
        ("4.15555017E09", None),
        ("4.15555010E9", None),
        ("4,15555017E9", None),
        ("1.41555501E+10", None),
        ("1.4155550171E+10", "+14155550171"),
        ("1,4155550171E+10", "+14155550171"),
        ("4.155550171e+09", "+14155550171"),
        ("4155550171E0", "+14155550171"),
        ("41555501710E-1", None),
        ("4.1555501715E9", None),
        ("-4155550171", None),
        ("4155550171.5", None),
        ("4155550.171", None),
        ("415555.0000", None),
        ("4.15555017E99", None),
        ("NaN", None),
    ],
)
def test_a_number_of_a_spreadsheet_shows_every_digit_or_is_refused(written: str, number: str | None) -> None:
    assert refused(written) if number is None else parse_number(written) == number


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("1-800-FLOWERS", "+18003569377"),
        ("888 go-fedex", "+18884633339"),
        ("+1 (866) 555-CALL", "+18665552255"),
        ("1-800-555-5TEX", None),
        ("1-800-CONTACTS", None),
        ("415-555-TEXT", None),
        ("800-TEXT-555", None),
        ("1-800-FLOWERS x2", None),
    ],
)
def test_letters_are_keys_only_at_the_end_of_a_toll_free_number(written: str, number: str | None) -> None:
    assert refused(written) if number is None else parse_number(written) == number


@pytest.mark.parametrize(
    "written",
    [
        *("", " ", "+", "1", "60755", "text me", "4155550171 or 4155550172", "4155550171/4155550172"),
        *("415555017", "41555501711", "1-1-415-555-0171", "+1 1 415 555 0171", "+1 415 555 017"),
        *("1155550171", "0155550171", "4111550171", "4150550171", "911-555-0171", "495-555-0171"),
        *("0000000001", "2222", "9999999990", "+19999999990", "+15550171", "1 555 0171"),
        *(
            "(415) 555-0171 ext. 4",
            "415-555-0171 x4",
            "415-555-0171#4",
            "tel:+14155550171;ext=4",
            "4155550171,4",
        ),
        *("Cell 415 555 0171", "415-555-0171 (work)", "415555017²", "415-555-017①", "4155550171\x00"),
        *("+44 20 12", "+44 77009001234567", "+999 1234 5678", "++14155550171", "+0014155550171"),
        *("+52 33 1234 567", "+7 8 495 123 4567", "+54 11 15 1234 5678", "447700900123", "0113 496 0171"),
        *("+266696687", "+86282452253", "mailto:4155550171", "4" * 5_000),
    ],
)
def test_what_is_no_full_number_is_refused(written: str) -> None:
    assert refused(written)


@pytest.mark.parametrize(
    "written", ["555-0171", "555 0171", "555.0171", "5550171", "5550171.0", "555".translate(WIDE) + "0171"]
)
def test_a_local_number_is_refused_and_says_what_is_missing(written: str) -> None:
    with pytest.raises(LocalNumber, match="no area code") as caught:
        parse_number(written)
    assert with_area_code("415", caught.value.digits) == "+14155550171"


def test_an_area_code_makes_no_number_out_of_what_is_none() -> None:
    assert with_area_code("415", "155-0171") is None
    assert with_area_code("911", "5550171") is None
    assert with_area_code("", "5550171") is None


@pytest.mark.parametrize(
    ("number", "code"),
    [("+14155550171", "415"), ("+18335550171", ""), ("+447700900123", ""), ("+15550171", ""), ("", "")],
)
def test_the_area_code_of_an_inbox(number: str, code: str) -> None:
    assert area_code_of(number) == code


@pytest.mark.parametrize(
    ("sender", "number"),
    [
        ("+14155550171", "+14155550171"),
        ("14155550171", "+14155550171"),
        ("+5213312345678", "+523312345678"),
        ("rcs:+14155550171", "+14155550171"),
        ("whatsapp:+5213312345678", "+523312345678"),
        ("+298212345", "+298212345"),
        ("60755", None),
        ("+60755", None),
        ("444999", None),
        ("5550171", None),
        ("SUPPORT", None),
        ("Grad Office", None),
        ("800FLOWERS", None),
        ("4.15555017E9", None),
        ("anonymous", None),
        ("+266696687", None),
        ("+7378742883", None),
        ("+2562533", None),
        ("+8656696", None),
        ("+86282452253", None),
        ("+15550171", None),
        ("rcs:brand_agent", None),
        ("", None),
        ("4" * 5_000, None),
    ],
)
def test_a_sender_is_a_number_or_nobody(sender: str, number: str | None) -> None:
    assert parse_sender(sender) == number


@given(HOME, st.sampled_from(["", "1", "+1"]), MARKS, MARKS, MARKS)
def test_marks_between_the_digits_change_nothing(
    digits: str, code: str, first: str, second: str, third: str
) -> None:
    written = f"{code}{first}{digits[:3]}{second}{digits[3:6]}{third}{digits[6:]}"
    if written[0] not in "-\u2011\u2013./" and not refused(written):
        assert parse_number(written) == f"+1{digits}"
    assert parse_number(f"{code} {digits[:3]}-{digits[3:6]}-{digits[6:]}") == f"+1{digits}"


@given(st.text(alphabet="0123456789+-() xX#;=ABCT/", min_size=7, max_size=20))
def test_no_digit_is_dropped_or_made_up(written: str) -> None:
    if refused(written):
        return
    number = parse_number(written)
    keyed = phonenumbers.convert_alpha_characters_in_number(written)
    shown = "".join(character for character in keyed if character.isdecimal())
    read = number.removeprefix("+")
    abroad = "+" in written and not read.startswith("1")
    # Abroad a (0) behind the country's code is not dialed, nor is Mexico's old 1.
    without_one = {shown[:place] + shown[place + 1 :] for place in range(1, 4)} if abroad else set()
    assert read in {shown, f"1{shown}", shown.removeprefix("011")} | without_one
    assert parse_number(number) == number


@given(HOME, st.integers(1, 3))
def test_a_rounded_number_is_never_taken_for_somebody_elses(digits: str, lost: int) -> None:
    shown = digits[:-lost]
    assert refused(f"{shown[0]}.{shown[1:]}E+09")
    assert refused(f"{shown[0]}.{shown[1:]}E+9")


@given(st.integers(2_002_000_000, 9_899_999_999))
def test_a_number_as_java_writes_it_is_read_whole_or_refused(value: int) -> None:
    mantissa = str(value).rstrip("0")
    written = f"{mantissa[0]}.{mantissa[1:] or '0'}E9"
    if not refused(written):
        assert parse_number(written) == f"+1{value}"
