"""What a view asks of a request: each name of its query and form, noted as it asks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.utils import cached_property

QUERY, FORM = "query", "form"
# By endpoint and place.
Asked = dict[tuple[str, str], set[str]]


class _Noted(ImmutableMultiDict[str, str]):
    def __init__(self, given: Any, names: set[str]) -> None:
        super().__init__(given)
        self._names = names

    def _note(self, name: object) -> None:
        if isinstance(name, str):
            self._names.add(name)

    def __getitem__(self, key: str) -> str:
        self._note(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self._note(key)
        return super().__contains__(key)

    def get(self, key: str, *args: Any, **kwargs: Any) -> Any:
        self._note(key)
        return super().get(key, *args, **kwargs)

    def getlist(self, key: str, *args: Any, **kwargs: Any) -> Any:
        self._note(key)
        return super().getlist(key, *args, **kwargs)


@contextmanager
def recorded(app: Flask) -> Iterator[Asked]:
    """Notes what views ask for, until it ends."""
    before, asked = app.request_class, defaultdict(set)  # type: Any, Asked

    class Recording(before):
        @cached_property
        def args(self) -> Any:
            return _Noted(super().args, asked[self.endpoint or "", QUERY])

        def _load_form_data(self) -> None:
            if "form" not in self.__dict__:
                super()._load_form_data()
                self.__dict__["form"] = _Noted(self.__dict__["form"], asked[self.endpoint or "", FORM])

    app.request_class = Recording
    try:
        yield asked
    finally:
        app.request_class = before
