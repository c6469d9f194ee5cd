"""Sends every parameter of the routes of the screens what nobody sends by accident.

What a route takes is not listed here: it is read from the forms and links of the real pages, and noted while
views ask for it (recording.py). The values are drawn by a seed, so a failure comes again: CADENCE_FUZZ_SEED
draws others. The usual run tries a part of the routes, the long one all of an admin's with several values
each, and CADENCE_FUZZ=all every value as everybody, which takes hours.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus

from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from tests import sizes
from tests.accounts.routes.lines import LINES, Line
from tests.accounts.routes.organisation import Made, make_organisation, path_of
from tests.requests import hostile, pages, recording
from tests.requests.recording import FORM, QUERY, Asked
from tests.world import PASSWORD

ALL = os.environ.get("CADENCE_FUZZ") == "all"
SEED = os.environ.get("CADENCE_FUZZ_SEED", "20261130")
# How many values of each parameter are tried, and of which part of the routes, as whom. What only the Legacy
# screens have is always tried there.
VALUES = len(hostile.EVERY) if ALL else sizes.size(1, 4)
ADMINS_PART, PART = sizes.size((0.2, 0.05), (1.0, 0.3))
# What takes away what later routes are about comes after them.
_LAST = re.compile(
    r"delete|erase|close|remove|revoke|deactivate|suspend|/end|merge|sign-out|logout|pass|code"
)
# What a field that is empty on the page is given, so that the others are looked at too.
_USUAL = {
    "date": b"2026-03-01",
    "datetime-local": b"2026-12-31T10:00",
    "email": b"somebody@college.example",
    "number": b"1",
    "password": PASSWORD.encode(),
    "tel": b"+12125550123",
    "time": b"10:00",
    "url": b"https://a.example/",
}
_SORTS = {
    "date": hostile.TIMES,
    "datetime-local": hostile.TIMES,
    "time": hostile.TIMES,
    "number": hostile.NUMBERS,
    "hidden": hostile.NUMBERS,
    "select": hostile.NUMBERS,
}
Pairs = list[tuple[str, bytes]]


@dataclass
class Known:
    """What is known of the parameters: the fields of forms by address, and the queries of links."""

    fields: dict[tuple[str, str], dict[str, pages.Field]] = field(default_factory=dict)
    queries: dict[str, dict[str, bytes]] = field(default_factory=dict)

    def read(self, html: str, path: str) -> None:
        page = pages.read(html, path)
        for form in page.forms:
            if form.method == "GET":
                for each in form.fields.values():
                    self.queries.setdefault(form.path, {})[each.name] = _value(each)
            else:
                self.fields.setdefault((form.method, form.path), {}).update(form.fields)
        for where, name, value in sorted(page.queries):
            self.queries.setdefault(where, {})[name] = value.encode()


@dataclass
class Fuzz:
    """One organisation under fire, as one actor."""

    app: Flask
    made: Made
    actor: str
    known: Known
    asked: Asked
    chance: random.Random
    failures: list[str] = field(default_factory=list)
    calls: int = 0

    def line(self, line: Line, most: int) -> None:
        path = path_of(line, self.made).partition("?")[0]
        for method in line.methods:
            if path.startswith("/static/") and method != "GET":
                continue
            endpoint = self._endpoint(method, path)
            self._send(method, path, [], [])
            tried: set[tuple[str, str]] = set()
            # What a view asks for only once it has something is noted on the way.
            while new := self._parameters(method, path, endpoint) - tried:
                tried |= new
                for place, name in sorted(new):
                    self._parameter(method, path, place, name, most)
            for _ in range(most):
                self._send(method, path, *self._usual(method, path), hostile.headers(self.chance))
        for part in re.findall(r"{(\w+)}", line.address):
            for value in self.chance.sample(hostile.EVERY, most):
                spoiled = line.address.replace(f"{{{part}}}", _quoted(value[:2_000]), 1)
                rest = Line(line.access, line.methods, spoiled.replace("%7B", "(").replace("%7D", ")"), False)
                for method in line.methods:
                    self._send(method, _rest(rest, self.made), [], [])

    def _parameters(self, method: str, path: str, endpoint: str) -> set[tuple[str, str]]:
        queries = {*self.asked[endpoint, QUERY], *self.known.queries.get(path, {})}
        forms: set[str] = set()
        if method == "POST":
            forms = {*self.asked[endpoint, FORM], *self.known.fields.get((method, path), {})}
        found = {(QUERY, name) for name in queries} | {(FORM, name) for name in forms}
        return {(place, name) for place, name in found if name != "csrf_token"}

    def _parameter(self, method: str, path: str, place: str, name: str, most: int) -> None:
        query, form = self._usual(method, path)
        given = query if place == QUERY else form
        right = next((value for known, value in given if known == name), b"")
        for value in self._drawn(self.known.fields.get((method, path), {}).get(name), right, most):
            spoiled = [(known, v) for known, v in given if known != name] + [(name, value)]
            if self.chance.random() < 0.05:
                spoiled.append((name, self.chance.choice(hostile.EVERY)))
            both = (spoiled, form) if place == QUERY else (query, spoiled)
            self._send(method, path, *both)

    def _drawn(self, of: pages.Field | None, right: bytes, most: int) -> list[bytes]:
        """Values to try: of its own sort first, where few are."""
        if ALL:
            return [*hostile.EVERY, hostile.mutated(self.chance, right)]
        return [self._draw(of, right) for _ in range(most)]

    def _draw(self, of: pages.Field | None, right: bytes) -> bytes:
        if self.chance.random() < 0.25:
            return hostile.mutated(self.chance, right)
        pool = _SORTS.get(of.sort if of else "") or self.chance.choice([hostile.TEXTS, hostile.EVERY])
        return self.chance.choice(pool)

    def _usual(self, method: str, path: str) -> tuple[Pairs, Pairs]:
        query = list(self.known.queries.get(path, {}).items()) if method == "GET" else []
        form = []
        for each in self.known.fields.get((method, path), {}).values():
            if each.sort not in {"file", "button", "submit"}:
                form.append((each.name, _value(each)))
        return query, form

    def _send(
        self,
        method: str,
        path: str,
        query: Pairs,
        form: Pairs,
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        browser = self.made.browsers[self.actor]
        url = f"{path}?{_encoded(query)}" if query else path
        content: dict[str, Any] = {}
        if method == "POST":
            if not browser.token:
                browser.get("/help/" if self.actor != "operator" else "/operator/", follow_redirects=True)
            body = _encoded([*form, ("csrf_token", browser.token.encode())])
            content = {"data": body, "content_type": "application/x-www-form-urlencoded"}
        try:
            answer = browser.client.open(url, method=method, headers=list(headers), **content)
            answer.get_data()
            answer.close()
        except HTTPException as error:
            answer = TestResponse([], str(error.code), error.get_headers(), None)  # type: ignore[arg-type]
        self.calls += 1
        if answer.status_code >= 500:
            said = f"{self.actor}: {method} {url[:300]} {str(content.get('data', ''))[:300]} {list(headers)}"
            self.failures.append(said)
        found = re.search(rb'name="csrf-token" content="([^"]+)', answer.get_data())
        if answer.status_code == 200 and found:
            browser.token = found[1].decode()

    def _endpoint(self, method: str, path: str) -> str:
        try:
            return str(self.app.url_map.bind("localhost").match(path, method)[0])
        except HTTPException:
            return ""


def _value(of: pages.Field) -> bytes:
    """What a field holds on the page, else something that may be right."""
    values = of.values or [each for each in of.offered if each][:1]
    return values[0].encode() if values and values[0] else _USUAL.get(of.sort, b"Words")


def _quoted(value: bytes) -> str:
    return quote_plus(value, safe="").replace("+", "%20")


def _encoded(pairs: Pairs) -> str:
    return "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in pairs)


def _rest(line: Line, made: Made) -> str:
    return path_of(line, made).partition("?")[0]


def _ordered() -> list[Line]:
    mine = [line for line in LINES if line.access != "API" and line.address != "/webhooks/{carrier}/{key}"]
    return sorted(mine, key=lambda line: bool(_LAST.search(line.address)))


def _fuzz(app: Flask, made: Made, actor: str, known: Known, part: float) -> list[str]:
    """Tries some of the routes as somebody; returns what crashed."""
    chance = random.Random(f"{SEED} {actor}")
    with recording.recorded(app) as asked:
        fuzz = Fuzz(app, made, actor, known, asked, chance)
        for line in _ordered():
            if ALL or line.legacy or chance.random() < part:
                fuzz.line(line, VALUES)
    return fuzz.failures


def _read_pages(made: Made, actor: str) -> Known:
    known = Known()
    for line in LINES:
        if "GET" in line.methods and line.access not in {"API", "SIGN_OUT"}:
            path = path_of(line, made)
            answer = made.browsers[actor].get(path)
            if answer.mimetype == "text/html":
                known.read(answer.text, path.partition("?")[0])
            answer.close()
    return known


def crashes(app: Flask, mode: str) -> list[str]:
    """What crashes in an organization with these screens, whoever asks; empty where nothing does."""
    made = make_organisation(app, mode)
    known, operators_known = _read_pages(made, "admin"), _read_pages(made, "operator")
    failures = []
    for actor, what, part in (
        ("signed out", operators_known, PART),
        ("agent", known, PART),
        ("admin", known, ADMINS_PART),
        ("operator", operators_known, PART),
    ):
        failures += _fuzz(app, made, actor, what, part)
    return failures
