"""No other module opens a connection: the source is read for it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.conftest import ROOT

_GATE = "cadence_app/outbound/"
# What can open a connection, or make something open one.
_OPENERS = {
    *("aiohttp", "asyncssh", "boto3", "botocore", "ftplib", "http.client", "httpcore", "httpx", "imaplib"),
    *("obstore", "paramiko", "poplib", "pycurl", "requests", "smtplib", "socket", "socketserver", "ssl"),
    *("telnetlib", "twilio", "urllib.request", "urllib3", "websocket", "websockets", "xmlrpc"),
}
_CALLS = {
    *("create_connection", "open_connection", "getaddrinfo", "gethostbyname", "urlopen"),
    # Of the drivers for PostgreSQL and Redis, whose errors and types many a module knows.
    *("psycopg.connect", "create_engine", "from_url", "ConnectionPool", "Redis", "StrictRedis"),
}
# Who else has one of them, and why.
_KNOWN = {
    # Which port is free? Does our own page answer? And Redis, as own_servers.py says.
    "cadence_app/preflight.py": {"socket", "getaddrinfo", "from_url"},
    "cadence_app/supervisor.py": {"socket", "urllib.request", "urlopen"},
    "cadence_app/redis_waits.py": {"from_url"},
    # The migrations' engine, which is pinned.
    "migrations/env.py": {"create_engine"},
    # What to do with the store that outbound/own_storage.py opens, or with a folder; and its types.
    "cadence_app/files.py": {"obstore"},
    "cadence_app/reports/writing.py": {"obstore"},
    # These get a socket of the gate's, or speak by the narrow way; test_ways.py sees that they do.
    "cadence_app/reports/destinations/sftp.py": {"asyncssh"},
    "cadence_app/reports/destinations/s3.py": {"obstore"},
    "cadence_app/mails/smtp.py": {"smtplib", "socket", "ssl"},
    # Errors to catch.
    "cadence_app/reports/mailing.py": {"smtplib"},
}


_MENTIONED = re.compile("|".join(rf"\b{re.escape(each.partition('.')[0])}\b" for each in _OPENERS | _CALLS))


def _opens(path: Path) -> set[str]:
    """The modules of _OPENERS and the calls of _CALLS in a file."""
    found: set[str] = set()
    text = path.read_text()
    # Reading a file as Python takes longer than looking whether it has any of the words.
    for node in ast.walk(ast.parse(text)) if _MENTIONED.search(text) else ():
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            whose = getattr(getattr(node.func, "value", None), "id", "")
            found |= {called, f"{whose}.{called}"} & _CALLS
        found |= {each for each in _OPENERS for name in names if name == each or name.startswith(f"{each}.")}
    return found


def test_connections_are_opened_at_the_gate_and_nowhere_else() -> None:
    files = [
        *ROOT.glob("cadence_app/**/*.py"),
        ROOT / "config.py",
        ROOT / "wsgi.py",
        ROOT / "gunicorn.conf.py",
    ]
    files += ROOT.glob("migrations/**/*.py")
    assert len(files) > 300
    opening = {}
    for path in files:
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith(_GATE) and (opens := _opens(path)):
            opening[name] = opens
    assert opening == _KNOWN


def test_who_speaks_ssh_does_so_over_a_socket_of_the_gate() -> None:
    path = ROOT / "cadence_app/reports/destinations/sftp.py"
    calls = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("connect", "get_server_host_key")
        and getattr(node.func.value, "id", "") == "asyncssh"
    ]
    assert len(calls) == 2
    for call in calls:
        assert call.args == []
        assert "sock" in {keyword.arg for keyword in call.keywords}


def test_who_opens_a_connection_of_a_driver_has_it_go_by_the_gate() -> None:
    for name in ("cadence_app/preflight.py", "cadence_app/redis_waits.py"):
        calls = re.findall(r"super\(\)\.from_url\(.*\)|Redis\.from_url\(.*\)", (ROOT / name).read_text())
        assert calls
        assert all("redis_options(url)" in call for call in calls)
    assert 'event.listen(engine, "do_connect", pin)' in (ROOT / "migrations/env.py").read_text()


def test_nobody_turns_the_verification_of_certificates_off_but_by_the_setting_for_mail() -> None:
    off = ("CERT_NONE", "_create_unverified_context", "check_hostname", "verify=False", "allow_invalid")
    found = {
        path.relative_to(ROOT).as_posix()
        for path in ROOT.glob("cadence_app/**/*.py")
        for each in off
        if each in path.read_text()
    }
    assert found == {"cadence_app/mails/smtp.py"}
