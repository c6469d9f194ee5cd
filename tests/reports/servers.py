"""An SFTP server that behaves as a test tells it to, and S3 storage (rclone's), each on a port of its own."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any

import asyncssh

from tests.conftest import free_port, wait_for_port

USER, PASSWORD = "cadence", "sesame open"
KEY_ID, SECRET_KEY = "cadence-key", "cadence-secret"


@dataclass
class SftpHost:
    """Its files are in `folder`. `drop_after` bytes of a connection it hangs up; `full` it has no room;
    `plain_rename` it knows no rename that replaces. `seen` are the names that were ever opened to write."""

    folder: Path
    port: int = 0
    key: asyncssh.SSHKey = field(default_factory=lambda: asyncssh.generate_private_key("ssh-ed25519"))
    user_key: asyncssh.SSHKey = field(default_factory=lambda: asyncssh.generate_private_key("ssh-ed25519"))
    drop_after: int | None = None
    full: bool = False
    plain_rename: bool = False
    seen: list[str] = field(default_factory=list)

    @property
    def host_key(self) -> str:
        return self.key.export_public_key().decode().strip()

    def names(self) -> list[str]:
        return sorted(path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*.*"))


def _files_of(host: SftpHost) -> type[asyncssh.SFTPServer]:
    class Files(asyncssh.SFTPServer):
        def __init__(self, channel: asyncssh.SSHServerChannel[bytes]) -> None:
            super().__init__(channel, chroot=str(host.folder).encode())
            self.written = 0

        def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
            if pflags & asyncssh.FXF_WRITE:
                host.seen.append(path.decode().rpartition("/")[2])
            return super().open(path, pflags, attrs)

        def write(self, file_obj: object, offset: int, data: bytes) -> int | Awaitable[int]:
            self.written += len(data)
            if host.full:
                raise asyncssh.SFTPNoSpaceOnFilesystem("full")
            if host.drop_after is not None and self.written > host.drop_after:
                self.channel.get_connection().abort()
            return super().write(file_obj, offset, data)

        def posix_rename(self, old: bytes, new: bytes) -> None:
            if host.plain_rename:
                raise asyncssh.SFTPOpUnsupported("unknown")
            super().posix_rename(old, new)

    return Files


def _door_of(host: SftpHost) -> type[asyncssh.SSHServer]:
    class Door(asyncssh.SSHServer):
        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, password: str) -> bool:
            return (username, password) == (USER, PASSWORD)

        def public_key_auth_supported(self) -> bool:
            return True

        def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
            return username == USER and key.public_data == host.user_key.public_data

    return Door


@contextmanager
def sftp_serving(host: SftpHost) -> Iterator[SftpHost]:
    """Serves in a thread; on the same port as before where it had one."""
    ready, loop = Event(), asyncio.new_event_loop()
    held: dict[str, Any] = {}

    async def listen() -> None:
        held["server"] = await asyncssh.listen(
            "127.0.0.1",
            host.port,
            server_factory=_door_of(host),
            server_host_keys=[host.key],
            sftp_factory=_files_of(host),
            login_timeout=10,
        )
        host.port = held["server"].get_port()
        ready.set()

    async def close() -> None:
        held["server"].close()
        await held["server"].wait_closed()

    def serve() -> None:
        asyncio.set_event_loop(loop)
        loop.create_task(listen())
        loop.run_forever()

    thread = Thread(target=serve, daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield host
    finally:
        asyncio.run_coroutine_threadsafe(close(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


@contextmanager
def s3_serving(folder: Path, certificate: Path | None = None) -> Iterator[str]:
    """S3 storage whose buckets are the folders in `folder`; its address. It sees what comes through it alone,
    for it keeps in mind what is there (told to forget at once, rclone ends in a deadlock). `certificate` is a
    file that has the key too; with it, it speaks TLS alone."""
    port = free_port()
    rclone = Path(sys.executable).parent / "rclone"
    program = subprocess.Popen(
        [
            *(str(rclone), "serve", "s3", str(folder), "--config", "", "--addr", f"127.0.0.1:{port}"),
            *("--auth-key", f"{KEY_ID},{SECRET_KEY}", "--vfs-cache-mode", "off"),
            *(("--cert", str(certificate), "--key", str(certificate)) if certificate else ()),
        ],
        stderr=subprocess.DEVNULL,
    )
    wait_for_port(port)
    try:
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{port}"
    finally:
        program.terminate()
        program.wait(10)
