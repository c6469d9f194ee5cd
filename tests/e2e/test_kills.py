"""What is killed comes back, and nothing that was asked for is lost."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator

import psutil
import pytest
from playwright.sync_api import Browser

from tests import sizes
from tests.conftest import ROOT
from tests.e2e.conftest import PASSWORD, Site, scratch_folder

ADMIN = "admin@lakeside.example"
REPORT = "/reports/exports/opt-out-history"


@pytest.fixture(scope="module")
def rough() -> Iterator[Site]:
    """A Cadence that is treated badly."""
    with scratch_folder("cadence-kills-") as folder:
        site = Site(folder)
        site.start()
        yield site
        assert site.stop() == 0


@pytest.fixture(scope="module")
def admin(browser: Browser, rough: Site) -> Visitor:
    """Signed in once: the session outlives every kill, and sign-ins are limited."""
    return Visitor(browser, rough)


class Visitor:
    """An admin whose browser only fetches pages and posts forms."""

    def __init__(self, browser: Browser, site: Site) -> None:
        self.requests = browser.new_context(base_url=site.url).request
        self.post("/login", {"email": ADMIN, "password": PASSWORD}, "/login")

    def get(self, path: str) -> str:
        answer = self.requests.get(path)
        assert answer.ok, f"{path}: {answer.status}"
        return answer.text()

    def post(self, path: str, form: dict[str, str], page: str) -> str:
        token = re.search(r'name="csrf-token" content="([^"]+)', self.get(page))
        assert token
        answer = self.requests.post(path, form={"csrf_token": token[1], **form})
        assert answer.ok, f"{path}: {answer.status}"
        return answer.text()

    def request_export(self, start: str, end: str) -> str:
        return self.post(REPORT, {"start_date": start, "end_date": end}, REPORT)

    def states(self) -> list[str]:
        """The states of the requests, the newest first."""
        return re.findall(r'class="tag tag-\w+">.*?</svg>([^<]+)</span>', self.get("/exports/list"))


def _programs(site: Site, *words: str) -> list[psutil.Process]:
    """The processes of this Cadence whose command line has all of the words."""
    assert site.server
    (supervisor,) = psutil.Process(site.server.pid).children()
    return [
        process
        for process in supervisor.children(recursive=True)
        if all(word in _command_line(process) for word in words)
    ]


def _command_line(process: psutil.Process) -> str:
    """Empty for one that has just ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def _alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [process for process in processes if _command_line(process)]


def _kill(site: Site, *words: str) -> None:
    killed = _programs(site, *words)
    assert killed, f"nothing runs {words}"
    for process in killed:
        process.kill()


def _until(what: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.2)


def _answers(site: Site) -> bool:
    try:
        with urllib.request.urlopen(f"{site.url}/healthz", timeout=5) as answer:
            return bool(json.load(answer) == {"database": "ok", "redis": "ok"})
    except OSError:
        return False


def _mails(site: Site) -> int:
    return len(list((site.data_dir / "mail" / "new").glob("*")))


# What their command lines have; a worker's is its title.
_KILLS = {
    "the mail worker": ("rq:worker:mail",),
    # Those of texts, of campaigns and the two of webhooks among them.
    "every worker": ("rq:worker",),
    "the scheduler": ("cadence: scheduler",),
    "the parent of them all": ("cadence_app.workers",),
    "Redis": ("valkey-server",),
    "the mail catcher": ("aiosmtpd",),
    "the web server": ("gunicorn",),
    "PostgreSQL's program": ("embedded.py", "postgres"),
}


# Those whose end takes most with it; the next tests kill Redis and PostgreSQL itself.
_USUAL = ("every worker", "the web server", "PostgreSQL's program")


@pytest.mark.parametrize("name", sizes.few_of(_KILLS, map(list(_KILLS).index, _USUAL)))
def test_an_export_asked_for_just_before_a_part_is_killed_arrives_once(
    name: str, rough: Site, admin: Visitor
) -> None:
    before = _mails(rough)
    day = 1 + list(_KILLS).index(name)
    answer = admin.request_export(f"2026-01-{day:02}", "2026-10-31")
    assert "Export requested" in answer
    running = _tops(rough)
    _kill(rough, *_KILLS[name])
    _until(lambda: _answers(rough) and _tops(rough) >= running)
    _until(lambda: _mails(rough) > before)
    _until(lambda: admin.states()[0] == "Sent")
    assert _mails(rough) == before + 1


def _tops(site: Site) -> Counter[str]:
    """How many processes of each sort run, without those that come and go with a job."""
    sorts = ("gunicorn", "cadence_app.workers", "cadence: ", "valkey-server", "aiosmtpd", "embedded.py")
    lines = [_command_line(process) for process in _programs(site)]
    found = Counter(sort for sort in sorts for line in lines if sort in line)
    found.update(re.findall(r"rq:worker:([a-z-]+)-[0-9a-f]{12}: Listening", " ".join(lines)))
    return found


def test_a_request_made_as_redis_goes_away_is_kept_and_answered(rough: Site, admin: Visitor) -> None:
    before = _mails(rough)
    (redis,) = _programs(rough, "valkey-server")
    redis.kill()
    answer = admin.request_export("2026-02-01", "2026-10-30")
    # Redis is back within a second: the request finds it gone, or back already.
    assert "The request is saved" in answer or "Export requested" in answer
    _until(lambda: _mails(rough) == before + 1)


def test_the_database_killed_outright_comes_back_with_its_data(rough: Site, admin: Visitor) -> None:
    before = admin.states()
    pid = int((rough.data_dir / "postgres" / "postmaster.pid").read_text().split()[0])
    psutil.Process(pid).kill()
    _until(lambda: _answers(rough))
    # A page that asks the database fails until it is back, which takes longer on a busy machine.
    _until(lambda: admin.requests.get("/exports/list").ok)
    assert admin.states() == before


def test_a_killed_supervisor_leaves_nothing_running_and_the_next_start_finds_all(
    rough: Site, admin: Visitor
) -> None:
    before = admin.states()
    running = _programs(rough)
    assert rough.server
    psutil.Process(int((rough.data_dir / "supervisord.pid").read_text())).kill()
    assert rough.server.wait(60) == 1
    assert _alive(running) == []
    rough.start()
    assert admin.states() == before


def test_what_a_start_finds_left_over_from_a_killed_one_it_stops(rough: Site, admin: Visitor) -> None:
    running = _programs(rough)
    assert rough.server
    supervisor = psutil.Process(int((rough.data_dir / "supervisord.pid").read_text()))
    rough.server.kill()
    supervisor.kill()
    rough.server.wait()
    assert "is ready" in rough.start()
    assert _alive(running) == []


def test_a_second_start_in_the_same_folder_says_who_has_it(rough: Site) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "cadence_app.supervisor"],
        cwd=ROOT,
        env=rough.environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert second.returncode == 1
    assert f"Cadence runs from {rough.data_dir} already" in second.stderr


def test_a_command_stops_the_database_it_started_even_after_a_kill() -> None:
    with scratch_folder("cadence-command-") as folder:
        site = Site(folder)
        site.flask("db", "upgrade")
        holders = folder / "postgres" / ".handle_pids.json"
        holders.write_text("[999999999]")
        site.flask("cadence", "tenant", "Small College", "--second-factor", "optional")
        assert not (folder / "postgres" / "postmaster.pid").exists()
