"""Words follow the mode: no page of Legacy says team, and none of Teams says department."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from flask import Flask

from cadence_app.help_pages import PAGES
from cadence_app.reports.kinds import PLAIN_KINDS
from tests.world import World, new_number

# Not a tenant's: for who runs the server, for trying it out, and for programs.
_OTHERS = ("/static", "/api/", "/dev/", "/operator/", "/healthz", "/login/sso")
# Shows both sets of screens side by side, and with them both words.
_BOTH = "/settings/screens/"
# What a person reads besides the text: said by a screen reader, shown in a field or beside the pointer.
_READ = {"aria-label", "title", "placeholder", "alt"}
# The column of the classic file, what the two sets of screens are called, an address of the API, and the
# word that contacts text.
_NAMES = re.compile(r"DepartmentCode|Teams screens|/api/v1/teams|\bTEAM\b")
WRONG = {"teams": re.compile(r"\bdepartments?\b", re.I), "legacy": re.compile(r"\bteams?\b", re.I)}


class _Reader(HTMLParser):
    """Collects what a person reads of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in {"script", "style"}
        self.said += [value for name, value in attrs if name in _READ and value]
        if dict(attrs).get("type") == "submit" and dict(attrs).get("value"):
            self.said.append(dict(attrs)["value"] or "")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in {"script", "style"}

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.said.append(data)


def _read(page: str) -> str:
    reader = _Reader()
    reader.feed(page)
    return _NAMES.sub("", " ".join(reader.said))


def _paths(app: Flask, world: World) -> Iterator[str]:
    """Every page that takes no argument, and one of each that takes an id or a name."""
    for rule in app.url_map.iter_rules():
        if (
            "GET" in (rule.methods or ())
            and not rule.arguments
            and not rule.rule.startswith((*_OTHERS, _BOTH))
        ):
            yield rule.rule
    yield from (f"/help/{page}" for page in PAGES)
    yield from (f"/reports/exports/{key}" for key in PLAIN_KINDS)
    yield from (f"/reports/{key}/export" for key in PLAIN_KINDS)
    yield from (f"/reports/schedules/new?kind={key}" for key in PLAIN_KINDS)
    received = world.text(new_number(), "STOPALL", inbox=world.personal)
    contact_id = world.contact_id_of(received.conversation_id)
    yield from (f"/messages/conversations/{received.conversation_id}", f"/contacts/{contact_id}")
    yield from (f"/contacts/{contact_id}/certificate", f"/contacts/{contact_id}/edit")
    yield from (f"/settings/teams/{world.team_id}", f"/settings/teams/{world.team_id}/close")
    yield from (f"/settings/users/{world.agent_id}", f"/settings/users/{world.agent_id}/deactivate")


@pytest.mark.parametrize("mode", ["teams", "legacy"])
@pytest.mark.parametrize("role", ["admin", "agent"])
def test_every_page_calls_a_group_of_users_what_its_mode_does(
    app: Flask, mode: str, role: str, request: pytest.FixtureRequest
) -> None:
    world: World = request.getfixturevalue("world" if mode == "teams" else "legacy_world")
    browser = world.sign_in(role)
    wrong, shown = {}, 0
    for path in _paths(app, world):
        answer = browser.get(path)
        if answer.mimetype != "text/html":
            continue
        shown += answer.status_code == 200
        text = _read(answer.text)
        if found := WRONG[mode].search(text):
            wrong[path] = text[max(found.start() - 60, 0) : found.end() + 60]
    assert wrong == {}
    assert shown > (35 if role == "admin" else 15)


@pytest.mark.parametrize("mode", ["teams", "legacy"])
def test_the_first_page_of_settings_leads_to_every_other(
    app: Flask, mode: str, request: pytest.FixtureRequest
) -> None:
    world: World = request.getfixturevalue("world" if mode == "teams" else "legacy_world")
    admin = world.sign_in("admin")
    first = admin.get("/settings/").text
    routes = app.url_map.bind("localhost")
    linked = {
        path for path in re.findall(r'href="(/settings/[^"]+)"', first) if admin.get(path).status_code == 200
    }
    reached = {routes.match(path)[0].split(".")[0] for path in linked}
    areas = {
        rule.endpoint.split(".")[0] for rule in app.url_map.iter_rules() if rule.rule.startswith("/settings/")
    }
    assert areas - reached == {"settings"}
    assert ("Teams" if mode == "teams" else "Departments") in _read(first)


@pytest.mark.parametrize("mode", ["teams", "legacy"])
def test_what_forms_and_refusals_say_follows_the_mode_too(mode: str, request: pytest.FixtureRequest) -> None:
    world: World = request.getfixturevalue("world" if mode == "teams" else "legacy_world")
    admin = world.sign_in("admin")
    path = "/reports/analytics" if mode == "teams" else "/reports/message-activity"
    answers = [
        admin.post("/settings/teams/", {"name": "Aid", "code": "AID"}),
        admin.post("/settings/inboxes/", {"name": "x", "number": "1", "team": "0"}),
        admin.post("/contacts/new", {"number": "12", "team_id": "0"}),
        admin.post("/settings/users/invite", {"email": "x", "role": "x", "teams": "0"}),
        admin.get(f"{path}?team=x"),
    ]
    assert [answer.status_code for answer in answers] == [422] * 5
    for answer in answers:
        assert not WRONG[mode].search(_read(answer.text))
