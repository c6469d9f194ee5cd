"""Where finished files live: a folder or an S3-compatible bucket, through obstore, by FILES_URL."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import obstore
from flask import current_app
from obstore.store import LocalStore, ObjectStore, from_url

# How keys begin. In a folder they are folders of their own, which only the storage writes to.
KINDS_OF_FILES = ("exports", "imports", "media")
# A part of an S3 upload may not be smaller.
_PART = 5 * 1024 * 1024


def store() -> ObjectStore:
    """The storage named by FILES_URL: file:///folder, or s3://bucket/prefix with the AWS_ variables."""
    url: str = current_app.config["FILES_URL"]
    if url.startswith("file://"):
        return LocalStore(Path(unquote(urlsplit(url).path)), automatic_cleanup=False, mkdir=True)
    # Options of our own make the store forget this one of the environment, which a bucket nearby may need.
    plain = os.environ.get("AWS_ALLOW_HTTP", "").lower() == "true"
    return from_url(url, client_options={"timeout": timedelta(seconds=60), "allow_http": plain})


def writer(key: str) -> obstore.WritableFile:
    """A file to write to, a context manager; it appears under its key only when it was closed whole."""
    return obstore.open_writer(store(), key, buffer_size=_PART, max_concurrency=1)


def write(key: str, content: bytes) -> None:
    """Stores a small file under its key, whole or not at all."""
    obstore.put(store(), key, content)


def read(key: str) -> bytes:
    return obstore.get(store(), key).bytes().to_bytes()


def chunks(key: str) -> Iterator[bytes]:
    """The file in pieces. Errors: FileNotFoundError before the first one."""
    stream = obstore.get(store(), key).stream(min_chunk_size=256 * 1024)
    return (bytes(chunk) for chunk in stream)


def remove(key: str) -> None:
    """Deletes a file; one that is not there is fine."""
    try:
        obstore.delete(store(), key)
    except FileNotFoundError:
        return
