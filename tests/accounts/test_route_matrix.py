"""Who gets what from every route, as the tables of tests/accounts/routes say, which are the whole of it."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.accounts.routes.lines import ACCESS, ACTORS, LINES, OK, OPERATOR_SIGN_IN, RENAMED, SIGN_IN, Line
from tests.accounts.routes.organisation import Made, make_organisation, path_of
from tests.closed.browsers import missing_headers
from tests.world import Browser


@pytest.fixture(scope="module")
def organisations(app: Flask) -> dict[bool, Made]:
    """One on the Teams screens (False) and one on the Legacy screens (True)."""
    return {legacy: make_organisation(app, "legacy" if legacy else "teams") for legacy in (False, True)}


def _routes(app: Flask) -> set[tuple[str, str]]:
    """Each method and address of the app, as the table writes them."""
    found = set()
    for rule in app.url_map.iter_rules():
        address = re.sub(r"<(?:[^<>]*:)?(\w+)>", r"{\1}", rule.rule)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            found.add((method, RENAMED.get(address, address)))
    return found


def test_every_route_has_a_line_and_every_line_a_route(app: Flask) -> None:
    told = [(method, line.address) for line in LINES for method in line.methods]
    assert sorted(_routes(app) - set(told)) == [], "routes that the matrix does not have"
    assert sorted(set(told) - _routes(app)) == [], "lines of the matrix without a route"
    assert len(told) == len(set(told)), "a route stands in the matrix twice"


@pytest.mark.parametrize("line", LINES, ids=str)
def test_a_route_gives_everybody_what_the_matrix_says(line: Line, organisations: dict[bool, Made]) -> None:
    made = organisations[line.legacy]
    expected = ACCESS[line.access]
    for actor in ACTORS:
        for method in line.methods:
            path = path_of(line, made)
            answer = _ask(made.browsers[actor], method, path)
            outcome = _outcome(answer, expected[actor])
            assert missing_headers(answer) == [], f"{actor}: {method} {path}"
            # A file that is streamed ends its request only now.
            answer.close()
            assert outcome == expected[actor], f"{actor}: {method} {path}"


def _ask(browser: Browser, method: str, path: str) -> TestResponse:
    if method == "POST" and not path.startswith("/api/"):
        return browser.post(path)
    return browser.client.open(path, method=method)


def _outcome(answer: TestResponse, expected: str) -> str:
    status = answer.status_code
    if status >= 500 or (status == 400 and expected != "open"):
        return f"{status}: {answer.text[:300]}"
    location = answer.location or ""
    if status == 302 and location.startswith("/login"):
        return SIGN_IN
    if status == 302 and location.startswith("/operator/sign-in"):
        return OPERATOR_SIGN_IN
    if expected == "open" and status not in (401, 403):
        return "open"
    return str(status) if status in (401, 403, 404, 405) else OK
