"""A person who has left something in every table that the register names, by the real ways in where there is
one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update

from cadence_app.accounts.models import KeywordPolicy, Team, Tenant, User
from cadence_app.campaigns.segments import Segment, Who
from cadence_app.consent import evidence
from cadence_app.consent.evidence_models import Method, Way
from cadence_app.contacts import selecting, tags
from cadence_app.contacts import service as contacts
from cadence_app.contacts.models import Contact, NumberToMend
from cadence_app.extensions import db
from cadence_app.messaging import assignments, bulk, drafts, later, notes
from cadence_app.messaging.bulk import Seen
from cadence_app.messaging.carriers import intake, unread
from cadence_app.messaging.carriers.accounts import add_account
from cadence_app.messaging.carriers.models import CarrierEvent, UnreadPost
from cadence_app.messaging.desk_models import Action
from cadence_app.messaging.draft_models import What
from cadence_app.messaging.media.service import Came
from cadence_app.messaging.models import Conversation
from cadence_app.messaging.providers.base import KeywordAnswers
from cadence_app.messaging.providers.events import Text as CarrierText
from cadence_app.messaging.providers.events import Unread
from cadence_app.notifications import service as notifications
from cadence_app.notifications.jobs import sweep_notifications
from cadence_app.notifications.models import Event, Pace
from cadence_app.reports.filters import Filters
from cadence_app.reports.kinds import OPT_OUT_HISTORY
from cadence_app.reports.models import Format
from cadence_app.reports.saved import service as saved
from cadence_app.retention.models import RetentionItem, RetentionRun, RunState
from cadence_app.webhooks import outbox
from cadence_app.webhooks import service as webhooks
from cadence_app.webhooks.models import WebhookAttempt, WebhookDelivery
from tests.api.conftest import make_api
from tests.campaigns.sending import add_campaign, send
from tests.contacts import importing
from tests.messaging.media import PNG
from tests.records.people import add_number, merge
from tests.reports import exporting
from tests.reports.scheduling import add_schedule
from tests.world import World, new_number

FIRST, LAST, WORD = "Quetzalcoatl", "O'Xochipilli", "Axolotlpond"
NAME = f"{FIRST} {LAST}"


@dataclass(frozen=True)
class Trail:
    """A person's record, ids and numbers, the record that was merged into theirs, and the import that waits
    with them in its file."""

    contact_id: int
    merged_id: int
    external_id: str
    numbers: tuple[str, ...]
    waiting_import: int


def spelled(number: str) -> str:
    """As people write a number of North America."""
    return f"({number[2:5]}) {number[5:8]}-{number[8:]}"


def leave_traces(world: World) -> Trail:
    """The person is opted out in the end, by a word of theirs for every team."""
    number, further, merged = new_number(), new_number(), new_number()
    external_id = f"Ext-{number[2:]}"
    _listen(world)
    contact_id = _added_by_api(world, number, external_id)
    _talk(world, contact_id, number)
    add_number(world, contact_id, further)
    _be_imported(world, external_id, number, further)
    send(world, add_campaign(world, Segment(Who.PICKED, contact_ids=(contact_id,)), "Dear {first_name}"))
    add_campaign(world, Segment(Who.PASTED, entries=(spelled(number), external_id, new_number())))
    merged_id = world.contact_id_of(world.text(merged, f"{WORD} too").conversation_id)
    _agree(world, merged_id, merged)
    merge(world, contact_id, merged_id)
    _be_done(world, contact_id)
    _be_selected(world, contact_id)
    _agree(world, contact_id, number)
    _stop_everything(world, number)
    _be_told_of(world, contact_id)
    _be_searched_for(world, number)
    _be_in_posts(world, contact_id, number)
    waits = importing.csv_of((FIRST, LAST, external_id, number, "ADM", "Yes"))
    waiting = importing.upload(world, waits, "waits.csv")
    importing.check(world, waiting)
    return Trail(contact_id, merged_id, external_id, (number, further, merged), waiting)


def _listen(world: World) -> None:
    """A webhook and a notification that hear of everything from now on, and the question which team is
    meant."""
    with world.session():
        admin, team = db.session.get_one(User, world.admin_id), db.session.get_one(Team, world.team_id)
        webhooks.add_endpoint(admin, webhooks.Plan("http://127.0.0.1:9/", "", [], []))
        notifications.set_rule(
            admin, team, Event.STATUS_CHANGE, True, Pace.IMMEDIATE, ("manager@nowhere.example",)
        )
        tenant = db.session.get_one(Tenant, world.tenant_id)
        tenant.ask_team_only, tenant.keyword_policy = True, KeywordPolicy.ORGANISATION
        db.session.commit()


def _added_by_api(world: World, number: str, external_id: str) -> int:
    record = {"number": number, "first_name": FIRST, "last_name": LAST, "external_id": external_id}
    api = make_api(world)
    answers = [api.post("/contacts", key=team, json=record | {"team": team}) for team in ("ADM", "AID")]
    assert [answer.status_code for answer in answers] == [200, 200]
    return int(answers[0].get_json()["contact"]["id"])


def _talk(world: World, contact_id: int, number: str) -> None:
    picture = Came(content_type="image/png", content=PNG)
    conversation_id = world.text(number, f"I am {FIRST}, {WORD}", media=[picture]).conversation_id
    with world.session():
        agent = db.session.get_one(User, world.agent_id)
        conversation = db.session.get_one(Conversation, conversation_id)
        drafts.keep(agent, conversation, What.TEXT, f"Dear {FIRST}, {WORD}")
        notes.add(agent, conversation, f"@Admin Person, {FIRST} rang about {WORD}")
        assignments.assign(agent, conversation, agent.id, None)
        later.schedule_text(agent, conversation, f"{WORD} again", datetime.now(UTC) + timedelta(days=1))
        contact = db.session.get_one(Contact, contact_id)
        names = {"first_name": FIRST, "last_name": LAST, "external_id": contact.external_id}
        contacts.edit_contact(agent, contact, {"1": WORD}, **names)
        tags.add_tag(agent, contact, "Transfers")


def _be_done(world: World, contact_id: int) -> None:
    """With what the Undo of that keeps; a merge after it would end that."""
    with world.session():
        agent = db.session.get_one(User, world.agent_id)
        theirs = select(Conversation.id).where(Conversation.contact_id == contact_id)
        seen = Seen({}, datetime.now(UTC) + timedelta(minutes=1))
        bulk.act(agent, Action.DONE, list(db.session.scalars(theirs)), seen)


def _be_selected(world: World, contact_id: int) -> None:
    """In the list of contacts, with what the Undo of that keeps."""
    with world.session():
        selecting.tag(db.session.get_one(User, world.agent_id), [contact_id], "Selected")


def _agree(world: World, contact_id: int, number: str) -> None:
    """Evidence that names them in everything that it can hold."""
    given = evidence.Given(
        *(Method.WEB_FORM, None, datetime.now(UTC), f"{FIRST} agreed, {WORD}"),
        page_url=f"https://nowhere.example/{WORD}?phone={number}",
        sha256=bytes(32),
        ip="203.0.113.77",
        collected_by=f"{FIRST}'s brother",
    )
    with world.session():
        agent = db.session.get_one(User, world.agent_id)
        evidence.record([(contact_id, world.team_id)], given, Way.RECORD, agent, f"{WORD}.csv")
        db.session.commit()


def _be_imported(world: World, external_id: str, number: str, further: str) -> None:
    """Two files that are done: one row of them is applied, and others are refused, the last because another
    row's number is theirs."""
    importing.run(world, importing.csv_of((FIRST, LAST, external_id, number, "ADM", "")))
    refused = importing.csv_of(
        (FIRST, LAST, external_id, further, "ADM", "perhaps"),
        ("Ben", "Ito", f"Ben-{external_id[-6:]}", number, "ADM", ""),
    )
    importing.run(world, refused)


def _stop_everything(world: World, number: str) -> None:
    world.text(number, f"please stop texting me, {WORD}")
    world.text(number, "STOP")


def _be_told_of(world: World, contact_id: int) -> None:
    """Other systems and colleagues hear of what happened."""
    with world.app.app_context():
        sweep_notifications()
    with world.session():
        (endpoint,) = webhooks.all_endpoints()
        while outbox.take_changes(endpoint.id):
            pass
        delivery = select(WebhookDelivery).where(WebhookDelivery.contact_id == contact_id).limit(1)
        attempt = WebhookAttempt(
            tenant_id=world.tenant_id,
            delivery_id=db.session.scalars(delivery).one().id,
            at=datetime.now(UTC),
            milliseconds=1,
            response=f"no {FIRST} here",
        )
        db.session.add(attempt)
        db.session.commit()


def _be_searched_for(world: World, number: str) -> None:
    exporting.run(world, exporting.ask_for(world, filters=Filters(contact=NAME)))
    add_schedule(world, filters=Filters(contact=spelled(number)))
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        wanted = saved.Wanted(Filters(contact=NAME), (), Format.CSV)
        saved.save(admin, OPT_OUT_HISTORY, f"About {NAME}", False, wanted, False)


def _be_in_posts(world: World, contact_id: int, number: str) -> None:
    """A text that was given up, a post that nobody could read, a number that was found to be none, and a dry
    run of retention that had them."""
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        account = add_account(admin, "twilio")
        account.name, account.keyword_answers = "Ours", KeywordAnswers.OURS
        db.session.add(account)
        db.session.flush()
        intake.keep(account, [CarrierText(world.shared, number, f"{WORD}?", "id", datetime.now(UTC))])
        db.session.execute(update(CarrierEvent).values(next_attempt_at=None, problem="It was given up."))
        content = f'{{"From": "{spelled(number)}", "Body": "{WORD}"}}'
        unread.keep(account, [Unread("e", "it is cut off", content, len(content), "", words_missing=False)])
        db.session.execute(update(UnreadPost).values(due_on=None))
        # Numbers are read strictly now: only a record of long ago has one that is none.
        db.session.add(NumberToMend(tenant_id=world.tenant_id, contact_id=contact_id, number=number))
        now = datetime.now(UTC)
        run = RetentionRun(tenant_id=world.tenant_id, state=RunState.STOPPED, years=1, before=now)
        db.session.add(run)
        db.session.flush()
        item = RetentionItem(
            run_id=run.id,
            contact_id=contact_id,
            tenant_id=world.tenant_id,
            last_at=now,
            conversations=1,
            texts=1,
            changes=1,
        )
        db.session.add(item)
        db.session.commit()
