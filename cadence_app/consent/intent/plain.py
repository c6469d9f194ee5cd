"""A text as the phrases are compared with it: plain words in sentences.

"Plz don't TEXT me!! Thanks" becomes ["plz", "dont", "text", "me"] and ["thanks"]. Apostrophes and accents go
(people leave them out), letters said three times are said once, a comma or another mark inside a sentence
stays as ",". Chinese and Japanese have no spaces, so there each character is a word.
"""

from __future__ import annotations

import re
import unicodedata

from cadence_app.consent.intent.spelling import corrected

COMMA = ","

_APOSTROPHES = dict.fromkeys(map(ord, "'`\u00b4\u02bc\u2018\u2019\u201b\u2032\uff07"))
_SIGNS = {
    **{ord(c): " stop " for c in "\U0001f6d1\u26d4"},
    **{ord(c): " haha " for c in "\U0001f602\U0001f923\U0001f606\U0001f605\U0001f62d\U0001f480\U0001f60d"},
    **{ord("đ"): "d", ord("ł"): "l", ord("ø"): "o", ord("æ"): "ae", ord("œ"): "oe", 0x131: "i"},
}
# Accents of Latin, Greek and Cyrillic, Arabic vowel signs, hamza and the stroke that only stretches a word.
_ACCENTS = re.compile("[\u0300-\u036f\u064b-\u0655\u0640\u200b-\u200f\u2060\ufe00-\ufe0f\u00ad]+")
_REPEATED = re.compile(r"([^\W\d_])\1{2,}")
_SPELT_OUT = re.compile(r"\bs([\s.*_-]{1,3})t[\s.*_-]{1,3}o[\s.*_-]{1,3}p\b")
_LINK = re.compile(r"\bhttps?:\S+|\bwww\.\S+")
_HAN_KANA = "\u3040-\u30ff\u3400-\u9fff"
# Indic vowel signs are no letters to `re`, but they belong to the word.
_TOKEN = re.compile(
    rf"[{_HAN_KANA}]|(?:[^\W_{_HAN_KANA}]|[\u0900-\u0963\u0966-\u0d7f])+|[.!?;\n\u3002\u061f\u0964]|[^\w\s]|_"
)
_ENDS = frozenset(".!?;\n\u3002\u061f\u0964")
_DROPPED = frozenset('"*_~\u201c\u201d\u201e\u201f\u00ab\u00bb\u300c\u300d')
# "no + msjs", "n quero +": Spanish, French and Portuguese write so for more.
_MORE = re.compile(r"(?<!\S)\+(?!\S)")
_HYPHEN = re.compile(r"(?<=\w)[-\u2010-\u2015](?=\w)")


def sentences(text: str) -> list[list[str]]:
    """The text's sentences, each a list of words and commas; none is empty."""
    found: list[list[str]] = []
    words: list[str] = []
    for token in _TOKEN.findall(_folded(text)):
        if token in _ENDS:
            if words:
                found.append(words)
                words = []
        elif token[0].isalnum() or len(token) > 1:
            words.append(corrected(token))
        elif words and words[-1] != COMMA and token not in _DROPPED:
            words.append(COMMA)
    if words:
        found.append(words)
    return found


def _folded(text: str) -> str:
    if text.isascii():
        text = text.lower()
    else:
        text = unicodedata.normalize("NFKC", text).casefold().translate(_SIGNS)
        text = unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFKD", text)))
    text = text.translate(_APOSTROPHES).replace("#", " number ").replace("&", " and ").replace("$top", "stop")
    if "+" in text:
        text = _MORE.sub("mas", text)
    if "://" in text or "www." in text:
        text = _LINK.sub(COMMA, text)
    return _HYPHEN.sub(" ", _SPELT_OUT.sub("stop", _REPEATED.sub(r"\1", text)))
