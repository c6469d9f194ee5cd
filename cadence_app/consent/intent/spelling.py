"""Slips of the thumb in the few words that matter most, and the shorthand of texting.

Each misspelling is made once, when the module is loaded, so that reading one costs a look into a dictionary:
every string one slip (a letter more, less, other, or two swapped) away from a long word, and for "stop",
which has real words all around it, only two letters swapped, doubled or hit beside their key.
"""

from __future__ import annotations

from string import ascii_lowercase

_LONG = (
    "unsubscribe",
    "texting",
    "messages",
    "messaging",
    "message",
    "remove",
    "cancel",
    "contacting",
    "desuscribir",
    "desuscribirme",
    "descadastrar",
    "desabonnement",
    "desinscription",
    "abmelden",
)
_BESIDE = {"s": "adwezx", "t": "rygf5", "o": "ipkl09", "p": "ol0"}
# Words in their own right, in English or another language, or forms that the phrases know as they are.
_REAL = """
    testing taxing sexting texting message messages massage massages passage passages messaged messaging
    massaging removed removes remover removal remote remove cancel cancels cancer cancela cancele cancell
    contacting contracting unsubscribe unsubscribed unsubscribes atop sto stoop
    anmelden abmeldung descadastra desabonnements
"""
_LEFT_ALONE = frozenset(_REAL.split())


def corrected(word: str) -> str:
    """The word that this one is a slip of, or itself."""
    return _SLIPS.get(word, word)


def _one_slip(word: str) -> set[str]:
    slips = set()
    for at in range(len(word) + 1):
        before, after = word[:at], word[at:]
        slips |= {before + letter + after for letter in ascii_lowercase}
        if after:
            slips |= {before + letter + after[1:] for letter in ("", *ascii_lowercase)}
        if len(after) > 1:
            slips.add(before + after[1] + after[0] + after[2:])
    return slips


def _slips_of_stop() -> set[str]:
    slips = {
        "stp",
        "tsop",
        "sotp",
        "stpo",
        "st0p",
        "5top",
        "stahp",
        "stawp",
        "sttop",
        "sstop",
        "stopp",
        "stopo",
        "sto0p",
        "stip",
        "stio",
    }
    for at, letter in enumerate("stop"):
        slips |= {f"{'stop'[:at]}{beside}{'stop'[at + 1 :]}" for beside in _BESIDE[letter]}
    return slips


_SHORT = {
    **dict.fromkeys(("worng", "wrng", "wrogn", "wrond", "rong"), "wrong"),
    **dict.fromkeys(("numba", "nmbr", "numbr", "nubmer", "nunber"), "number"),
    **dict.fromkeys(("textn", "txtn", "texn", "textng"), "texting"),
    **{
        "rmv": "remove",
        "frm": "from",
        "nvr": "never",
        "dis": "this",
        "dat": "that",
        "unscribe": "unsubscribe",
        "u": "you",
        "ur": "your",
    },
}
_SLIPS = {
    slip: word
    for word, slips in (*((word, _one_slip(word)) for word in reversed(_LONG)), ("stop", _slips_of_stop()))
    for slip in slips
    if slip not in _LEFT_ALONE
} | _SHORT
