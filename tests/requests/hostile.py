"""What nobody sends by accident: values for any parameter, and headers."""

from __future__ import annotations

import random

# Bytes as they go over the wire, before an address or a form has them in percent signs.
TEXTS = [
    b"",
    b" ",
    b"\x00",
    b"a\x00b",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\r\nSet-Cookie: a=b",
    b"//[",
    b"http://[",
    b"https://a.example:99999999/",
    b"//a.example/\\..",
    b"\\\\a.example",
    b"javascript:alert(1)",
    b"../../../../etc/passwd",
    b"{{7*7}}{%raw%}",
    b"%s%d%n",
    b"';--",
    b"\\",
    b"%",
    b"_",
    b"(*",
    b"<script>",
    b"=1+1",
    b"[]",
    b"{}",
    b"null",
    b"true",
    b"on",
    b"x" * 300,
    b"x" * 20_000,
    "\N{RIGHT-TO-LEFT OVERRIDE}\N{ZERO WIDTH JOINER}\N{BYTE ORDER MARK}".encode(),
    "\N{LINE SEPARATOR}".encode(),
    "e\N{COMBINING ACUTE ACCENT}".encode() * 500,
    "\N{LATIN SMALL LETTER DOTLESS I}\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}@a.example".encode(),
    "a@\N{FULLWIDTH LATIN SMALL LETTER A}.example".encode(),
    ("a@" + "b" * 80 + ".example").encode(),
    b"a@b.example\nc@d.example",
    b"+12125550100",
    b"+1" + b"2" * 400,
]
NUMBERS = [
    b"0",
    b"-1",
    b"1",
    b"2147483648",
    b"9223372036854775807",
    b"9223372036854775808",
    b"-9223372036854775809",
    b"9" * 40,
    b"9" * 5_000,
    b"1e400",
    b"NaN",
    b"Infinity",
    b"1.5",
    b"0x10",
    b"1_000",
    b"+1",
    " \N{ARABIC-INDIC DIGIT THREE}".encode(),
    "\N{SUPERSCRIPT TWO}".encode(),
]
TIMES = [
    b"0001-01-01",
    b"9999-12-31",
    b"9999-12-30",
    b"10000-01-01",
    b"0000-00-00",
    b"2026-02-30",
    b"1900-01-01",
    b"0001-01-01T00:00",
    b"9999-12-31T23:59",
    b"9999-12-31T23:59:59.999999Z",
    b"0001-01-01T00:00:00+14:00",
    b"9999-12-31T23:59:59-14:00",
    b"2026-03-08T02:30",
    b"24:00",
    b"-1:00",
    b"99:99",
    b"Mars/Olympus",
    b"/etc/localtime",
    b"9223372036854775807-9223372036854775807",
]
EVERY = TEXTS + NUMBERS + TIMES

HEADERS = {
    "Accept": ["", "*/*;q=x", "\xff", "text/html;q=999999999999999999999", ","],
    "Accept-Encoding": ["gzip;q=", "\xff"],
    "Accept-Language": ["x" * 500, "en;q=nan", "\xff"],
    "Authorization": ["Bearer", "Basic !!!", "Basic /////w==", "Bearer \xff", "Digest a=", "\xff"],
    "Cookie": [
        "session",
        "session=",
        "session=.",
        "session=e30",
        "session=\xff;;=;a",
        '=;"',
        "remember_token=1|x",
    ],
    "Content-Type": [
        "",
        "text/plain",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\xff",
        "application/json; charset=utf-7",
        "application/x-www-form-urlencoded; charset=rot13",
        "\xff/\xff",
    ],
    "HX-Current-URL": ["//[", "\xff"],
    "HX-Request": ["true", "false"],
    "HX-Target": ["\xff"],
    "Idempotency-Key": ["\xff", "x" * 5000, " ", "\x01"],
    "If-Match": ["\xff", '"', "*"],
    "If-Modified-Since": ["x", "Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 +1400", "\xff"],
    "If-None-Match": ["\xff", "W/", '"' * 50, "*"],
    "If-Range": ["x", "Fri, 31 Dec 9999 23:59:59 +1400"],
    "If-Unmodified-Since": ["x", "Fri, 31 Dec 9999 23:59:59 GMT"],
    "Last-Event-ID": ["\xff", "9" * 40, "-1"],
    "Origin": ["null", "//[", "http://[", "\xff"],
    "Range": ["bytes=", "bytes=9-1", "bytes=-99999999999999999999", "bytes=0-,1-", "x=1-2", "\xff"],
    "Referer": ["//[", "http://[", "\xff", "https://a.example:x/"],
    "User-Agent": ["", "\xff" * 300, "x" * 5000],
    "X-CSRFToken": ["\xff", "a.b.c"],
    "X-HTTP-Method-Override": ["DELETE"],
    "X-Requested-With": ["\xff"],
}


def headers(chance: random.Random, most: int = 4) -> list[tuple[str, str]]:
    """Some headers that are wrong."""
    names = chance.sample(sorted(HEADERS), chance.randint(1, most))
    return [(name, chance.choice(HEADERS[name])) for name in names]


def mutated(chance: random.Random, value: bytes) -> bytes:
    """A value that is right, spoiled."""
    at = chance.randint(0, len(value))
    spoiled = [
        value[:at],
        value[:at] + b"\x00" + value[at:],
        value[:at] + b"\xff" + value[at:],
        value * 40,
        b"-" + value,
        value[::-1],
        value + b"9" * 30,
        value.upper(),
    ]
    return chance.choice(spoiled)
