"""What a page lets somebody send: its forms with their fields, and the queries of its links."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlsplit

_CSRF = "csrf_token"
_ADDRESSES = ("href", "hx-get", "action", "formaction")


@dataclass
class Field:
    """A field of a form: its sort, what it holds when the page opens, and all that it offers to choose."""

    name: str
    sort: str
    values: list[str] = field(default_factory=list)
    offered: list[str] = field(default_factory=list)


@dataclass
class Form:
    """A form of a page. `path` is where it goes to, without a query."""

    method: str
    path: str
    fields: dict[str, Field] = field(default_factory=dict)

    def of(self, name: str, sort: str) -> Field:
        return self.fields.setdefault(name, Field(name, sort))


@dataclass
class Page:
    forms: list[Form] = field(default_factory=list)
    # Path and (name, value) of each query of an address on the page.
    queries: set[tuple[str, str, str]] = field(default_factory=set)


def read(html: str, path: str) -> Page:
    """The forms and queries of a page that is at `path`."""
    reader = _Reader(path)
    reader.feed(html)
    return reader.page


class _Reader(HTMLParser):
    def __init__(self, path: str) -> None:
        super().__init__()
        self.page, self._path = Page(), path
        self._form: Form | None = None
        self._select: Field | None = None
        self._area: Field | None = None
        self._others: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        for name in _ADDRESSES:
            split = urlsplit(given.get(name, ""))
            for key, value in parse_qsl(split.query):
                self.page.queries.add((split.path or self._path, key, value))
        if tag == "form":
            where = urlsplit(given.get("action", "")).path or self._path
            self._form = Form(given.get("method", "get").upper(), where)
            self.page.forms.append(self._form)
            self._others = []
        elif self._form is not None:
            self._field(tag, given, self._form)

    def _field(self, tag: str, given: dict[str, str], form: Form) -> None:
        if tag == "button" and (other := urlsplit(given.get("formaction", "")).path):
            self._others.append(Form("POST", other, form.fields))
        name = given.get("name", "")
        if not name or name == _CSRF:
            if tag == "option" and self._select:
                self._option(given)
            return
        sort = given.get("type", "text") if tag == "input" else tag
        found = form.of(name, sort)
        value = given.get("value", "on" if sort in {"checkbox", "radio"} else "")
        if sort in {"checkbox", "radio", "button"}:
            found.offered.append(value)
            if "checked" in given:
                found.values.append(value)
        elif tag == "select":
            self._select = found
        elif tag == "textarea":
            self._area = found
        else:
            found.values.append(value)

    def _option(self, given: dict[str, str]) -> None:
        assert self._select
        self._select.offered.append(given.get("value", ""))
        if "selected" in given:
            self._select.values.append(given.get("value", ""))

    def handle_data(self, data: str) -> None:
        if self._area:
            self._area.values = [data.removeprefix("\n")]

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.page.forms += self._others
            self._form, self._others = None, []
        elif tag == "select":
            self._select = None
        elif tag == "textarea":
            self._area = None
