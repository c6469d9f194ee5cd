"""Where finished files live: a folder or an S3-compatible bucket, through obstore, by FILES_URL.

Each use of a bucket has a way out of its own (outbound/own_storage.py), which ends with it: there is nothing
to share over a fork.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import obstore
from flask import current_app
from obstore.store import LocalStore, ObjectStore

from cadence_app.outbound.narrow_way import NarrowWay
from cadence_app.outbound.own_storage import OwnBucket

# How keys begin. In a folder they are folders of their own, which only the storage writes to.
KINDS_OF_FILES = ("exports", "imports", "media")
# A part of an S3 upload may not be smaller.
_PART = 5 * 1024 * 1024
_PIECE = 256 * 1024


class Pieces(Iterator[bytes]):
    """A file in pieces. What it holds open ends with it, or when it is closed or forgotten before."""

    def __init__(self, pieces: obstore.BytesStream, way: NarrowWay | None) -> None:
        self._pieces = pieces
        self._end = weakref.finalize(self, way.close) if way else None

    def __next__(self) -> bytes:
        try:
            return bytes(next(self._pieces))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self._end:
            self._end()


@contextmanager
def writer(key: str) -> Iterator[obstore.WritableFile]:
    """A file to write to; it appears under its key only when it was closed whole."""
    with (
        _opened() as store,
        obstore.open_writer(store, key, buffer_size=_PART, max_concurrency=1) as file,
    ):
        yield file


def write(key: str, content: bytes) -> None:
    """Stores a small file under its key, whole or not at all."""
    with _opened() as store:
        obstore.put(store, key, content)


def read(key: str) -> bytes:
    """Errors: FileNotFoundError."""
    return b"".join(chunks(key))


def chunks(key: str) -> Pieces:
    """The file in pieces. Errors: FileNotFoundError before the first one."""
    bucket = _bucket()
    if bucket is None:
        return Pieces(obstore.get(_folder(), key).stream(min_chunk_size=_PIECE), None)
    way = bucket.way().__enter__()
    try:
        found = obstore.get(bucket.store(way), key)
        way.expect(found.meta["size"])
        return Pieces(found.stream(min_chunk_size=_PIECE), way)
    except BaseException:
        way.close()
        raise


def remove(key: str) -> None:
    """Deletes a file; one that is not there is fine."""
    with _opened() as store:
        try:
            obstore.delete(store, key)
        except FileNotFoundError:
            return


@contextmanager
def _opened() -> Iterator[ObjectStore]:
    """The storage, for one thing."""
    bucket = _bucket()
    if bucket is None:
        yield _folder()
        return
    with bucket.way() as way:
        yield bucket.store(way)


def _bucket() -> OwnBucket | None:
    found: OwnBucket | None = current_app.config["FILES_BUCKET"]
    return found


def _folder() -> LocalStore:
    url: str = current_app.config["FILES_URL"]
    return LocalStore(Path(unquote(urlsplit(url).path)), automatic_cleanup=False, mkdir=True)
