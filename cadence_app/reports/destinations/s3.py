"""Delivery to S3-compatible storage (obstore), where a file is only there once it is whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from cadence_app.outbound import gate
from cadence_app.outbound.gate import NotConnected, Refused, Target
from cadence_app.outbound.narrow_way import NarrowWay
from cadence_app.outbound.policy import POLICIES, Kind
from cadence_app.reports.destinations.problems import DeliveryProblem, not_connected, said_of

_POLICY = POLICIES[Kind.S3]
# What the library itself waits for: a little longer than the way out, which says better what was wrong.
_TIMEOUT = timedelta(seconds=_POLICY.silent_seconds + 5)
_CONNECT_TIMEOUT = timedelta(seconds=_POLICY.connect_seconds + 5)
# What a try may take on its own account; the worker tries again later.
_RETRY_TIMEOUT = timedelta(seconds=20)
# A part of an upload may not be smaller.
_PART = 5 * 1024 * 1024
# What may come back for a part of an upload: a connection's certificates and an answer. And in how many bytes
# of a file TLS and chunks may put one of their own: a server that writes small records adds one in forty.
_PART_ANSWER, _WRAPPED_AT_MOST = 32 * 1024, 16
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
        self._place, self._secret = place, secret

    def _store(self, way: NarrowWay) -> S3Store:
        """The library's store, whose every connection goes by the way out that leads to the endpoint only."""
        place, secret = self._place, self._secret
        # Given as a provider, for then nothing of the environment's own AWS_ variables is used or sent.
        return S3Store(
            place.bucket,
            prefix=place.prefix or None,
            config={
                # Not "endpoint", for which one for S3 in the environment would stand in.
                "aws_endpoint_url_s3": place.endpoint,
                "region": place.region,
                "skip_signature": False,
                "virtual_hosted_style_request": False,
            },
            client_options={
                "timeout": _TIMEOUT,
                "connect_timeout": _CONNECT_TIMEOUT,
                "allow_http": True,
                "proxy_url": way.url,
                # Each request has a connection of its own, for the way reads only its first words.
                "pool_max_idle_per_host": "0",
            },
            retry_config={"max_retries": 2, "retry_timeout": _RETRY_TIMEOUT},
            credential_provider=lambda: {  # type: ignore[arg-type]
                "access_key_id": place.key_id,
                "secret_access_key": secret,
                "expires_at": None,
            },
        )

    def holds(self, name: str, size: int, sha256: str) -> bool | None:
        """Whether the file of this name is the one with this size and SHA-256; None where there is none."""
        with self._opened(room=size + size // _WRAPPED_AT_MOST) as store:
            try:
                found = obstore.head(store, name)
            except FileNotFoundError:
                return None
            if found["size"] != size:
                return False
            digest = hashlib.sha256()
            for piece in obstore.get(store, name):
                digest.update(piece)
            return digest.hexdigest() == sha256

    def put(self, name: str, content: Iterable[bytes], size: int, part: str) -> None:
        """Writes a file; `part` is not needed, as a half-written one is never seen."""
        mimetype = _MIMETYPES.get(name.rpartition(".")[2], "application/octet-stream")
        with self._opened(room=_PART_ANSWER * (size // _PART + 1)) as store:
            # Not put() with the pieces: they come from obstore too, whose runtime can't be entered twice.
            with obstore.open_writer(
                store,
                name,
                attributes={"Content-Type": mimetype},
                buffer_size=_PART,
                max_concurrency=1,
            ) as file:
                for piece in content:
                    file.write(piece)
            found = obstore.head(store, name)["size"]
        if found != size:
            raise DeliveryProblem(f"The file arrived with {found} bytes of {size}")

    def try_out(self, name: str, content: bytes) -> None:
        """Writes a small file, reads it back and removes it."""
        with self._opened() as store:
            obstore.put(store, name, content)
            back = obstore.get(store, name).bytes().to_bytes()
            obstore.delete(store, name)
        if back != content:
            raise DeliveryProblem("The test file could be written, but came back changed")

    @contextmanager
    def _opened(self, room: int = 0) -> Iterator[S3Store]:
        """The store, for one thing; `room` are the bytes that may come back beside a small answer. What an
        answer says beside its code stays here: it may be of a server that the admin can't see."""
        place, target = self._place, _target(self._place.endpoint)
        host = target.host
        way = NarrowWay(Kind.S3, target, room)
        try:
            way.__enter__()
        except NotConnected as error:
            raise not_connected(error, host, target.port) from error
        try:
            yield self._store(way)
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
            said = said_of(way.failure, host, target.port) if way.failure else _of(str(error), host)
            raise DeliveryProblem(said) from error
        finally:
            way.__exit__(None, None, None)


def _target(endpoint: str) -> Target:
    try:
        return gate.target_of(Kind.S3, endpoint)
    except Refused as error:
        raise not_connected(error, endpoint, 0) from error


def _of(text: str, host: str) -> str:
    """What an error of the library means; it has one class for most of them."""
    if "QuotaExceeded" in text or "InsufficientStorage" in text or "XMinioStorageFull" in text:
        return "There is no room left for the file"
    if "certificate" in text.lower():
        return f"The certificate of {host} is not one to trust"
    if "timed out" in text or "TimedOut" in text or "Timeout" in text:
        return f"{host} did not answer"
    if "kind: Connect" in text:
        return f"{host} can't be reached"
    return f"{host} could not take the file"
