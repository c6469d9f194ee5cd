"""What a file's cells say of how somebody agreed: read strictly, and never guessed."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadence_app.consent.evidence import EARLIEST
from cadence_app.consent.evidence_models import Method
from cadence_app.contacts.imports import consent_cells
from cadence_app.contacts.imports.mapping import _SUGGESTED, _USUAL_NAMES
from cadence_app.contacts.imports.reading import plain_name

NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("cell", "kept"),
    [
        ("2026-03-03", {"on": "2026-03-03"}),
        ("3/3/2026", {"on": "2026-03-03"}),
        # Midnight without a zone is how spreadsheets and programs write a day.
        ("2026-03-03 00:00:00", {"on": "2026-03-03"}),
        ("3/3/2026 12:00 AM", {"on": "2026-03-03"}),
        ("2026-03-03T00:00:00Z", {"at": "2026-03-03T00:00:00+00:00"}),
        ("2026-03-03 00:00 UTC", {"at": "2026-03-03T00:00:00+00:00"}),
        ("2026-03-03T09:30:00Z", {"at": "2026-03-03T09:30:00+00:00"}),
        ("2026-03-03T09:30:00-05:00", {"at": "2026-03-03T14:30:00+00:00"}),
        ("3/3/2026, 2:30 PM", {"at": "2026-03-03T14:30:00+00:00"}),
        ("1992-12-03", {"on": "1992-12-03"}),
    ],
)
def test_a_date_is_a_day_or_an_instant_as_the_file_has_it(cell: str, kept: dict[str, str]) -> None:
    assert consent_cells.agreed(cell, NEW_YORK) == kept


@pytest.mark.parametrize(
    "cell",
    [
        *("yes", "March 2026", "31/03/2026", "2026-02-30", "03/04/26", "45000", "0", "2026", "n/a", "\u0662"),
        *("1992-12-02", "1900-01-01", "0001-01-01T00:00:00+14:00", "9999-12-31", "9999-12-31T23:59:59-12:00"),
        *("2099-01-01T00:00:00Z", "1992-12-03T03:00:00Z"),
    ],
)
def test_what_is_no_day_that_somebody_can_have_agreed_on_is_refused_in_words(cell: str) -> None:
    with pytest.raises(ValueError, match=f"“{re.escape(cell)}” is "):
        consent_cells.agreed(cell, NEW_YORK)


@given(st.integers(0, 20_000), st.sampled_from(["America/New_York", "Asia/Tokyo", "Pacific/Pago_Pago"]))
def test_a_day_is_kept_as_it_is_written_from_the_first_text_ever_to_today(ago: int, zone: str) -> None:
    today = datetime.now(ZoneInfo(zone)).date()
    day = today - timedelta(days=ago)
    for cell in (day.isoformat(), f"{day.month}/{day.day}/{day.year}"):
        if day < EARLIEST:
            with pytest.raises(ValueError, match="nobody texted"):
                consent_cells.agreed(cell, ZoneInfo(zone))
        else:
            assert consent_cells.agreed(cell, ZoneInfo(zone)) == {"on": day.isoformat()}


def test_tomorrow_and_the_next_hour_are_still_to_come() -> None:
    now = datetime.now(UTC)
    tomorrow = now.astimezone(NEW_YORK).date() + timedelta(days=1)
    for cell in (tomorrow.isoformat(), (now + timedelta(hours=1)).isoformat()):
        with pytest.raises(ValueError, match="still to come"):
            consent_cells.agreed(cell, NEW_YORK)
    assert consent_cells.agreed((now - timedelta(minutes=1)).isoformat(), NEW_YORK)


@given(st.text(max_size=60))
def test_any_cell_is_read_or_refused_in_words(cell: str) -> None:
    for read in (
        lambda text: consent_cells.agreed(text, NEW_YORK),
        consent_cells.source,
        consent_cells.words,
        consent_cells.page,
    ):
        with suppress(ValueError):
            read(cell)
    assert consent_cells.method_of(cell) in Method


@pytest.mark.parametrize(
    ("words", "method"),
    [
        ("Web form", Method.WEB_FORM),
        ("WEBSITE", Method.WEB_FORM),
        ("online", Method.WEB_FORM),
        ("web_form", Method.WEB_FORM),
        ("Paper", Method.PAPER),
        ("Sign-up sheet", Method.PAPER),
        ("verbal", Method.SPOKEN),
        ("In person", Method.SPOKEN),
        ("phone", Method.SPOKEN),
        ("keyword", Method.KEYWORD),
        ("opt-in-message", Method.KEYWORD),
        ("Certificate", Method.OTHER_SYSTEM),
        ("Fall fair booth", Method.IMPORT),
        ("offline", Method.IMPORT),
        ("website or paper", Method.IMPORT),
        ("SMS", Method.IMPORT),
        ("form", Method.IMPORT),
        ("", Method.IMPORT),
    ],
)
def test_only_known_words_say_how_somebody_agreed(words: str, method: Method) -> None:
    assert consent_cells.method_of(words) == method


def test_words_keep_their_lines_and_no_character_that_nobody_sees() -> None:
    assert consent_cells.words("Yes,\r\ntext me.\rAnytime") == "Yes,\ntext me.\nAnytime"
    assert consent_cells.words("x" * 4_000)
    for bad in ("a\x07b", "a\x1b[2Jb", "a\u2028b", "x" * 4_001):
        with pytest.raises(ValueError, match=r"control character|Longer than 4,000"):
            consent_cells.words(bad)
    assert consent_cells.source("Fall\r\nfair\tbooth ") == "Fall fair booth"
    with pytest.raises(ValueError, match="Longer than 200"):
        consent_cells.source("x" * 201)


def test_a_cell_that_says_nothing_makes_nothing_and_a_no_is_refused() -> None:
    for read in (consent_cells.source, consent_cells.words):
        assert [read(cell) for cell in ("N/A", "-", "?", "none", "Unknown", "NULL")] == [""] * 6
        for cell in ("No", "false", "0", "declined", "Opted out", "opt-out-message"):
            with pytest.raises(ValueError, match="does not say that they agreed"):
                read(cell)
        for cell in ("Yes", "No spam, only grades", "はい", "👍"):
            assert read(cell) == cell


def test_a_page_is_an_address_of_the_web() -> None:
    for good in ("https://lakeside.example/join?term=fall#texts", "HTTP://lakeside.example:8080/"):
        assert consent_cells.page(good) == good
    for bad in (
        *("lakeside.example/join", "javascript:alert(1)", "https://", "https:///join", "ftp://a.example/"),
        *("https://a.example/a b", "https://a.example/\n", "https://a.example\\@b.example", "http://[::1"),
        *("data:text/html,x", "https://a.example:99999/", "//a.example/join", "mailto:a@b.example"),
    ):
        with pytest.raises(ValueError, match="no web address"):
            consent_cells.page(bad)
    with pytest.raises(ValueError, match="Longer than 2,000"):
        consent_cells.page("https://a.example/" + "x" * 2_000)


def test_columns_of_other_systems_are_known_and_those_of_e_mail_lists_are_not() -> None:
    for name, kind in {
        "ConsentDate": "consent_date",
        "date_of_consent": "consent_date",
        "Opt-in date": "consent_date",
        "Opted in at": "consent_date",
        "SMS Consent Timestamp": "consent_date",
        "Consent Method": "consent_source",
        "Opt-In Source": "consent_source",
        "ConsentText": "consent_text",
        "Consent URL": "consent_url",
    }.items():
        assert _SUGGESTED[plain_name(name)] == kind
    for name in (
        "OPTIN_TIME",
        "CONFIRM_TIME",
        "OPTIN_IP",
        "Consent",
        "Opt in",
        "SMS consent",
        "Source",
        "Date",
    ):
        assert plain_name(name) not in _SUGGESTED
    assert len(_SUGGESTED) == sum(len(names.split()) for names in _USUAL_NAMES.values())
    assert date(1992, 12, 3) == EARLIEST
