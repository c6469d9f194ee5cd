"""Loads the demo: the same people and histories every time, ending today."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

from sqlalchemy import insert

from cadence_app.accounts import service as accounts
from cadence_app.accounts.demo_sign_ins import PASSWORD
from cadence_app.accounts.models import Navigation, Role, Team, Tenant, User
from cadence_app.consent.ledger import Change, record_changes
from cadence_app.consent.models import Source, Status
from cadence_app.contacts.models import Contact
from cadence_app.demo import people
from cadence_app.demo.agreements import load_agreements
from cadence_app.demo.announcements import load_announcements
from cadence_app.demo.campaigns import load_campaigns
from cadence_app.demo.classes import load_classes
from cadence_app.demo.conversations import load_conversations
from cadence_app.demo.desk import load_desk
from cadence_app.demo.forgotten import load_forgotten
from cadence_app.demo.imports import load_imports
from cadence_app.demo.records import load_records
from cadence_app.demo.settings import load_settings
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.inboxes.service import create_inbox
from cadence_app.notifications.models import Event, Pace
from cadence_app.notifications.service import set_rule

CONTACTS = 2500
MONTHS = 18
_BATCH = 2000


@dataclass(frozen=True)
class Organisation:
    name: str
    navigation: Navigation
    time_zone: str
    domain: str
    id_prefix: str
    teams: tuple[tuple[str, str], ...]
    area_code: int
    colleagues: tuple[str, str]


ORGANISATIONS = (
    Organisation(
        "Lakeside University",
        Navigation.TEAMS,
        "America/New_York",
        "lakeside.example",
        "LU",
        (("Admissions", "ADM"), ("Financial Aid", "FIN"), ("Student Success", "SUC")),
        607,
        ("Marisol Vega", "Theo Lindqvist"),
    ),
    Organisation(
        "Harbor College",
        Navigation.LEGACY,
        "America/Chicago",
        "harbor.example",
        "",
        (("Enrollment", "ENR"), ("Advising", "ADV")),
        920,
        ("Dana Whitfield", "Sam Okoye"),
    ),
)


def load_demo() -> None:
    """Makes the demo tenants with all that is in them, and commits."""
    for seed, organisation in enumerate(ORGANISATIONS):
        _load(organisation, random.Random(seed))


def _load(organisation: Organisation, chance: random.Random) -> None:
    tenant = accounts.create_tenant(organisation.name, organisation.navigation, organisation.time_zone)
    teams = [accounts.create_team(name, code) for name, code in organisation.teams]
    admin, agent = _users(organisation, teams)
    load_imports(admin, teams)
    inboxes = _inboxes(organisation, teams, admin, agent)
    numbers = people.numbers(chance)
    contacts = _contacts(tenant, organisation, numbers, chance)
    home = {contact["id"]: chance.sample(teams, chance.choice((1, 1, 2))) for contact in contacts}
    # Those who appear in a conversation get their history from it, so that both say the same.
    talking = contacts[: len(contacts) // 7]
    waves = _waves(contacts[len(talking) :], home, agent, chance)
    for wave in waves:
        for start in range(0, len(wave), _BATCH):
            record_changes(wave[start : start + _BATCH])
    load_announcements(chain.from_iterable(waves), inboxes, [admin, agent], chance)
    load_forgotten(tenant, teams, numbers, chance)
    load_conversations(tenant, talking, inboxes, [admin, agent], numbers, chance)
    classes = load_classes(tenant, admin, contacts[len(talking) :], chance)
    load_campaigns(tenant, list(chain.from_iterable(waves)), classes, inboxes, agent, chance)
    load_agreements(tenant, teams, admin, agent, numbers, random.Random(tenant.name))
    load_records(tenant, talking, admin, agent, numbers, chance)
    load_settings(admin, teams, inboxes)
    load_desk(admin, agent)
    # What stands there by now is not told of.
    db.session.commit()
    set_rule(
        admin,
        teams[0],
        Event.STATUS_CHANGE,
        True,
        Pace.DAILY,
        [f"{teams[0].code.lower()}@{organisation.domain}"],
    )


def _users(organisation: Organisation, teams: list[Team]) -> tuple[User, User]:
    admin_name, agent_name = organisation.colleagues
    domain = organisation.domain
    admin = accounts.create_user(f"admin@{domain}", admin_name, PASSWORD, Role.ADMIN, teams)
    agent = accounts.create_user(f"agent@{domain}", agent_name, PASSWORD, Role.AGENT, teams[:2])
    accounts.create_user(f"auditor@{domain}", "Ingrid Sorensen", PASSWORD, Role.AUDITOR, [])
    return admin, agent


def _inboxes(organisation: Organisation, teams: list[Team], admin: User, agent: User) -> list[Inbox]:
    numbers: Iterator[str] = (f"+1{organisation.area_code}5550{line}" for line in range(180, 200))
    made = [create_inbox(team, next(numbers), f"{team.name} desk") for team in teams]
    made.append(create_inbox(teams[0], f"+1888555{organisation.area_code:04}", "Toll-free line"))
    for user in (admin, agent):
        made.append(create_inbox(teams[0], next(numbers), user.name, user.email))
    return made


def _contacts(
    tenant: Tenant, organisation: Organisation, numbers: Iterator[str], chance: random.Random
) -> list[dict[str, Any]]:
    rows = []
    for index in range(CONTACTS):
        first, last = people.name(chance)
        external_id = f"{organisation.id_prefix}{index * 7 + 10023:07}"
        rows.append(
            {
                "tenant_id": tenant.id,
                "first_name": first,
                "last_name": last,
                "external_id": external_id,
                "number": next(numbers),
            }
        )
    ids = db.session.scalars(insert(Contact).returning(Contact.id, sort_by_parameter_order=True), rows)
    return [row | {"id": contact_id} for row, contact_id in zip(rows, ids, strict=True)]


def _waves(
    contacts: list[dict[str, Any]], home: dict[int, list[Team]], agent: User, chance: random.Random
) -> list[list[Change]]:
    """The contacts' changes; the first wave holds each one's first status, the next its second, and so on."""
    waves: list[list[Change]] = [[] for _ in range(5)]
    now = datetime.now(UTC)
    for contact in contacts:
        for team in home[contact["id"]]:
            at = now - timedelta(days=chance.uniform(30, MONTHS * 30.4))
            status = Status.OPTED_IN
            for wave, source in zip(waves, _sources(chance), strict=False):
                if at >= now - timedelta(hours=1):
                    break
                words = {
                    (Source.KEYWORD, Status.OPTED_OUT): chance.choice(
                        ("STOP", "Stop", "stop", "Unsubscribe")
                    ),
                    (Source.KEYWORD, Status.OPTED_IN): chance.choice(("START", "Unstop")),
                    (Source.COLD_INBOUND, Status.OPTED_IN): "Hi, is this the right number?",
                }.get((source, status), "")
                by = agent.id if source in {Source.TOGGLE, Source.MANUAL_ADD} else None
                wave.append(Change(contact["id"], team.id, status, source, by, words=words, at=at))
                status = Status.OPTED_OUT if status == Status.OPTED_IN else Status.OPTED_IN
                at += timedelta(days=chance.expovariate(1 / 60) + 0.02)
    return waves


def _sources(chance: random.Random) -> list[Source]:
    """What decided each of a contact's changes in a team, first to last."""
    first = chance.choices((Source.MANUAL_ADD, Source.COLD_INBOUND, Source.IMPORT), (35, 25, 40))
    more = chance.choices((0, 1, 2, 3, 4), (88, 7, 4, 0.5, 0.5))[0]
    return first + chance.choices((Source.KEYWORD, Source.TOGGLE), (65, 35), k=more)
