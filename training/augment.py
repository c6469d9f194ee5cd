"""The same text as other thumbs write it: slips, shorthand, no marks, another sentence before or after."""

from __future__ import annotations

import random
from string import ascii_lowercase

_BESIDE = {
    one: row[max(at - 1, 0) : at] + row[at + 1 : at + 2]
    for row in ("qwertyuiop", "asdfghjkl", "zxcvbnm")
    for at, one in enumerate(row)
}
_SHORT = {
    "please": ("pls", "plz", "pleae", "plese"),
    "you": ("u", "ya"),
    "your": ("ur", "yr", "you're"),
    "are": ("r",),
    "to": ("2",),
    "for": ("4",),
    "text": ("txt", "tex"),
    "texts": ("txts", "texs"),
    "texting": ("txting", "textin"),
    "message": ("msg", "mesage"),
    "messages": ("msgs", "mesages"),
    "number": ("num", "#", "nbr"),
    "and": ("n", "&"),
    "the": ("da", "teh"),
    "this": ("dis", "thsi"),
    "because": ("cuz", "bc"),
    "want": ("wanna", "wnat"),
    "with": ("w", "w/"),
    "don't": ("dont", "dnt"),
    "never": ("nvr", "neva"),
    "know": ("kno", "no"),
    "people": ("ppl",),
    "phone": ("fone", "cell"),
    "que": ("q", "k"),
    "por": ("x",),
    "porque": ("xq",),
    "mensajes": ("msjs", "mensages"),
    "não": ("n", "nao", "ñ"),
    "você": ("vc",),
    "vocês": ("vcs",),
    "mensagem": ("msg",),
    "mensagens": ("msgs",),
    "nicht": ("nich", "net", "nit"),
    "ich": ("i",),
    "vous": ("vs",),
    "plus": ("+", "plu"),
    "pas": ("pa",),
    "je": ("j",),
    "más": ("+", "mas"),
    "mas": ("+",),
    "mais": ("+",),
    "nada": ("nd",),
    "tout": ("tt",),
    "vos": ("vo",),
    "m'envoyez": ("menvoyez", "menvoyé"),
    "m'écrivez": ("mecrivez",),
    "arrêtez": ("arretez", "arreté", "aret"),
    "me": ("m",),
    "de": ("d",),
    "quiero": ("kiero", "qro", "qiero"),
    "quero": ("qro",),
    "bitte": ("bite", "pls"),
    "ako": ("aq", "ko"),
    "niyo": ("nyo",),
    "nyo": ("niyo",),
    "po": ("",),
    "hindi": ("di", "hnd"),
    "huwag": ("wag",),
}
_GREETINGS = (
    "Hi",
    "Hello",
    "Hey",
    "Um",
    "Ok",
    "Good morning",
    "Sorry",
    "So",
    "Well",
    "Excuse me",
    "Yo",
    "Look",
)
_CLOSINGS = (
    "Thanks",
    "Thank you",
    "thx",
    "ok?",
    "please",
    "Have a good day",
    "bye",
    "🙏",
    "Regards",
    "- Sam",
)


def varied(text: str, dice: random.Random) -> str:
    """The text with up to three slips, shorthand where it has any, and sometimes without marks."""
    words = text.split()
    if dice.random() < 0.5:
        words = [_shortened(word, dice) for word in words]
    for _ in range(dice.choice((0, 1, 1, 2))):
        at = dice.randrange(len(words))
        words[at] = _slipped(words[at], dice)
    if len(words) > 3 and dice.random() < 0.08:
        at = dice.randrange(len(words) - 1)
        words[at : at + 2] = ["".join(words[at : at + 2])]
    text = " ".join(word for word in words if word)
    if dice.random() < 0.35:
        text = "".join(one for one in text if one not in ",.!?;:'\u2019-")
    return text or "ok"


def embedded(text: str, other: str, dice: random.Random) -> str:
    """The text with a sentence before it or after it, or with a word of greeting or closing."""
    how = dice.random()
    if how < 0.25:
        return f"{dice.choice(_GREETINGS)}{dice.choice((', ', ' ', '. '))}{text}"
    if how < 0.5:
        return f"{text}{dice.choice(('. ', ', ', ' '))}{dice.choice(_CLOSINGS)}"
    return f"{other}{dice.choice(('. ', '. ', ' ', ', '))}{text}" if how < 0.8 else f"{text}. {other}"


def _shortened(word: str, dice: random.Random) -> str:
    short = _SHORT.get(word.casefold())
    return dice.choice(short) if short and dice.random() < 0.6 else word


def _slipped(word: str, dice: random.Random) -> str:
    if len(word) < 4 or not word.isalpha():
        return word
    at = dice.randrange(len(word) - 1)
    how = dice.randrange(5)
    if how == 0:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if how == 1:
        return word[:at] + word[at + 1 :]
    if how == 2:
        return word[:at] + word[at] + word[at:]
    if how == 3:
        beside = _BESIDE.get(word[at].lower()) or ascii_lowercase
        return word[:at] + dice.choice(beside) + word[at + 1 :]
    return word[:at] + dice.choice(ascii_lowercase) + word[at:]
