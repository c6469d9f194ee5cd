"""What is installed is what was looked at: every package pinned, every file of it known by its hash."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NAMES = ("requirements", "requirements-dev", "requirements-model")


def _lines(name: str) -> list[str]:
    """The file's lines without comments, those that end with a backslash joined with the next."""
    text = re.sub(r"\s*\\\n\s*", " ", (ROOT / name).read_text())
    return [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]


@pytest.mark.parametrize("name", NAMES)
def test_each_locked_package_has_one_version_and_the_hashes_of_its_files(name: str) -> None:
    lines = _lines(f"{name}.txt")
    assert lines
    for line in lines:
        assert re.match(r"[a-z0-9._-]+(\[[a-z0-9,._-]+\])?==\S+ .*--hash=sha256:[0-9a-f]{64}", line), line


@pytest.mark.parametrize("name", NAMES)
def test_each_wanted_package_is_pinned_and_in_the_lock(name: str) -> None:
    locked = {line.split(" ")[0] for line in _lines(f"{name}.txt")}
    for line in _lines(f"{name}.in"):
        if line.startswith("-r "):
            continue
        wanted, version = line.split("==")
        plain = re.sub(r"\[.*\]", "", wanted).lower().replace("_", "-").replace(".", "-")
        assert f"{plain}=={version}" in {re.sub(r"\[.*\]", "", pinned) for pinned in locked}, line
