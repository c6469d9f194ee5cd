"""Runs all of Cadence under supervisord: what `script/server` starts.

PostgreSQL is started here first, because migrations come before everything else; its program then takes it
over. supervisord brings back whatever dies.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from urllib.error import URLError
from urllib.parse import unquote, urlsplit

from flask_migrate import upgrade
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

import config
from cadence_app import create_app, embedded, owner_only, public_site
from cadence_app.accounts.demo_sign_ins import SIGN_INS
from cadence_app.accounts.models import Tenant
from cadence_app.contacts.mending import due, read_all_again
from cadence_app.database_roles import WrongLogin
from cadence_app.demo import load_demo
from cadence_app.embedded import Engine
from cadence_app.extensions import db
from cadence_app.files import KINDS_OF_FILES
from cadence_app.number_key import WrongKey
from cadence_app.preflight import NotReady, check_folder, check_port, check_servers, stop_left_over
from cadence_app.tenancy import set_tenant

ROOT = Path(__file__).resolve().parent.parent
_START_SECONDS = 120


@dataclass(frozen=True)
class Program:
    """One child of supervisord. Lower priorities start first and stop last."""

    name: str
    arguments: list[str]
    priority: int
    stop_seconds: int = 15


@dataclass
class Installation:
    """What is to run: where, with which environment, and which engines Cadence brings itself."""

    data_dir: Path
    host: str
    port: int
    brought: frozenset[Engine]
    environment: dict[str, str] = field(default_factory=dict)
    # Whether development mode, on or off, is what somebody asked for.
    chosen_mode: bool = False

    @property
    def brings_all(self) -> bool:
        return self.brought == frozenset(Engine)

    @property
    def bind(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def address(self) -> str:
        return f"http://{self.bind}"


def main() -> None:
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(prog="script/server", description="Run Cadence until Ctrl-C.")
    parser.add_argument(
        "--demo",
        action=argparse.BooleanOptionalAction,
        help="load demo data into an empty database and be in development mode, or don't; without either, "
        "that is so where nothing is set that is for others",
    )
    options = parser.parse_args()
    owner_only.close_umask()
    # Told to stop while it prepares: it ends as after Ctrl-C, and stops the PostgreSQL that it started.
    for signum in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.default_int_handler)
    try:
        installation = _prepare()
        _choose_mode(installation, options.demo)
        demo = _migrate(installation, options.demo)
        status = _run(installation, demo)
    except NotReady as reason:
        sys.exit(str(reason))
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(status)


def _prepare() -> Installation:
    data_dir = Path(os.environ.get("CADENCE_DATA_DIR", "instance")).resolve()
    host = os.environ.get("HOST", "127.0.0.1")
    check_folder(data_dir)
    port = check_port(host, os.environ.get("PORT", "5000"))
    for folder in _folders(data_dir):
        for path in owner_only.narrow(folder):
            print(f"Others on this machine may use {path}, and that can't be changed here.", flush=True)
    installation = Installation(data_dir, host, port, check_servers())
    os.environ |= {"CADENCE_DATA_DIR": str(data_dir), "PORT": str(port)}
    if Engine.MAIL in installation.brought:
        os.environ["MAIL_PORT"] = str(_free_port())
    return installation


def _folders(data_dir: Path) -> list[Path]:
    """Where Cadence keeps files on this machine: its own folder, and what it has put in a given one."""
    given = urlsplit(os.environ.get("FILES_URL", ""))
    elsewhere = Path(unquote(given.path)) if given.scheme == "file" else None
    return [data_dir, *(elsewhere / name for name in KINDS_OF_FILES if elsewhere)]


def _choose_mode(installation: Installation, demo_wanted: bool | None) -> None:
    """Development mode is what CADENCE_DEVELOPMENT or --demo says; without a word it is that of a machine
    where nothing is set that is for others. Errors: NotReady."""
    try:
        wanted, why = config.development_wanted(), public_site.reachable(config.site(None))
    except ValueError as error:
        raise NotReady(str(error)) from error
    if demo_wanted and wanted is False:
        why = "CADENCE_DEVELOPMENT is off"
    if demo_wanted and why:
        raise NotReady(
            f"--demo brings passwords that everybody knows, so it is for this machine alone; but {why}."
        )
    installation.chosen_mode = wanted is not None or demo_wanted is not None
    if wanted is None:
        wanted = demo_wanted if demo_wanted is not None else installation.brings_all and not why
    os.environ["CADENCE_DEVELOPMENT"] = str(int(wanted))


def _migrate(installation: Installation, demo_wanted: bool | None) -> bool:
    """Brings the database up to date, and fills it where that is wanted. Whether it is the demo's."""
    try:
        settings = config.load()
    except ValueError as error:
        raise NotReady(str(error)) from error
    app = create_app(settings)
    try:
        with app.app_context():
            upgrade(directory=str(ROOT / "migrations"))
            with db.engine.begin() as connection:
                # Of no tenant: it is the key of stopped numbers that is looked at.
                set_tenant(connection, 0)
            if due() is not None:
                print("Reading the stored numbers again (once) ...", flush=True)
                read_all_again()
            if demo_wanted is None:
                # Its users have a password that everybody knows.
                demo_wanted = Engine.POSTGRES in installation.brought and settings["DEVELOPMENT"]
            if demo_wanted and not db.session.scalar(select(Tenant.id)):
                print("Loading demo data (once) ...", flush=True)
                load_demo()
            names = set(db.session.scalars(select(Tenant.name)))
            db.session.remove()
            db.engine.dispose()
    except WrongKey as error:
        raise NotReady(str(error)) from error
    except DBAPIError as error:
        raise NotReady(f"The database could not be prepared: {str(error.orig).strip()}") from error
    except WrongLogin as error:
        raise NotReady(str(error)) from error
    demo = {sign_in["tenant"] for sign_in in SIGN_INS} <= names
    installation.environment = _environment(installation, settings, demo)
    return demo


def _environment(installation: Installation, settings: dict[str, object], demo: bool) -> dict[str, str]:
    """What the programs get: the servers by address, so that none of them starts an engine of its own. The
    tables' owner is none of their business."""
    # Somebody's own data: pages without a sign-in are for who asks for them.
    development = settings["DEVELOPMENT"] and (demo or installation.chosen_mode)
    switches = {
        "CADENCE_DEVELOPMENT": development,
        "CADENCE_DEV_TOOLS": development and settings["DEV_TOOLS"],
        "CADENCE_DEV_MAILBOX": development and settings["DEV_MAILBOX"],
        "CADENCE_DEMO_SIGN_INS": development and demo and installation.brings_all,
    }
    given = {name: str(int(bool(on))) for name, on in switches.items()} | {
        "FLASK_APP": "wsgi:app",
        "DATABASE_URL": _plain(settings["SQLALCHEMY_DATABASE_URI"]),
        "REDIS_URL": str(settings["RQ_CONNECTION"]),
        "MAIL_SERVER": str(settings["MAIL_SERVER"]),
        "MAIL_PORT": str(settings["MAIL_PORT"]),
        # Titles of processes leave the environment as it is: stop_left_over() knows ours by it.
        "SPT_NOENV": "1",
    }
    inherited = {name: value for name, value in os.environ.items() if name != "DATABASE_OWNER_URL"}
    return inherited | given


def _plain(url: object) -> str:
    return str(url).replace("postgresql+psycopg://", "postgresql://", 1)


def _programs(installation: Installation) -> list[Program]:
    python = sys.executable
    gunicorn = [python, "-m", "gunicorn", "wsgi:app", "--bind", installation.bind, "--preload"]
    # Its control socket has one path for all copies of Cadence.
    gunicorn += ["--no-control-socket", "--worker-class", "gthread", "--workers", "2", "--threads", "8"]
    programs = [
        Program("web", [*gunicorn, "--graceful-timeout", "10"], 20),
        Program("workers", [python, "-W", "ignore", "-m", "cadence_app.workers"], 20, stop_seconds=40),
    ]
    engines = [engine for engine in Engine if engine in installation.brought]
    return programs + [Program(name, embedded.command(name), 10, stop_seconds=30) for name in engines]


def _write_conf(installation: Installation) -> Path:
    """The conf names files relative to the data folder, where supervisord runs: of a percent sign in a path
    it makes a format string, twice."""
    (installation.data_dir / "logs").mkdir(exist_ok=True)
    lines = ["[supervisord]", "nodaemon=true", "silent=true", "loglevel=warn"]
    lines.append(f"umask={owner_only.UMASK:03o}")
    lines += ["logfile=logs/supervisor.log", "pidfile=supervisord.pid"]
    if os.geteuid() == 0:
        lines.append("user=root")
    for program in _programs(installation):
        command = " ".join(f'"{_escaped(argument)}"' for argument in program.arguments)
        lines += ["", f"[program:{program.name}]", f"command={command}", f"directory={_escaped(ROOT)}"]
        lines += [f"priority={program.priority}", "autorestart=true", "startretries=1000000", "startsecs=1"]
        lines += [f"stopwaitsecs={program.stop_seconds}", "killasgroup=true", "redirect_stderr=true"]
        lines += [f"stdout_logfile=logs/{program.name}.log", "stdout_logfile_maxbytes=10MB"]
        lines += ["stdout_logfile_backups=3"]
    path = installation.data_dir / "supervisord.conf"
    path.write_text("\n".join(lines) + "\n")
    return path


def _escaped(value: object) -> str:
    return str(value).replace("%", "%%")


def _run(installation: Installation, demo: bool) -> int:
    conf = _write_conf(installation)
    command = [sys.executable, "-W", "ignore", "-m", "supervisor.supervisord", "-n", "-s", "-c", str(conf)]
    # A session of its own: Ctrl-C reaches this process only, which then stops the others in their order, and
    # whoever outlives a supervisord that was killed can be told by it.
    child = subprocess.Popen(
        command, cwd=installation.data_dir, env=installation.environment, start_new_session=True
    )
    with _stopping(child, installation.data_dir):
        if not _answers(installation, child):
            raise NotReady("\n".join(["Cadence did not start. The web log ends:", *_log_end(installation)]))
        if Engine.POSTGRES in installation.brought:
            embedded.leave_postgres(installation.data_dir)
        _welcome(installation, demo)
        status = child.wait()
    return 0 if status in (0, -signal.SIGTERM) else 1


@contextmanager
def _stopping(child: subprocess.Popen[bytes], data_dir: Path) -> Iterator[None]:
    def stop(signum: int, frame: FrameType | None) -> None:
        child.terminate()

    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, stop)
    try:
        yield
    finally:
        if child.poll() is None:
            child.terminate()
            child.wait()
        stop_left_over(child.pid, data_dir)
    print("Stopped.", flush=True)


def _answers(installation: Installation, child: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + _START_SECONDS
    # As a load balancer asks, whatever the names are that it answers to.
    health = urllib.request.Request(f"{installation.address}/healthz", headers={"Host": "127.0.0.1"})  # noqa: S310
    while time.monotonic() < deadline and child.poll() is None:
        try:
            urllib.request.urlopen(health, timeout=5).close()  # noqa: S310 - our own
        except (URLError, OSError):
            time.sleep(0.1)
        else:
            return True
    # Told to stop while starting: that is no failure.
    return child.poll() in (0, -signal.SIGTERM)


def _log_end(installation: Installation) -> list[str]:
    log = installation.data_dir / "logs" / "web.log"
    return log.read_text(errors="replace").splitlines()[-15:] if log.exists() else []


def _welcome(installation: Installation, demo: bool) -> None:
    site, given = config.site(None), installation.environment
    address = site.url if public_site.reachable(site) else installation.address
    lines = ["", f"Cadence is ready: {address}", ""]
    if demo and given["CADENCE_DEVELOPMENT"] == "1":
        lines += [f"  {s['tenant']:<20} {s['email']:<24} password {s['password']}" for s in SIGN_INS]
        lines.append("")
    if given["CADENCE_DEV_TOOLS"] == "1":
        lines.append(f"  Phone simulator      {address}/dev/phone/")
    if given["CADENCE_DEV_MAILBOX"] == "1":
        lines.append(f"  Mailbox              {address}/dev/mail/")
    lines.append(f"  Logs                 {installation.data_dir / 'logs'}")
    if given["CADENCE_DEVELOPMENT"] == "1":
        lines.append("  Development mode     for this machine alone (CADENCE_DEVELOPMENT)")
    elif not site.url.startswith("https://"):
        lines.append("  Its address          only this one is answered; CADENCE_PUBLIC_URL sets it")
    lines += ["", "Ctrl-C stops everything.", ""]
    print("\n".join(lines), flush=True)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


if __name__ == "__main__":
    main()
