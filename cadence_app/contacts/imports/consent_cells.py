"""What the columns ConsentDate, ConsentSource, ConsentText and ConsentUrl say of how a person agreed to be
texted. Nothing of it changes a status or since when it is."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from cadence_app.consent.evidence import EARLIEST, MOST_NAME, MOST_URL, MOST_WORDS
from cadence_app.consent.evidence_models import Method
from cadence_app.contacts.imports.moments import day_or_moment
from cadence_app.contacts.names import folded

# Words of a source that say how somebody agreed, without anything but letters and digits, among them those of
# a carrier's list of consents. Any other says no more than that a file has it.
_METHODS = {
    Method.WEB_FORM: "web website webform webpage websiteform online onlineform formonline landingpage"
    " internet",
    Method.PAPER: "paper paperform papercard signupsheet signinsheet signedform written writtenform"
    " handwritten",
    Method.SPOKEN: "spoken verbal verbally verbalconsent oral orally inperson facetoface phone phonecall"
    " telephone call bytelephone byphone overthephone inpersonorbyphone",
    Method.KEYWORD: "keyword text textmessage texted textin texttojoin smskeyword textkeyword keywordtext"
    " optinmessage mobileoriginated keywordtextedelsewhere",
    Method.OTHER_SYSTEM: "certificate consentcertificate certificateofanothersystem",
    Method.API: "api anothersystemthroughtheapi",
}
_BY_WORD = {word: method for method, words in _METHODS.items() for word in words.split()}
# What stands in a cell where nothing is known, which says nothing, and where the answer was no. That must not
# stand as how somebody agreed: perhaps the column is another one than it was taken for.
_NOTHING = frozenset(
    {"", "na", "nan", "none", "null", "unknown", "notrecorded", "notavailable", "notapplicable", "nodata"}
)
_NO = frozenset(
    {"no", "n", "false", "0", "declined", "denied", "refused", "noconsent", "notconsented", "didnotconsent"}
    | {"optedout", "optout", "unsubscribed", "optoutmessage"}
)
# Line ends and tabs are part of what they read; of other control characters nobody sees what they are.
_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]")


def agreed(text: str, zone: ZoneInfo) -> dict[str, Any]:
    """When they agreed, as a row keeps it: `on` a day of the organization's calendar (`zone`), or `at` an
    instant. Errors: ValueError, in words, for what is no date, is still to come, or is before texting."""
    try:
        found = day_or_moment(text)
    except (ValueError, OverflowError):
        found = None
    if found is None:
        raise ValueError(f"“{text[:40]}” is not a date; write it as 2026-03-31 or 2026-03-31T09:30:00Z.")
    now = datetime.now(UTC)
    try:
        day = found.astimezone(zone).date() if isinstance(found, datetime) else found
    except OverflowError:
        raise ValueError(f"“{text[:40]}” is not a date that anybody can mean.") from None
    later = found > now if isinstance(found, datetime) else found > now.astimezone(zone).date()
    if later:
        raise ValueError(f"“{text[:40]}” is still to come, so nobody can have agreed then.")
    if day < EARLIEST:
        began = f"{EARLIEST:%B} {EARLIEST.day}, {EARLIEST.year}"
        raise ValueError(f"“{text[:40]}” is before {began}, when nobody texted.")
    return {"at" if isinstance(found, datetime) else "on": found.isoformat()}


def method_of(source: str) -> Method:
    """How somebody agreed, as the words of a source say it; IMPORT where they are none that are known."""
    return _BY_WORD.get(_plain(source), Method.IMPORT)


def source(text: str) -> str:
    """The words of a source in one line; empty where they say nothing. Errors: ValueError, in words, for too
    many, and for a no."""
    return _said(_short(folded(text).strip(), MOST_NAME))


def words(text: str) -> str:
    """What somebody read or signed, with its lines; empty where it says nothing. Errors: ValueError, in
    words, for too many, for control characters, and for a no."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    if _UNSEEN.search(plain):
        raise ValueError("There is a control character in it. Take it out.")
    return _said(_short(plain, MOST_WORDS))


def page(text: str) -> str:
    """The address of the page that somebody was on. Errors: ValueError, in words, for what is none."""
    why = f"“{text[:40]}” is no web address; write it as https://example.edu/join."
    try:
        parts = urlsplit(text)
        named = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        named = False
    if not named or re.search(r"[\s\x00-\x20\x7f-\x9f\\]", text):
        raise ValueError(why)
    return _short(text, MOST_URL)


def _said(text: str) -> str:
    plain = _plain(text)
    if plain in _NO:
        raise ValueError(f"“{text[:40]}” does not say that they agreed.")
    return "" if plain in _NOTHING and text.isascii() else text


def _plain(text: str) -> str:
    return re.sub(r"[\W_]", "", text.casefold())


def _short(text: str, most: int) -> str:
    if len(text) > most:
        raise ValueError(f"Longer than {most:,} characters.")
    return text
