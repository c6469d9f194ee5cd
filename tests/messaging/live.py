"""An open page of the desk as live.js keeps it: what it asks, and what it takes from the answer."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urlencode

from werkzeug.test import TestResponse

from tests.world import Browser

_ASKS = ("poller", "lists-state", "waiting")


def address(conversation_id: int) -> str:
    return f"/messages/conversations/{conversation_id}"


def listed(page: str) -> list[int]:
    """The conversations in the list, in its order."""
    return [int(each) for each in re.findall(r'id="convo-(\d+)"', page)]


def title_of(page: str) -> str:
    found = re.search(r"<title>(.*?)</title>", page, re.DOTALL)
    assert found
    return unescape(found[1])


def waiting_in(page: str) -> str | None:
    """How many texts wait, as a page or an answer tells its script."""
    found = re.search(r'<div id="waiting"[^>]*data-texts="([^"]*)"', page)
    return found[1] if found else None


class OpenPage:
    """`page` is what it showed when it was opened."""

    def __init__(self, browser: Browser, path: str) -> None:
        self.browser, self.page = browser, browser.get(path).text
        self._parts: dict[str, str] = {}
        self._take(self.page)

    @property
    def question(self) -> str:
        """Where it asks what is new."""
        path = self._attribute("poller", "hx-get")
        fields = re.findall(r'name="([^"]+)" value="([^"]*)"', self._parts["lists-state"])
        named = urlencode([(unescape(name), unescape(value)) for name, value in fields])
        return f"{path}{'&' if '?' in path else '?'}{named}"

    @property
    def count_question(self) -> str:
        """Where it asks how many texts wait, while nobody sees it."""
        return self._attribute("waiting", "data-ask")

    def ask(self) -> TestResponse:
        return self._asked(self.question)

    def ask_unseen(self) -> TestResponse:
        return self._asked(self.count_question)

    def _asked(self, path: str) -> TestResponse:
        answer = self.browser.get(path)
        if answer.status_code == 200:
            self._take(answer.text)
        return answer

    def _take(self, text: str) -> None:
        for part in _ASKS:
            if found := re.search(rf'<div id="{part}".*?</div>', text, re.DOTALL):
                self._parts[part] = found[0]

    def _attribute(self, part: str, name: str) -> str:
        found = re.search(rf'{name}="([^"]*)"', self._parts[part])
        assert found
        return unescape(found[1])
