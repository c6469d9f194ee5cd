"""Phone numbers: the one strict reading of what people, files, carriers and other programs write.

Strict, because a digit that is guessed is somebody else's phone. Google's libphonenumber says what is
possible abroad; how North American numbers are made up is the plan's own rule (NANPA, ATIS-0300051).
"""

from __future__ import annotations

import re
import unicodedata

import phonenumbers

# The usual ways to write a number of the North American plan. Most come so, and reading one in full takes far
# longer. What may be a number of a spreadsheet with zeros behind its point is none of them.
_PLAIN = re.compile(
    r"(?![0-9]+[.]0+$)(?:\+?1[-. ]?)?\(?([2-9][0-9]{2})\)?[-. ]?([2-9][0-9]{2})[-. ]?([0-9]{4})", re.ASCII
)
_LONGEST = 80
# Of E.164, without the plus.
_MOST_DIGITS = 15
_AREA_CODE = re.compile("[2-9](?!11|9)[0-9]{2}")
_LOCAL = re.compile("[2-9][0-9]{6}")
_TOLL_FREE = ("800", "833", "844", "855", "866", "877", "888")
# How an address book, a link and a carrier mark a number.
_PREFIX = re.compile(r"(?:tel|sms|mms|rcs|whatsapp): *", re.IGNORECASE)
# A text that a spreadsheet was made to keep as text.
_CONSTANT = re.compile(r'="([^"]*)"')
_DECIMAL = re.compile(r"(?![0-9]{3}[.][0-9]{4}$)([0-9]+)[.,]([0-9]+)")
_GROUPED = re.compile(r"[0-9]{1,3}(?:,[0-9]{3}){2,4}")
_SCIENTIFIC = re.compile(r"([0-9]+)(?:[.,]([0-9]+))?[eE]\+?([0-9]{1,3})")
# Double.toString() of Java leaves out zeros at the end and nothing else; it is told from what Excel, pandas
# and others round by its E without a plus or a zero, and by the last digit.
_SHORTEST = re.compile(r"[1-9][.](?:0|[0-9]*[1-9])E[1-9][0-9]?")
_SHORTEST_SHOWS = 8
_LETTERED = re.compile(r"(?:1|\+1)?([0-9]{3})[0-9]*[A-Z]{4,}", re.ASCII | re.IGNORECASE)
_SEPARATORS = str.maketrans("", "", " \t-.()/·")
_FULL = re.compile(r"\+?[0-9]+", re.ASCII)
# Mexico took the 1 before mobile numbers away in 2019; phones and carriers still write it.
_OLD_MEXICAN = re.compile(r"\+521([0-9]{10})")
# What spelled() changes, as PostgreSQL matches it.
OLD_SPELLING = "^[+]521[0-9]{10}$"
_MEXICAN = re.compile(r"\+52([0-9]{10})")
# ANONYMOUS, RESTRICTED, BLOCKED, UNKNOWN and UNAVAILABLE on a phone's keys, which stand where a number is
# withheld (docs/carriers.md, on +266696687 and its like).
_NOBODY = {"+266696687", "+7378742883", "+2562533", "+8656696", "+86282452253"}
_SENDER = re.compile(r"\+[0-9]{7,15}|1?[0-9]{10}", re.ASCII)


class BadNumber(ValueError):
    """Not a phone number that could be texted; the text says what is wrong with it."""


class LocalNumber(BadNumber):
    """A seven-digit number, which needs its area code: `digits`."""

    def __init__(self, digits: str) -> None:
        super().__init__("That number has no area code. Write it with one, such as (212) 555-0123.")
        self.digits = digits


def parse_number(text: str) -> str:
    """What somebody wrote as E.164. Errors: BadNumber, LocalNumber where only the area code is missing.

    A number without a country code is one of the North American plan. Nothing is guessed: no digit is left
    out or made up, and no extension is dropped.
    """
    if number := _usual(text):
        return number
    written = _tidy(text)
    if number := _usual(written):
        return number
    if decimal := _DECIMAL.fullmatch(written):
        written = _whole(decimal[1], decimal[2])
    elif scientific := _SCIENTIFIC.fullmatch(written):
        written = _all_digits(written, scientific[1], scientific[2] or "", int(scientific[3]))
    elif _GROUPED.fullmatch(written):
        written = written.replace(",", "")
    if written.startswith("-"):
        raise BadNumber("A phone number does not begin with a minus sign.")
    digits = _without_letters(written.translate(_SEPARATORS))
    if not _FULL.fullmatch(digits):
        raise BadNumber("Enter a phone number alone, such as (212) 555-0123, without an extension.")
    # Shorter, and it is rather a number in Leeds or Leicester without its country code.
    if digits.startswith("011") and len(digits) >= 13:
        digits = f"+{digits[3:]}"
    if digits.startswith("+") and not digits.startswith("+1"):
        return _abroad(digits)
    return _home(digits)


def parse_sender(text: str) -> str | None:
    """The number of somebody who texts, as a carrier writes it, as E.164.

    None where that is nobody a contact could be, so that no answer would reach them: a short code, a name, a
    withheld number, or what is no full number.
    """
    number = _PREFIX.sub("", text.strip(), count=1)
    try:
        return parse_number(number) if _SENDER.fullmatch(number) else None
    except BadNumber:
        return None


def with_area_code(area_code: str, local: str) -> str | None:
    """A seven-digit number in an area code as E.164; None where the two make no number."""
    return _made_of(area_code + local)


def area_code_of(number: str) -> str:
    """The area code of an E.164 number of the North American plan; empty for a toll-free one, which has no
    neighbours, and for any other country's."""
    made = _made_of(number[2:]) if number.startswith("+1") else None
    return number[2:5] if made and number[2:5] not in _TOLL_FREE else ""


def spelled(number: str) -> str:
    """An E.164 number in its present spelling: one of Mexico without the 1 that it has lost."""
    mexican = _OLD_MEXICAN.fullmatch(number)
    return f"+52{mexican[1]}" if mexican else number


def spellings(number: str) -> tuple[str, ...]:
    """An E.164 number in each spelling in which it may be stored, the present one first: until they have been
    read again (mending.py), numbers of Mexico have the 1."""
    now = spelled(number)
    mexican = _MEXICAN.fullmatch(now)
    return (now, f"+521{mexican[1]}") if mexican else (now,)


def digits_of(text: str) -> str:
    """The digits of a search, to find a number however it is written."""
    return "".join(character for character in text if character.isdecimal())


def is_toll_free(number: str) -> bool:
    """Whether an E.164 number is toll-free, where the network itself acts on STOP, START and UNSTOP."""
    parsed = phonenumbers.parse(number)
    return phonenumbers.number_type(parsed) == phonenumbers.PhoneNumberType.TOLL_FREE


def _usual(text: str) -> str | None:
    plain = _PLAIN.fullmatch(text)
    return f"+1{plain[1]}{plain[2]}{plain[3]}" if plain and _AREA_CODE.fullmatch(plain[1]) else None


def _tidy(text: str) -> str:
    """A number in plain characters, without what only marks it as one. Errors: BadNumber."""
    if len(text) > _LONGEST:
        raise BadNumber("That is too long for a phone number.")
    # A raised 2 is a footnote, not a digit.
    if any(unicodedata.category(character) == "No" for character in text):
        raise BadNumber("Enter the phone number alone, without raised or circled digits.")
    plain = "".join(_plain(character) for character in unicodedata.normalize("NFKC", text)).strip()
    if constant := _CONSTANT.fullmatch(plain):
        plain = constant[1].strip()
    return _PREFIX.sub("", plain.removeprefix("'").strip(), count=1)


def _plain(character: str) -> str:
    """A character as ASCII has it, where it is a digit, dash or space; empty for what no one sees."""
    kind = unicodedata.category(character)
    if kind == "Nd":
        return str(unicodedata.decimal(character))
    if kind == "Pd" or character == "\N{MINUS SIGN}":
        return "-"
    if kind == "Zs":
        return " "
    return "" if kind == "Cf" else character


def _whole(number: str, fraction: str) -> str:
    if fraction.strip("0"):
        raise BadNumber("A phone number has no decimal point.")
    return number


def _all_digits(written: str, whole: str, fraction: str, exponent: int) -> str:
    """The digits of a number in scientific notation, which shows them all or leaves out zeros only. Errors:
    BadNumber."""
    length, shown = len(whole) + exponent, whole + fraction
    missing = length - len(shown)
    shortest = len(shown) >= _SHORTEST_SHOWS and _SHORTEST.fullmatch(written)
    if length > _MOST_DIGITS or shown[length:].strip("0") or (missing > 0 and not shortest):
        raise BadNumber("Digits of that number were lost when a spreadsheet rounded it. Write it in full.")
    return shown[:length] + "0" * max(missing, 0)


def _without_letters(number: str) -> str:
    """A number whose letters stand for keys, as toll-free ones are advertised: four or more at the end."""
    lettered = _LETTERED.fullmatch(number)
    toll_free = lettered and lettered[1] in _TOLL_FREE
    return phonenumbers.convert_alpha_characters_in_number(number) if toll_free else number


def _home(digits: str) -> str:
    """A number of the North American plan, with or without its country code. Errors: BadNumber."""
    national = digits.removeprefix("+1") if digits.startswith("+") else digits
    if len(national) == 11 and digits[0] == "1":
        national = national[1:]
    if number := _made_of(national):
        return number
    if _LOCAL.fullmatch(digits):
        raise LocalNumber(digits)
    if len(national) != 10:
        raise BadNumber("That number has too few or too many digits. A full one is such as (212) 555-0123.")
    raise BadNumber("There is no such number. Check the area code and the three digits after it.")


def _made_of(national: str) -> str | None:
    exists = len(national) == 10 and _AREA_CODE.fullmatch(national[:3]) and _LOCAL.fullmatch(national[3:])
    return f"+1{national}" if exists else None


def _abroad(digits: str) -> str:
    """A number with another country's code. Errors: BadNumber."""
    digits = spelled(digits)
    try:
        number = phonenumbers.parse(digits)
    except phonenumbers.NumberParseException as error:
        raise BadNumber("There is no country with that code.") from error
    fits = phonenumbers.is_possible_number_with_reason(number) == phonenumbers.ValidationResult.IS_POSSIBLE
    if not fits or digits in _NOBODY:
        raise BadNumber("That number has too few or too many digits for its country.")
    full = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    # The (0) that is only dialed inside the country may go; the library drops and adds more than that.
    code = f"+{number.country_code}"
    if full != digits and f"{code}0{full.removeprefix(code)}" != digits:
        raise BadNumber("Write that number as it is dialed from abroad.")
    return full
