"""The keys that sign cookies and links and encrypt stored secrets: the one in use, and those from before.

A key is replaced without anybody noticing: the new one signs and encrypts, an old one still reads. Then
`flask cadence rotate-keys` encrypts what is stored anew (key_rotation.py). The key of stopped numbers is
another one and never changes (number_key.py).
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from flask import current_app

FILE = "secret_key"
MIN_LENGTH = 32
# Of a key with fewer the length says little.
_MIN_DIFFERENT = 10
MAKE_ONE = 'python3 -c "import secrets; print(secrets.token_hex(32))"'

# What manuals show, and what people write who mean to put a key there later.
_PUBLISHED = frozenset(
    {
        "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf",
        "0123456789abcdef0123456789abcdef",
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "abcdefghijklmnopqrstuvwxyz0123456789",
        "abcdefghijklmnopqrstuvwxyz123456",
    }
)
_PLACEHOLDERS = (
    *("changeme", "changethis", "replaceme", "yoursecret", "secretkey", "insecure", "example", "password"),
    *("neverguess", "cadencedemo", "donotuse", "development", "topsecret"),
)


@dataclass(frozen=True)
class Keys:
    """`current` signs and encrypts. `old` are read too, the latest first; of them `still_signing` are good
    enough to be believed a signature, and the others only decrypt."""

    current: str
    old: tuple[str, ...]

    @property
    def still_signing(self) -> list[str]:
        """In the order in which itsdangerous and Flask take them: the oldest first."""
        return [
            key
            for key in reversed(self.old)
            if len(key.split()) == 1 and not weakness(key) and not is_published(key)
        ]

    @property
    def first(self) -> str:
        """The oldest that is known."""
        return self.old[-1] if self.old else self.current


def find(data_dir: Path) -> Keys | None:
    """SECRET_KEY with CADENCE_OLD_SECRET_KEYS (separated by spaces), or those kept in the data folder, one a
    line and the latest first; None where there is none yet. The old ones may also be one key with spaces or a
    line's end in it, for SECRET_KEY is taken as it stands: as one they only decrypt."""
    given_old = os.environ.get("CADENCE_OLD_SECRET_KEYS", "")
    old = given_old.split()
    if old and old != [given_old]:
        old.insert(0, given_old)
    kept = _kept(data_dir / FILE)
    if given := os.environ.get("SECRET_KEY"):
        return Keys(given, tuple(key for key in old if key != given))
    if not kept:
        return None
    return Keys(kept[0], tuple(dict.fromkeys([*kept[1:], *old])))


def find_or_make(data_dir: Path) -> Keys:
    """As find(); a new installation gets a key of its own in the data folder."""
    if not find(data_dir):
        make_file(data_dir / FILE, secrets.token_hex(32))
    found = find(data_dir)
    if found is None:
        raise ValueError(f"{data_dir / FILE} is empty: put the key in it, or delete it if there was none.")
    return found


def make_file(path: Path, content: str) -> None:
    """Writes a file that only its owner reads, aside and linked: of two programs that start together both
    read the same one, and none reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = _aside(path, content)
    try:
        os.link(aside, path)
    except FileExistsError:
        pass
    finally:
        aside.unlink()


def put_before(data_dir: Path) -> None:
    """Makes a new key in the data folder's file and keeps the others as old ones. Errors: ValueError where
    the key comes from the environment, or there is none yet."""
    path = data_dir / FILE
    if os.environ.get("SECRET_KEY"):
        raise ValueError(
            "The key comes from SECRET_KEY. Put the present one into CADENCE_OLD_SECRET_KEYS, give a new one"
            f" in SECRET_KEY (this makes one: {MAKE_ONE}), and restart all of Cadence."
        )
    if not path.exists():
        raise ValueError(f"There is no key in {path} yet: it is made at the first start.")
    aside = _aside(path, f"{secrets.token_hex(32)}\n{path.read_text()}")
    os.replace(aside, path)


def _aside(path: Path, content: str) -> Path:
    aside = path.parent / f"{path.name}.{secrets.token_hex(4)}"
    fd = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "w") as file:
        file.write(content)
        file.flush()
        os.fsync(fd)
    return aside


def _kept(path: Path) -> list[str]:
    """The keys of a file, one a line. When it held only one, a line's end that somebody's editor left was
    part of the key: the last one is an old one with its line's end too."""
    if not path.exists():
        return []
    text = path.read_text()
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    end = text[len(text.rstrip()) :]
    return [*lines, lines[-1] + end] if lines and end else lines


def weakness(key: str) -> str:
    """Why a key is too easy to guess; empty for one that is not."""
    if len(key) < MIN_LENGTH:
        return f"has {len(key)} characters; it needs {MIN_LENGTH} or more"
    if len(set(key)) < _MIN_DIFFERENT:
        return "says the same few characters over and over"
    return ""


def is_published(key: str) -> bool:
    """Whether it is one of a manual's, or words that stand where a key should."""
    plain = "".join(character for character in key.casefold() if character.isalnum())
    return key.casefold() in _PUBLISHED or any(word in plain for word in _PLACEHOLDERS)


def check(keys: Keys, development: bool) -> None:
    """Errors: ValueError for a current key that anybody could find, saying how to get another."""
    why = weakness(keys.current)
    if not why and not development and is_published(keys.current):
        why = "is one that others know, or the words of an example"
    if why:
        raise ValueError(
            f"SECRET_KEY {why}. This makes a new one: {MAKE_ONE} - keep the present one in"
            " CADENCE_OLD_SECRET_KEYS, or the secrets that are stored must be entered again"
            " (docs/configuration.md, Changing the key)."
        )


def signing() -> list[str]:
    """The application's keys as itsdangerous takes them: any is believed, the last one signs."""
    return [*(current_app.config["SECRET_KEY_FALLBACKS"] or []), current_app.config["SECRET_KEY"]]


def decrypting() -> list[str]:
    """The application's keys for what is stored, the current one first."""
    return [current_app.config["SECRET_KEY"], *current_app.config["OLD_SECRET_KEYS"]]
