"""What an open page that asks for news costs when there is none, against opening it: requests through the
whole app, in one process.

`python -m benchmarks.desk` writes results/desk.json and desk.md.
"""

from __future__ import annotations

import contextvars
import json
import re
import statistics
import time
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

from flask.testing import FlaskClient
from sqlalchemy import text

from benchmarks.scratch import Scratch, scratch_installation, superuser
from cadence_app.accounts import sessions
from cadence_app.accounts.models import Team, User
from cadence_app.accounts.sessions import Device
from cadence_app.accounts.sign_in_models import Method
from cadence_app.extensions import db
from cadence_app.inboxes.service import create_inbox
from cadence_app.tenancy import use_tenant

INBOXES = 10
PEOPLE = 50_000
TEXTS_EACH = 8
# The texts of the conversation that is opened.
LONG = 2_000

_PEOPLE = """
INSERT INTO contacts (tenant_id, first_name, last_name, external_id, number)
SELECT :tenant, 'First' || n, 'Last' || n % 9000, 'B' || n, '+1212' || (2000000 + n)
FROM generate_series(1000, 1000 + :people) n
"""
_CONVERSATIONS = """
INSERT INTO conversations (tenant_id, inbox_id, contact_id, last_message_at, last_message_text, unread)
SELECT :tenant, (ARRAY(SELECT id FROM inboxes))[1 + id % :inboxes], id, now() - id * interval '1 minute',
    'The last text', (id % 20 = 0)::int FROM contacts WHERE external_id LIKE 'B%'
"""
_TEXTS = """
INSERT INTO messages (tenant_id, conversation_id, inbox_id, direction, kind, body, state, detail)
SELECT tenant_id, id, inbox_id, CASE WHEN n % 2 = 0 THEN 'inbound' ELSE 'outbound' END, 'person',
    'Text number ' || n, CASE WHEN n % 2 = 0 THEN 'received' ELSE 'delivered' END, ''
FROM conversations, generate_series(1, :texts) n WHERE :only IN (0, id)
"""


def measure(scratch: Scratch, rounds: int) -> dict[str, dict[str, list[float]]]:
    """Milliseconds of opening and of asking in vain, and the one over the other, for a page with an open
    conversation and for one of the lists alone."""
    conversation_id = fill(scratch)
    client = _signed_in(scratch)
    pages = {
        "conversation": f"/messages/conversations/{conversation_id}?inbox=",
        "lists": "/messages/?inbox=",
    }
    return {what: _measure(client, page, rounds) for what, page in pages.items()}


def report(folder: Path, rounds: int) -> str:
    """Measures, writes desk.json and desk.md to the folder, and returns the latter."""
    with scratch_installation() as scratch:
        found = measure(scratch, rounds)
    results = {"conversations": PEOPLE, "texts": PEOPLE * TEXTS_EACH, "inboxes": INBOXES, **found}
    (folder / "desk.json").write_text(json.dumps(results, indent=2) + "\n")
    lines = [
        f"# An open page that asks for news: {PEOPLE:,} conversations, {PEOPLE * TEXTS_EACH:,} texts",
        "",
        f"Median (least to most) of {rounds} rounds of one run. The open conversation has {LONG:,} texts.",
        "",
        "| Page | Opening it / asking in vain | Asking in vain | Wanted |",
        "|---|---|---|---|",
    ]
    for what, one in found.items():
        ratio, asking = _spread(one["opening_to_asking"]), _spread(one["asking"])
        lines.append(f"| {what.capitalize()} | {ratio} | {asking} ms | at least 10 |")
    markdown = "\n".join(lines) + "\n"
    (folder / "desk.md").write_text(markdown)
    return markdown


def fill(scratch: Scratch) -> int:
    """Fills the tenant's desk; returns the conversation that moved last, which is a long one."""
    use_tenant(scratch.tenant_id)
    team = db.session.get_one(Team, scratch.team_id)
    for index in range(INBOXES):
        create_inbox(team, f"+1212555{200 + index:04}", f"Desk {index}")
    db.session.commit()
    engine = superuser(scratch)
    values = {"tenant": scratch.tenant_id, "inboxes": INBOXES, "people": PEOPLE}
    with engine.begin() as connection:
        for statement in (_PEOPLE, _CONVERSATIONS):
            named = {name: value for name, value in values.items() if f":{name}" in statement}
            connection.execute(text(statement), named)
        connection.execute(text(_TEXTS), {"texts": TEXTS_EACH, "only": 0})
        newest = "SELECT id FROM conversations ORDER BY last_message_at DESC LIMIT 1"
        conversation_id: int = connection.execute(text(newest)).scalar_one()
        connection.execute(text(_TEXTS), {"texts": LONG, "only": conversation_id})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    engine.dispose()
    return conversation_id


def _signed_in(scratch: Scratch) -> FlaskClient:
    client = scratch.app.test_client()
    with client.session_transaction() as cookie:
        cookie["sign_in"] = signed_in_key(scratch)
    return client


def signed_in_key(scratch: Scratch) -> str:
    """The key of a session of the tenant's user, for a cookie."""
    user = db.session.get_one(User, scratch.user_id)
    key = sessions.begin(user, Method.PASSWORD, Device("127.0.0.1", "benchmark"))
    db.session.commit()
    return key


def _measure(client: FlaskClient, page: str, rounds: int) -> dict[str, list[float]]:
    opening, asking = [], []
    _timed(client, page)
    for _ in range(rounds):
        # Taken in turns, so that a slow moment of the machine is in both.
        seconds, answer = _timed(client, page)
        question = question_of(answer)
        opening.append(seconds)
        asking.append(statistics.median(_timed(client, question, 204)[0] for _ in range(5)))
    return {
        "opening": [1000 * each for each in opening],
        "asking": [1000 * each for each in asking],
        "opening_to_asking": [a / b for a, b in zip(opening, asking, strict=True)],
    }


def question_of(page: str) -> str:
    """What an open page asks: the address of its poller with the fields of #lists-state."""
    poller = re.search(r'<div id="poller"[^>]*hx-get="([^"]+)"', page)
    state = re.search(r'<div id="lists-state".*?</div>', page, re.DOTALL)
    assert poller
    assert state
    path = unescape(poller[1])
    named = urlencode(re.findall(r'name="([^"]+)" value="([^"]*)"', unescape(state[0])))
    return f"{path}{'&' if '?' in path else '?'}{named}"


def _timed(client: FlaskClient, path: str, status: int = 200) -> tuple[float, str]:
    # Without the context of this program, in which the user would be known from the request before.
    start = time.perf_counter()
    answer = contextvars.Context().run(client.get, path)
    took = time.perf_counter() - start
    assert answer.status_code == status, f"{path}: {answer.status_code}"
    return took, answer.text


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):,.1f} ({min(values):,.1f} to {max(values):,.1f})"


if __name__ == "__main__":
    print(report(Path(__file__).parent / "results", 15))
