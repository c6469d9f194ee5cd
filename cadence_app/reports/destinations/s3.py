"""Delivery to S3-compatible storage (obstore), where a file is only there once it is whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

import obstore
from flask import current_app
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from cadence_app.reports.destinations import addresses
from cadence_app.reports.destinations.problems import DeliveryProblem

_TIMEOUT = timedelta(seconds=60)
_CONNECT_TIMEOUT = timedelta(seconds=15)
# What a try may take on its own account; the worker tries again later.
_RETRY_TIMEOUT = timedelta(seconds=20)
# A part of an upload may not be smaller.
_PART = 5 * 1024 * 1024
_MIMETYPES = {"csv": "text/csv", "sha256": "text/plain"}


@dataclass(frozen=True)
class S3Place:
    """A bucket of an endpoint (an address such as https://storage.example:9000); `prefix` comes before the
    files' names, as a folder."""

    endpoint: str
    region: str
    bucket: str
    prefix: str
    key_id: str


def amazon(region: str) -> str:
    """The endpoint of Amazon's own storage in a region."""
    return f"https://s3.{region}.amazonaws.com"


class BucketStore:
    """The bucket of a destination. Errors of every call: DeliveryProblem."""

    def __init__(self, place: S3Place, secret: str) -> None:
        self._place = place
        # Given as a provider, for then nothing of the environment's own AWS_ variables is used or sent.
        self._store = S3Store(
            place.bucket,
            prefix=place.prefix or None,
            config={
                "endpoint": place.endpoint,
                "region": place.region,
                "skip_signature": False,
                "virtual_hosted_style_request": False,
            },
            client_options={"timeout": _TIMEOUT, "connect_timeout": _CONNECT_TIMEOUT, "allow_http": True},
            retry_config={"max_retries": 2, "retry_timeout": _RETRY_TIMEOUT},
            credential_provider=lambda: {  # type: ignore[arg-type]
                "access_key_id": place.key_id,
                "secret_access_key": secret,
                "expires_at": None,
            },
        )

    def holds(self, name: str, size: int, sha256: str) -> bool | None:
        """Whether the file of this name is the one with this size and SHA-256; None where there is none."""
        with self._in_words():
            try:
                found = obstore.head(self._store, name)
            except FileNotFoundError:
                return None
            if found["size"] != size:
                return False
            digest = hashlib.sha256()
            for piece in obstore.get(self._store, name):
                digest.update(piece)
            return digest.hexdigest() == sha256

    def put(self, name: str, content: Iterable[bytes], size: int, part: str) -> None:
        """Writes a file; `part` is not needed, as a half-written one is never seen."""
        mimetype = _MIMETYPES.get(name.rpartition(".")[2], "application/octet-stream")
        with self._in_words():
            # Not put() with the pieces: they come from obstore too, whose runtime can't be entered twice.
            with obstore.open_writer(
                self._store,
                name,
                attributes={"Content-Type": mimetype},
                buffer_size=_PART,
                max_concurrency=1,
            ) as file:
                for piece in content:
                    file.write(piece)
            found = obstore.head(self._store, name)["size"]
        if found != size:
            raise DeliveryProblem(f"The file arrived with {found} bytes of {size}")

    def try_out(self, name: str, content: bytes) -> None:
        """Writes a small file, reads it back and removes it."""
        with self._in_words():
            obstore.put(self._store, name, content)
            back = obstore.get(self._store, name).bytes().to_bytes()
            obstore.delete(self._store, name)
        if back != content:
            raise DeliveryProblem("The test file could be written, but came back changed")

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        """What an answer says beside its code stays here: it may be of a server that the admin can't see."""
        place, parts = self._place, urlsplit(self._place.endpoint)
        host = parts.hostname or ""
        if parts.scheme != "https" and not current_app.config["PRIVATE_DESTINATIONS"]:
            raise DeliveryProblem("The endpoint must begin with https://", lasting=True)
        addresses.find(host, parts.port or (443 if parts.scheme == "https" else 80))
        try:
            yield
        except (PermissionDeniedError, UnauthenticatedError) as error:
            denied = "<Code>AccessDenied</Code>" in str(error)
            raise DeliveryProblem(
                f"The key may not write in the bucket {place.bucket}"
                if denied
                else f"{host} refused the sign-in of the key {place.key_id}",
                lasting=True,
            ) from error
        except FileNotFoundError as error:
            raise DeliveryProblem(f"There is no bucket {place.bucket}", lasting=True) from error
        except (BaseError, OSError) as error:
            raise DeliveryProblem(_of(str(error), host)) from error


def _of(text: str, host: str) -> str:
    """What an error of the library means; it has one class for most of them."""
    if "ConnectionRefused" in text:
        return f"{host} refused the connection"
    if "QuotaExceeded" in text or "InsufficientStorage" in text or "XMinioStorageFull" in text:
        return "There is no room left for the file"
    if "certificate" in text.lower():
        return f"The certificate of {host} is not one to trust"
    if "timed out" in text or "TimedOut" in text or "Timeout" in text:
        return f"{host} did not answer"
    if "kind: Connect" in text:
        return f"{host} can't be reached"
    return f"{host} could not take the file"
