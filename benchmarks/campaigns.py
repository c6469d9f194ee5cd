"""Campaigns: a worker killed again and again while it sends, and the time it takes to preview many contacts.

`python -m benchmarks.campaigns kills` (50 kills, 2,000 recipients) and `… preview` (100,000 contacts).
"""

from __future__ import annotations

import argparse
import json
import time
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text

from benchmarks.scratch import Scratch, scratch_installation
from cadence_app.accounts.models import User
from cadence_app.campaigns import recipients, service
from cadence_app.campaigns.models import Campaign
from cadence_app.campaigns.quiet_hours import hours_of
from cadence_app.campaigns.segments import Segment
from cadence_app.extensions import db
from cadence_app.messaging.inboxes import create_inbox
from cadence_app.messaging.models import Inbox
from cadence_app.tenancy import use_tenant
from tests.campaigns.carrier import counting_carrier
from tests.campaigns.sending import counts, send_with_kills
from tests.world import make_world

RESULTS = Path(__file__).parent / "results"

# Contacts with numbers of real areas, opted in to the team; every 50th is opted out.
_CONTACTS = """
INSERT INTO contacts (tenant_id, first_name, last_name, external_id, number)
SELECT :tenant, 'First' || n, 'Last' || n % 9000, 'B' || n,
    '+1' || (ARRAY['212','607','312','303','206','702','808'])[1 + n % 7]
        || lpad((n * 37 % 10000000)::text, 7, '0')
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


def kills(times: int, people: int) -> dict[str, object]:
    """How often a worker was killed, and what the carrier counted."""
    with scratch_installation() as scratch, counting_carrier(delay=0.01) as carrier:
        world = make_world(scratch.app, "teams")
        campaign_id = send_with_kills(world, carrier, people, times, seconds=1800)
        texts = [len(bodies) for bodies in carrier.texts.values()]
        return {
            "kills": times,
            "recipients": people,
            "states": counts(world, campaign_id),
            "texted_once": texts.count(1),
            "texted_more_than_once": sum(count > 1 for count in texts),
            "asked_what_became_of_a_text": carrier.asked,
        }


def preview(people: int, rounds: int) -> dict[str, object]:
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


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.campaigns")
    parser.add_argument("what", choices=("kills", "preview"))
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--recipients", type=int, default=2000)
    parser.add_argument("--contacts", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    if options.what == "kills":
        found = kills(options.kills, options.recipients)
    else:
        found = preview(options.contacts, options.rounds)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"campaigns-{options.what}.json").write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
