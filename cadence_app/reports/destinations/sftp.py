"""Delivery by SFTP (asyncssh): a file is written beside its place and renamed when it is whole."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import asyncssh
from asyncssh import SFTPClient, SSHKey

from cadence_app.outbound import gate
from cadence_app.outbound.counted import CountedSocket, TooMuch
from cadence_app.outbound.gate import Failure, NotConnected
from cadence_app.outbound.policy import POLICIES, Kind
from cadence_app.reports.destinations.problems import DeliveryProblem, not_connected, said_of

T = TypeVar("T")
_SIGN_IN_SECONDS = 20
# A server that has gone silent is given up after a minute.
_ALIVE_SECONDS, _ALIVE_TIMES = 15, 4
_PIECE = 256 * 1024
# Of how many bytes of a file one may be added by the packets that it comes in, and for how many that are
# written one may come back: for each 16 KB an answer of some fifty bytes, and news of the window.
_WRAPPED_AT_MOST, _ANSWERED = 16, 64
_ROOM = (asyncssh.SFTPNoSpaceOnFilesystem, asyncssh.SFTPQuotaExceeded)
_MISSING = (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath)


@dataclass(frozen=True)
class SftpPlace:
    """Where to sign in and which folder to write in; `by_key` tells what the secret is: a private key, or a
    password. An empty folder is the one that the server opens."""

    host: str
    port: int
    user: str
    folder: str
    by_key: bool

    def path(self, name: str) -> str:
        return f"{self.folder.rstrip('/')}/{name}" if self.folder else name


class SftpStore:
    """The folder of a destination, for one thing at a time: each call connects anew. Errors of every call:
    DeliveryProblem."""

    def __init__(self, place: SftpPlace, secret: str, host_key: str) -> None:
        self._place, self._secret, self._host_key = place, secret, host_key

    def holds(self, name: str, size: int, sha256: str) -> bool | None:
        """Whether the file of this name is the one with this size and SHA-256; None where there is none."""
        return self._run(self._holds(name, size, sha256), room=size + size // _WRAPPED_AT_MOST)

    def put(self, name: str, content: Iterable[bytes], size: int, part: str) -> None:
        """Writes a file under the name `part`, and gives it its own when it is whole."""
        self._run(self._put(name, content, size, part), room=size // _ANSWERED)

    def try_out(self, name: str, content: bytes) -> None:
        """Writes a small file, renames it, reads it back and removes it."""
        self._run(self._try_out(name, content))

    def _run(self, work: Coroutine[Any, Any, T], room: int = 0) -> T:
        """`room` are the bytes that may come back beside small answers."""
        try:
            self._socket = _connect(self._place.host, self._place.port, room)
        except DeliveryProblem:
            work.close()
            raise
        with self._socket:
            return _in_words(work, self._place, self._socket, POLICIES[Kind.SFTP].seconds)

    @asynccontextmanager
    async def _folder(self) -> AsyncIterator[SFTPClient]:
        """A session, in which the folder is there."""
        place = self._place
        if not self._host_key:
            raise DeliveryProblem("The server's key is not confirmed yet", lasting=True)
        signing: dict[str, Any] = {"password": self._secret, "client_keys": None}
        if place.by_key:
            signing = {"client_keys": [read_private_key(self._secret)], "preferred_auth": "publickey"}
        async with (
            asyncssh.connect(
                sock=self._socket,
                username=place.user,
                known_hosts=([asyncssh.import_public_key(self._host_key)], [], []),
                # Nothing of the machine's own: no agent, no keys and no settings of whoever runs Cadence.
                config=None,
                agent_path=None,
                gss_host=None,
                login_timeout=_SIGN_IN_SECONDS,
                keepalive_interval=_ALIVE_SECONDS,
                keepalive_count_max=_ALIVE_TIMES,
                **signing,
            ) as connection,
            connection.start_sftp_client() as client,
        ):
            if place.folder and not await client.isdir(place.folder):
                raise DeliveryProblem(f"There is no folder {place.folder}", lasting=True)
            yield client

    async def _holds(self, name: str, size: int, sha256: str) -> bool | None:
        async with self._folder() as client:
            path = self._place.path(name)
            try:
                found = await client.stat(path)
            except _MISSING:
                return None
            if found.size != size:
                return False
            digest = hashlib.sha256()
            left = size
            async with client.open(path, "rb", encoding=None) as file:
                # No more than the file has, however much the server would send.
                while left >= 0 and (piece := cast(bytes, await file.read(_PIECE))):
                    digest.update(piece)
                    left -= len(piece)
            return digest.hexdigest() == sha256

    async def _put(self, name: str, content: Iterable[bytes], size: int, part: str) -> None:
        async with self._folder() as client:
            path, part = self._place.path(name), self._place.path(part)
            try:
                await _write(client, part, content)
                await _check_size(client, part, size)
                await _rename(client, part, path)
                await _check_size(client, path, size)
            except Exception:
                # What is left would be written over the next time, if there is one.
                with suppress(Exception):
                    await client.remove(part)
                raise

    async def _try_out(self, name: str, content: bytes) -> None:
        async with self._folder() as client:
            path, part = self._place.path(name), self._place.path(f"{name}.part")
            await _write(client, part, [content])
            await _rename(client, part, path)
            async with client.open(path, "rb", encoding=None) as file:
                back = cast(bytes, await file.read(len(content) + 1))
            await client.remove(path)
            if back != content:
                raise DeliveryProblem("The test file could be written, but came back changed")


def _connect(host: str, port: int, room: int = 0) -> CountedSocket:
    try:
        policy = POLICIES[Kind.SFTP]
        opened = gate.connect(Kind.SFTP, host, port, time.monotonic() + policy.connect_seconds)
        return CountedSocket(opened, policy.most_bytes + room)
    except NotConnected as error:
        raise not_connected(error, host, port) from error


def fetch_host_key(host: str, port: int) -> str:
    """The public key that a server shows at this moment, in OpenSSH's form. Errors: DeliveryProblem."""
    opened = _connect(host, port)

    async def fetch() -> SSHKey | None:
        return await asyncssh.get_server_host_key(sock=opened, config=None)

    with opened:
        place, seconds = SftpPlace(host, port, "", "", False), POLICIES[Kind.SFTP].connect_seconds
        key = _in_words(fetch(), place, opened, seconds)
    if key is None:
        raise DeliveryProblem(f"{host} showed no key")
    return key.export_public_key().decode().strip()


def fingerprint(host_key: str) -> str:
    """ "SHA256:…", as ssh and a server's operator write it. Errors: ValueError for what is no key."""
    try:
        return asyncssh.import_public_key(host_key).get_fingerprint()
    except asyncssh.KeyImportError as error:
        raise ValueError("this is no public key") from error


def read_private_key(text: str) -> SSHKey:
    """Errors: DeliveryProblem for what is no private key, and for one behind a passphrase."""
    try:
        return asyncssh.import_private_key(text)
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, ValueError) as error:
        locked = "passphrase" in str(error).lower()
        raise DeliveryProblem(
            "The private key has a passphrase; give one without, which Cadence encrypts itself"
            if locked
            else "That is no private key that can be read",
            lasting=True,
        ) from error


async def _write(client: SFTPClient, path: str, content: Iterable[bytes]) -> None:
    async with client.open(path, "wb", encoding=None) as file:
        for piece in content:
            await file.write(piece)


async def _rename(client: SFTPClient, part: str, path: str) -> None:
    """Takes the place of a file of the same name in one step, where the server knows how; a plain rename
    refuses to, and the old file has to go first."""
    try:
        await client.posix_rename(part, path)
    except asyncssh.SFTPOpUnsupported:
        with suppress(*_MISSING):
            await client.remove(path)
        await client.rename(part, path)


async def _check_size(client: SFTPClient, path: str, size: int) -> None:
    found = (await client.stat(path)).size
    if found != size:
        raise DeliveryProblem(f"The file arrived with {found} bytes of {size}")


def _in_words(work: Coroutine[Any, Any, T], place: SftpPlace, opened: CountedSocket, seconds: float) -> T:
    """Does the work. Errors: DeliveryProblem, whatever went wrong on the way to the server and on it."""
    host = place.host

    async def in_time() -> T:
        # Who is told to stop closes files and says goodbye first, and would wait for the answers.
        asyncio.get_running_loop().call_later(seconds, opened.cut)
        timeout = asyncio.timeout(seconds)
        try:
            async with timeout:
                return await work
        except Exception as error:
            if timeout.expired():
                raise TimeoutError from error
            raise

    try:
        return asyncio.run(in_time())
    except asyncssh.HostKeyNotVerifiable as error:
        raise DeliveryProblem(
            f"The key of {host} is not the one that was confirmed, so nothing was sent there", lasting=True
        ) from error
    except asyncssh.PermissionDenied as error:
        raise DeliveryProblem(f"{host} refused the sign-in of {place.user}", lasting=True) from error
    except _ROOM as error:
        raise DeliveryProblem("There is no room left for the file") from error
    except asyncssh.SFTPPermissionDenied as error:
        raise DeliveryProblem(f"{place.user} may not write in that folder", lasting=True) from error
    except _MISSING as error:
        raise DeliveryProblem("The file or its folder is gone", lasting=True) from error
    except (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection, asyncssh.ConnectionLost) as error:
        raise DeliveryProblem(f"The connection to {host} broke off") from error
    except asyncssh.SFTPFailure as error:
        # The only word that most servers have for a full disk.
        text = f"The server could not write the file ({error.reason}); often there is no room left"
        raise DeliveryProblem(text) from error
    except asyncssh.SFTPError as error:
        raise DeliveryProblem(f"The server could not write the file ({error.reason})") from error
    except asyncssh.DisconnectError as error:
        raise DeliveryProblem(f"{host} ended the connection ({error.reason})") from error
    except TooMuch as error:
        raise DeliveryProblem(said_of(Failure.SIZE, host, place.port)) from error
    except TimeoutError as error:
        raise DeliveryProblem(f"{host} did not answer on port {place.port}") from error
    except OSError as error:
        raise DeliveryProblem(f"{host} can't be reached on port {place.port}") from error
