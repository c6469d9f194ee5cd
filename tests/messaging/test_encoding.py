"""How many texts a carrier makes of one, and merge fields."""

from __future__ import annotations

import pytest

from cadence_app.contacts.models import Contact
from cadence_app.messaging.encoding import Measure, measure
from cadence_app.messaging.merge_fields import Fields, UnknownField

# What it is, and what a carrier makes of it.
SAMPLES = [
    ("", Measure("GSM-7", 0, 0)),
    ("a" * 160, Measure("GSM-7", 160, 1)),
    ("a" * 161, Measure("GSM-7", 161, 2)),
    ("a" * 306, Measure("GSM-7", 306, 2)),
    ("a" * 307, Measure("GSM-7", 307, 3)),
    ("€" * 80, Measure("GSM-7", 160, 1)),
    # The two septets of the 77th stay together, so a part of 153 holds 76 of them.
    ("€" * 153, Measure("GSM-7", 306, 3)),
    ("àéñ Ω[]{}\n", Measure("GSM-7", 14, 1)),
    ("\u2019" * 70, Measure("UCS-2", 70, 1)),
    ("\u2019" * 71, Measure("UCS-2", 71, 2)),
    ("ç", Measure("UCS-2", 1, 1)),
    ("😀" * 35, Measure("UCS-2", 70, 1)),
    # A part of 67 units holds 33 pairs.
    ("😀" * 67, Measure("UCS-2", 134, 3)),
    ("x" * 69 + "😀", Measure("UCS-2", 71, 2)),
]


@pytest.mark.parametrize(("text", "measured"), SAMPLES)
def test_a_text_is_measured_as_carriers_do(text: str, measured: Measure) -> None:
    assert measure(text) == measured


@pytest.mark.parametrize(
    ("body", "read"),
    [
        ("Hi {first_name}!", "Hi Maya!"),
        ("Hi {First_Name|there}", "Hi Maya"),
        ("{last_name|friend}", "friend"),
        ("{ intended major | undecided }", "Biology"),
        ("a {last_name} b", "a b"),
        ("{last_name}", ""),
        ("no fields", "no fields"),
    ],
)
def test_a_field_becomes_the_contacts_own_value_or_its_fallback(body: str, read: str) -> None:
    contact = Contact(first_name="Maya", last_name="", custom={"7": "Biology"})
    assert Fields({"Intended Major": 7}).render(body, contact) == read


def test_a_field_that_there_is_not_is_named() -> None:
    with pytest.raises(UnknownField, match="frist_name"):
        Fields({}).check("Hi {frist_name|there}")
