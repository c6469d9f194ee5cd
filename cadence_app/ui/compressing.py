"""What is sent compressed: our own files, and pages that one of our pages or the user asked for.

A page that somebody else's site had the browser ask for, with words of their choice in its address, would by
its length tell them bit by bit what else is on it (BREACH, CVE-2013-3587). So browsers say who asked
(Sec-Fetch-Site, a W3C header that no script can set), and where that is another site, or is not said, a page
goes as it is. CSRF tokens are signed anew for each page besides.
"""

from __future__ import annotations

from posixpath import normpath

from flask import Flask, Request, Response, request
from flask_compress import Compress

_OUR_FILES = "static"
_PAGES = {"text/html", "application/json"}
_OWN_ASKING = {"same-origin", "none"}
_pages, _files = Compress(), Compress()


class _Kept(dict[str, bytes]):
    """Our files as they were compressed, for as long as the process lives: there are some twenty, each kept
    once, however its address is written."""

    def set(self, key: str, value: bytes) -> None:
        self[key] = value


def init_app(app: Flask) -> None:
    files = ("text/css", "text/javascript", "application/javascript", "image/svg+xml")
    app.config |= {
        "COMPRESS_REGISTER": False,
        "COMPRESS_STREAMS": False,
        "COMPRESS_ALGORITHM": ["br", "gzip"],
        "COMPRESS_MIMETYPES": [*_PAGES, *files, "application/manifest+json"],
    }
    _pages.init_app(app)
    _files.init_app(app)
    _files.cache, _files.cache_key = _Kept(), _file_of
    app.after_request(_send_compressed)


def _file_of(asked: Request) -> str:
    """Which of our files an address is for; it can be written in ways without end, as /static/./app.css."""
    name: str = (asked.view_args or {})["filename"]
    return normpath(name)


def _send_compressed(response: Response) -> Response:
    if response.status_code != 200 or request.method != "GET":
        return response
    if request.endpoint == _OUR_FILES:
        # Read whole, so that the library keeps it.
        response.direct_passthrough = False
        response.set_data(response.get_data())
        return _files.after_request(response)
    asked_by_us = request.headers.get("Sec-Fetch-Site") in _OWN_ASKING
    if asked_by_us and response.mimetype in _PAGES and not response.is_streamed:
        return _pages.after_request(response)
    return response
