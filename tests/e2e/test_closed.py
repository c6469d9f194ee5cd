"""A fresh machine that becomes a public site: what is open on the one and closed on the other, and whose
files those are."""

from __future__ import annotations

import os
import re
import stat
import time
from pathlib import Path

import httpx
import psutil
import redis

from cadence_app import embedded
from tests.e2e.conftest import PASSWORD, Site, scratch_folder

HOST = "desk.college.example"
ADMIN = "admin@lakeside.example"


def _sign_in(client: httpx.Client) -> int:
    found = re.search(r'name="csrf-token" content="([^"]+)', client.get("/login").text)
    assert found
    form = {"csrf_token": found[1], "email": ADMIN, "password": PASSWORD}
    return client.post("/login", data=form).status_code


def _export(client: httpx.Client) -> None:
    page = client.get("/reports/exports/opt-out-history")
    form = dict(re.findall(r'<input[^>]* name="(start_date|end_date)"[^>]* value="([^"]+)"', page.text))
    token = re.search(r'name="csrf-token" content="([^"]+)', page.text)
    assert token
    answer = client.post(
        "/reports/exports/opt-out-history", data={**form, "csrf_token": token[1], "submit": "1"}
    )
    assert answer.status_code in (200, 302), answer.text
    until = time.monotonic() + 60
    while "Sent" not in client.get("/reports/exports/opt-out-history").text:
        assert time.monotonic() < until
        time.sleep(0.2)


def _older_installation(folder: Path) -> None:
    """What an older Cadence left behind, open to everybody."""
    (folder / "files" / "exports" / "1").mkdir(parents=True)
    (folder / "files" / "exports" / "1" / "old.csv").write_text("FirstName\n")
    (folder / "logs").mkdir()
    (folder / "logs" / "web.log").write_text("old\n")
    for name, folders, files in os.walk(folder):
        for each in (*folders, *files):
            (Path(name) / each).chmod(0o777)


def _open_to_others(folder: Path) -> list[str]:
    """Every file, folder and socket that can be reached, with a right for the group or for others."""
    found = []
    for name, folders, files in os.walk(folder):
        for path in [Path(name), *(Path(name) / file for file in (*files, *folders))]:
            mode = path.lstat().st_mode
            # As root PostgreSQL runs as a user of its own, who passes through the folder above it.
            passing = 0o011 if path == folder and os.geteuid() == 0 else 0
            if mode & 0o077 & ~passing and not stat.S_ISLNK(mode):
                found.append(f"{path} {stat.filemode(mode)}")
    return found


def _umasks(folder: Path) -> dict[str, str]:
    """The umask of each program that runs from a data folder (proc(5), status)."""
    found = {}
    for process in psutil.process_iter():
        try:
            own = process.environ().get("CADENCE_DATA_DIR") == str(folder) and process.pid != os.getpid()
            if own or str(folder) in " ".join(process.cmdline()):
                lines = Path(f"/proc/{process.pid}/status").read_text()
                umask = re.search(r"^Umask:\s*(\d+)", lines, re.MULTILINE)
                found[f"{process.pid} {' '.join(process.cmdline())}"] = umask[1] if umask else ""
        except (psutil.Error, FileNotFoundError):
            continue
    return found


def test_a_fresh_machine_shows_the_demo_and_a_public_site_nothing_of_it() -> None:
    with scratch_folder("cadence-closed-") as folder:
        _older_installation(folder)
        site = Site(folder)
        printed = site.start()
        try:
            assert f"{ADMIN:<24} password {PASSWORD}" in printed
            assert f"{site.url}/dev/phone/" in printed
            assert f"{site.url}/dev/mail/" in printed
            with httpx.Client(base_url=site.url, timeout=30) as client:
                for path in ("/dev/phone/", "/dev/mail/"):
                    assert client.get(path).status_code == 200
                    assert client.get(path, headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 404
                    assert client.get(path, headers={"Host": HOST}).status_code == 400
                assert _sign_in(client) == 302
                _export(client)
                assert "opt-out-history" in client.get("/dev/mail/").text.lower().replace(" ", "-")
            dumped = redis.Redis(unix_socket_path=str(embedded.redis_socket(folder)))
            dumped.save()
            assert list((folder / "redis").rglob("*.rdb"))
            assert list((folder / "files" / "exports").rglob("*.csv"))
            assert list((folder / "mail" / "new").iterdir())
            assert _open_to_others(folder) == []
            umasks = _umasks(folder)
            assert len(umasks) > 12
            assert {program: umask for program, umask in umasks.items() if umask != "0077"} == {}
        finally:
            assert site.stop() == 0
        site.settings = {"CADENCE_PUBLIC_URL": f"https://{HOST}"}
        printed = site.start()
        try:
            assert f"Cadence is ready: https://{HOST}" in printed
            assert PASSWORD not in printed
            assert "/dev/" not in printed
            headers = {"Host": HOST, "Referer": f"https://{HOST}/login"}
            with httpx.Client(base_url=site.url, timeout=30, headers=headers) as client:
                for path in ("/dev/phone/", "/dev/mail/"):
                    assert client.get(path).status_code == 404
                    assert client.get(path, headers={"Host": "127.0.0.1"}).status_code == 400
                page = client.get("/login")
                assert PASSWORD not in page.text
                cookie = page.headers["Set-Cookie"]
                assert cookie.startswith("__Host-session=")
                # Its proxy ends https; the client here would not send the cookie back over plain http.
                client.headers["Cookie"] = cookie.partition(";")[0]
                assert _sign_in(client) == 422
            assert _open_to_others(folder) == []
        finally:
            assert site.stop() == 0
