"""The lines of training/lines, written out: README.md there says how a template is written."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from pathlib import Path

from cadence_app.consent.intent.concepts import of_language

FOLDER = Path(__file__).with_name("lines")
_SLOT = re.compile(r"\[([^\[\]]*)\]|<(\w+)>")
_SPACES = re.compile(r"\s+")
_BEFORE_MARK = re.compile(r"\s+(?=[,.?!])")


@dataclass(frozen=True)
class Template:
    """`kind` is its heading, `opt_out` what it stands for, `ordinary` whether it is nobody's trap. `author`
    is named after a dot in the file's name; most are of one author, whom nothing names."""

    kind: str
    opt_out: bool
    ordinary: bool
    language: str
    text: str
    author: str = ""


def templates() -> list[Template]:
    """Every template, in the order of the files' names."""
    found: list[Template] = []
    for path in sorted(FOLDER.glob("*.txt")):
        name, _, author = path.stem.partition(".")
        sort, language = name.split("_")[:2]
        kind = ""
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("== "):
                kind = line.removeprefix("== ")
            elif line.strip():
                spoken = kind if kind in _LANGUAGES else language
                found.append(
                    Template(
                        f"{sort} {kind}",
                        sort == "out",
                        sort == "ordinary",
                        spoken if spoken in _LANGUAGES else "en",
                        line.strip(),
                        author,
                    )
                )
    return found


_LANGUAGES = frozenset(("en", "es", "fr", "pt", "de", "tl"))


def written_out(template: Template, most: int, dice: random.Random) -> list[str]:
    """Up to `most` texts of a template, no two the same."""
    found: dict[str, None] = {}
    for _ in range(most * 3):
        text = _SLOT.sub(lambda slot: _filled(slot, template.language, dice), template.text)
        text = _BEFORE_MARK.sub("", _SPACES.sub(" ", text)).strip()
        if text:
            found[text] = None
        if len(found) == most:
            break
    return list(found)


def _filled(slot: re.Match[str], language: str, dice: random.Random) -> str:
    options = slot[1].split("|") if slot[2] is None else of_language(slot[2], language)
    chosen: str = dice.choice(options)
    return chosen
