"""The pages of docs/ that name a test for each rule name tests that are there, and link to files that are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [*sorted(ROOT.glob("docs/**/*.md")), ROOT / "README.md", ROOT / "SECURITY.md"]


def _named_tests(text: str) -> list[tuple[str, str]]:
    """(file, test) of each `file::test`; `::test` alone is of the file named before it."""
    named, file = [], ""
    for path, test in re.findall(r"`(tests/[\w/]+\.py)?::(test_\w+)`", text):
        file = path or file
        named.append((file, test))
    return named


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_names_tests_that_exist(page: Path) -> None:
    for file, test in _named_tests(page.read_text()):
        source = ROOT / file
        assert source.is_file(), f"{file} is gone"
        assert re.search(rf"^def {test}\(", source.read_text(), re.MULTILINE), f"{file}::{test} is gone"


def test_the_rules_of_consent_and_of_security_name_their_tests() -> None:
    for name in ("consent.md", "security.md"):
        assert len(_named_tests((ROOT / "docs" / name).read_text())) > 50, name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_links_to_files_that_exist(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text()):
        if not re.match(r"\w+:", target):
            assert (page.parent / target).exists(), target
