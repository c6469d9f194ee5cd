"""Phone numbers, as Google's libphonenumber reads them."""

from __future__ import annotations

import re

import phonenumbers

# A number without a country code is one of the North American plan.
_HOME = "US"
# The usual ways to write one of that plan. Most come so, and reading one in full takes far longer.
_PLAIN = re.compile(r"(?:\+?1[-. ]?)?\(?([2-9][0-9]{2})\)?[-. ]?([0-9]{3})[-. ]?([0-9]{4})", re.ASCII)


class BadNumber(ValueError):
    """Not a phone number that could be texted."""


def parse_number(text: str) -> str:
    """What somebody typed as E.164. Errors: BadNumber."""
    if plain := _PLAIN.fullmatch(text):
        return f"+1{plain[1]}{plain[2]}{plain[3]}"
    try:
        number = phonenumbers.parse(text, _HOME)
    except phonenumbers.NumberParseException as error:
        raise BadNumber("Enter a phone number, such as (212) 555-0123.") from error
    # "Possible" and not "valid": numbers set apart for fiction, such as 555-01xx, are good for trying out.
    if number.extension or not phonenumbers.is_possible_number(number):
        raise BadNumber("That number has too few or too many digits.")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def digits_of(text: str) -> str:
    """The digits of a search, to find a number however it is written."""
    return "".join(character for character in text if character.isdecimal())


def is_toll_free(number: str) -> bool:
    """Whether an E.164 number is toll-free, where the network itself acts on STOP, START and UNSTOP."""
    parsed = phonenumbers.parse(number)
    return phonenumbers.number_type(parsed) == phonenumbers.PhoneNumberType.TOLL_FREE
