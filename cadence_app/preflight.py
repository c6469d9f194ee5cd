"""What must be right before Cadence starts; each failure is one clear line."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from pathlib import Path

import psutil
import psycopg
import redis

from cadence_app import embedded
from cadence_app.database_roles import ADVICE, WrongLogin, check_login
from cadence_app.outbound import gate
from cadence_app.outbound.gate import NotConnected, Refused
from cadence_app.outbound.own_servers import database_connection, redis_options
from cadence_app.outbound.own_storage import bucket_of
from cadence_app.outbound.policy import Kind

MIN_POSTGRES = 15
MIN_REDIS = 5
_SECONDS = 5
_STOP_SECONDS = 20


class NotReady(Exception):
    """Why Cadence can't start, for the person who started it."""


def check_port(host: str, text: str) -> int:
    """The port to listen on. Errors: NotReady."""
    port = _port("PORT", text)
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise NotReady(f"HOST is {host!r}, which is no address of this machine.") from error
    with socket.socket(family, kind, protocol) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
        except OSError as error:
            raise NotReady(
                f"Port {port} on {host} can't be used ({error.strerror}); choose another by PORT."
            ) from error
    return port


def _port(name: str, text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise NotReady(f"{name} is {text!r}; it must be a number from 1 to 65535.")
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
    if pid := supervisor_of(folder):
        if str(folder / "supervisord.conf") in _command_of(pid):
            raise NotReady(f"Cadence runs from {folder} already (process {pid}; `kill {pid}` stops it).")
        stop_left_over(pid, folder)


def supervisor_of(folder: Path) -> int | None:
    """The process id of the supervisord that ran from a data folder last, dead or alive."""
    pid_file = folder / "supervisord.pid"
    pid = pid_file.read_text().strip() if pid_file.exists() else ""
    return int(pid) if pid.isdecimal() else None


def _command_of(pid: int) -> list[str]:
    """A running process's command line; empty for one that has ended."""
    try:
        return psutil.Process(pid).cmdline()
    except psutil.NoSuchProcess:
        return []


def stop_left_over(supervisor: int, folder: Path) -> None:
    """Stops what a supervisord that was killed left running for a data folder: its session's processes. Each
    gets the time to end what it is doing; PostgreSQL's program stops the server."""
    left = [process for process in psutil.process_iter() if _left_over(process, supervisor, folder)]
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    _, stuck = psutil.wait_procs(left, timeout=_STOP_SECONDS)
    for process in stuck:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def _left_over(process: psutil.Process, supervisor: int, folder: Path) -> bool:
    # After a restart of the machine the session's number may be somebody else's: ours know the folder too.
    try:
        if os.getsid(process.pid) != supervisor:
            return False
        named = f"unixsocket:{embedded.redis_socket(folder)}"
        return process.environ().get("CADENCE_DATA_DIR") == str(folder) or named in " ".join(
            process.cmdline()
        )
    except (ProcessLookupError, PermissionError, psutil.Error):
        return False


def check_servers() -> frozenset[embedded.Engine]:
    """The engines that Cadence brings itself. Errors: NotReady for one that is not installed, and for a
    server named in the environment that is out of reach or too old."""
    brought = embedded.brought()
    try:
        embedded.check(brought)
    except embedded.Missing as missing:
        raise NotReady(str(missing)) from missing
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL"):
        if url := os.environ.get(name):
            _check_postgres(name, url)
    if os.environ.get("DATABASE_URL") and not os.environ.get("DATABASE_OWNER_URL"):
        raise NotReady(f"DATABASE_OWNER_URL is not set. {ADVICE}")
    if url := os.environ.get("REDIS_URL"):
        _check_redis(url)
    if url := os.environ.get("FILES_URL"):
        _check_storage(url)
    if host := os.environ.get("MAIL_SERVER"):
        port = _port("MAIL_PORT", os.environ.get("MAIL_PORT", "25"))
        try:
            gate.connect(Kind.MAIL, host, port, time.monotonic() + _SECONDS).close()
        except OSError as error:
            raise NotReady(f"MAIL_SERVER {host}, port {port}, is out of reach ({error}).") from error
    return brought


def _check_postgres(name: str, url: str) -> None:
    scheme, _, rest = url.partition("://")
    if scheme.partition("+")[0] not in {"postgres", "postgresql"}:
        raise NotReady(f"{name} must begin with postgresql://")
    too_much = None
    try:
        with database_connection(f"postgresql://{rest}", connect_timeout=_SECONDS) as connection:
            version = connection.info.server_version // 10000
            if name == "DATABASE_URL":
                check_login(connection)
    except WrongLogin as wrong:
        too_much = wrong
    except psycopg.OperationalError as error:
        reason = " ".join(str(error).split())
        raise NotReady(f"{name} is out of reach: {reason}") from error
    if version < MIN_POSTGRES:
        raise NotReady(f"{name} is PostgreSQL {version}; Cadence needs {MIN_POSTGRES} or newer.")
    if too_much:
        raise NotReady(str(too_much))


def _check_redis(url: str) -> None:
    try:
        client = redis.Redis.from_url(url, **redis_options(url), socket_connect_timeout=_SECONDS)
        version = str(client.info("server")["redis_version"])
    except (redis.RedisError, ValueError) as error:
        raise NotReady(f"REDIS_URL is out of reach: {error}") from error
    if int(version.partition(".")[0]) < MIN_REDIS:
        raise NotReady(f"REDIS_URL is Redis {version}; Cadence needs {MIN_REDIS} or newer.")


def _check_storage(url: str) -> None:
    """Storage that is away for a while keeps nobody from texting, so what is looked at is where it is."""
    try:
        bucket = bucket_of(url, os.environ)
        if bucket:
            gate.find(Kind.FILES, bucket.target.host, bucket.target.port, _SECONDS)
    except ValueError as error:
        raise NotReady(str(error)) from error
    except Refused as error:
        raise NotReady(f"The storage of FILES_URL can't be used: {error}") from error
    except NotConnected:
        return
