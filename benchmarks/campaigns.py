"""Campaigns: a worker killed again and again while it sends, and how long it takes to preview many people."""

from __future__ import annotations

import json
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import text

from benchmarks.scratch import Scratch, scratch_installation
from cadence_app.accounts.models import User
from cadence_app.campaigns import recipients, service
from cadence_app.campaigns.models import Campaign
from cadence_app.campaigns.segments import Segment
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.inboxes.service import create_inbox
from cadence_app.messaging.quiet_hours import hours_of
from cadence_app.tenancy import use_tenant
from tests.campaigns.carrier import counting_carrier
from tests.campaigns.sending import counts, send_with_kills, texted_after_opting_out
from tests.world import make_world

# Contacts with numbers of real areas, opted in to the team; every 50th is opted out.
_CONTACTS = """
INSERT INTO contacts (tenant_id, first_name, last_name, external_id, number)
SELECT :tenant, 'First' || n, 'Last' || n % 9000, 'B' || n,
    '+1' || (ARRAY['212','607','312','303','206','702','808'])[1 + n % 7]
        || (2000000 + n * 37 % 8000000)
FROM generate_series(1, :people) n ON CONFLICT DO NOTHING
"""
_CHANGES = """
INSERT INTO opt_out_changes (tenant_id, contact_id, team_id, status, changed_at, source, first_name,
    last_name, external_id, number, team_code, user_name, words, reason)
SELECT tenant_id, id, :team, CASE WHEN id % 50 = 0 THEN 'opted_out' ELSE 'opted_in' END, now(), 'import',
    first_name, last_name, external_id, number, 'ADM', '', '', '' FROM contacts WHERE external_id LIKE 'B%'
"""
_CONSENTS = """
INSERT INTO consents (contact_id, team_id, tenant_id, status, since, change_id)
SELECT contact_id, team_id, tenant_id, status, changed_at, id FROM opt_out_changes WHERE external_id LIKE 'B%'
"""


def report(folder: Path, times: int, people: int, contacts: int, rounds: int) -> str:
    """Measures both, writes campaigns.json and campaigns.md to the folder, and returns the latter."""
    results = {"kills": kills(times, people), "preview": preview(contacts, rounds)}
    (folder / "campaigns.json").write_text(json.dumps(results, indent=2) + "\n")
    told = _markdown(results["kills"], results["preview"])
    (folder / "campaigns.md").write_text(told)
    return told


def kills(times: int, people: int) -> dict[str, Any]:
    """How often a worker was killed, and what the carrier counted."""
    with scratch_installation() as scratch, counting_carrier(delay=0.01) as carrier:
        world = make_world(scratch.app, "teams")
        killed = send_with_kills(world, carrier, people, times, seconds=1800)
        texts = [len(bodies) for bodies in carrier.texts.values()]
        return {
            "kills": times,
            "recipients": people,
            "states": counts(world, killed.campaign_id),
            "opted_out_meanwhile": len(killed.stopped_at),
            "texted_once": texts.count(1),
            "texted_more_than_once": sum(count > 1 for count in texts),
            "texted_after_opting_out": len(texted_after_opting_out(world)),
            "asked_what_became_of_a_text": carrier.asked,
        }


def preview(people: int, rounds: int) -> dict[str, Any]:
    """Seconds to work out who gets a campaign and to count them, each round from the start."""
    with scratch_installation() as scratch:
        _fill(scratch, people)
        use_tenant(scratch.tenant_id)
        user = db.session.get_one(User, scratch.user_id)
        inbox = db.session.get_one(Inbox, create_inbox(user.teams[0], "+12125550199", "Desk").id)
        campaign = service.save(user, None, inbox, "Bench", "Hi {first_name|there}", Segment())
        seconds = [_one(campaign, user) for _ in range(rounds)]
        told = recipients.preview(campaign, hours_of(user.tenant), _now())
        return {
            "contacts": people,
            "seconds": [round(each, 2) for each in seconds],
            "texted": told.texted,
            "left_out": told.left_out_total,
        }


def _fill(scratch: Scratch, people: int) -> None:
    use_tenant(scratch.tenant_id)
    values = {"tenant": scratch.tenant_id, "team": scratch.team_id, "people": people}
    for statement in (_CONTACTS, _CHANGES, _CONSENTS):
        db.session.execute(text(statement), values)
    db.session.commit()


def _one(campaign: Campaign, user: User) -> float:
    begun = time.perf_counter()
    recipients.work_out(campaign)
    db.session.commit()
    recipients.preview(campaign, hours_of(user.tenant), _now())
    return time.perf_counter() - begun


def _now() -> datetime:
    return datetime.now(UTC)


def _markdown(killed: dict[str, Any], shown: dict[str, Any]) -> str:
    reached = killed["texted_once"] + killed["states"].get("suppressed", 0)
    rows = [
        ("Recipients", f"{killed['recipients']:,}", ""),
        ("Kills (SIGKILL) of the process that sends", killed["kills"], ""),
        ("Opted out by a text while it went", killed["opted_out_meanwhile"], ""),
        ("Texted once, by the carrier's count", f"{killed['texted_once']:,}", ""),
        ("Texted once, or kept as not sent by consent", f"{reached:,}", f"{killed['recipients']:,}"),
        ("Texted more than once", killed["texted_more_than_once"], "0"),
        ("Texted after their opt out", killed["texted_after_opting_out"], "0"),
        ("Texts whose fate the carrier was asked for", killed["asked_what_became_of_a_text"], ""),
    ]
    lines = ["# Campaigns", "", "## A worker that is killed while it sends", ""]
    lines += ["| What | Counted | Wanted |", "|---|---|---|"]
    lines += [f"| {what} | {counted} | {wanted} |" for what, counted, wanted in rows]
    seconds = shown["seconds"]
    lines += ["", f"## Who gets it, of {shown['contacts']:,} contacts", ""]
    lines += [
        f"Worked out and counted in {statistics.median(seconds):.1f} s"
        f" ({min(seconds):.1f} to {max(seconds):.1f}): {shown['texted']:,} texted,"
        f" {shown['left_out']:,} left out."
    ]
    return "\n".join(lines) + "\n"
