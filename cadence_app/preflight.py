"""What must be right before Cadence starts; each failure is one clear line."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import psutil
import psycopg
import redis

MIN_POSTGRES = 15
MIN_REDIS = 5
_SECONDS = 5


class NotReady(Exception):
    """Why Cadence can't start, for the person who started it."""


def check_port(host: str, text: str) -> int:
    """The port to listen on. Errors: NotReady."""
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise NotReady(f"PORT is {text!r}; it must be a number from 1 to 65535.")
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, int(text)))
        except OSError as error:
            raise NotReady(
                f"Port {text} on {host} can't be used ({error.strerror}); choose another by PORT."
            ) from error
    return int(text)


def check_folder(folder: Path) -> None:
    """Errors: NotReady for a folder that can't be made or written, or that another Cadence uses."""
    probe = folder / ".writable"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise NotReady(f"The data folder {folder} can't be written ({error.strerror}).") from error
    pid_file = folder / "supervisord.pid"
    pid = pid_file.read_text().strip() if pid_file.exists() else ""
    if pid.isdecimal() and psutil.pid_exists(int(pid)):
        command = " ".join(psutil.Process(int(pid)).cmdline())
        if str(folder / "supervisord.conf") in command:
            raise NotReady(f"Cadence runs from {folder} already (process {pid}).")


def check_servers() -> None:
    """Errors: NotReady for a server named in the environment that is out of reach or too old."""
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL"):
        if url := os.environ.get(name):
            _check_postgres(name, url)
    if url := os.environ.get("REDIS_URL"):
        _check_redis(url)
    if host := os.environ.get("MAIL_SERVER"):
        port = int(os.environ.get("MAIL_PORT", "25"))
        try:
            socket.create_connection((host, port), timeout=_SECONDS).close()
        except OSError as error:
            raise NotReady(f"MAIL_SERVER {host}, port {port}, is out of reach ({error}).") from error


def _check_postgres(name: str, url: str) -> None:
    scheme, _, rest = url.partition("://")
    if scheme.partition("+")[0] not in {"postgres", "postgresql"}:
        raise NotReady(f"{name} must begin with postgresql://")
    try:
        with psycopg.connect(f"postgresql://{rest}", connect_timeout=_SECONDS) as connection:
            version = connection.info.server_version // 10000
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[-1]
        raise NotReady(f"{name} is out of reach: {reason}") from error
    if version < MIN_POSTGRES:
        raise NotReady(f"{name} is PostgreSQL {version}; Cadence needs {MIN_POSTGRES} or newer.")


def _check_redis(url: str) -> None:
    try:
        client = redis.Redis.from_url(url, socket_connect_timeout=_SECONDS)
        version = str(client.info("server")["redis_version"])
    except (redis.RedisError, ValueError) as error:
        raise NotReady(f"REDIS_URL is out of reach: {error}") from error
    if int(version.partition(".")[0]) < MIN_REDIS:
        raise NotReady(f"REDIS_URL is Redis {version}; Cadence needs {MIN_REDIS} or newer.")
