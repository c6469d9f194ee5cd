"""The first steps: each says what is really there, to admins, until all are done or they are dismissed."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, update

from cadence_app.accounts.models import AuditEntry, Role, User
from cadence_app.administration import first_run
from cadence_app.administration.first_run import Key, State
from cadence_app.consent.keywords import Meaning
from cadence_app.consent.own_keywords import add_keyword
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.carriers.accounts import add_account
from cadence_app.messaging.carriers.models import CarrierAccount
from cadence_app.messaging.models import Message, MessageState
from cadence_app.messaging.providers.base import KeywordAnswers
from tests.records.people import known
from tests.world import World, make_user, new_number

STEPS = "/settings/first-steps/"


def states(world: World) -> dict[Key, State]:
    with world.session():
        found = first_run.checklist(db.session.get_one(User, world.admin_id))
        return {step.key: step.state for step in found.steps}


def says(world: World, key: Key) -> str:
    with world.session():
        found = first_run.checklist(db.session.get_one(User, world.admin_id))
        return next(step.says for step in found.steps if step.key == key)


def connect(world: World, *numbers: str) -> None:
    """An account, and these inboxes' texts through it."""
    with world.session():
        account = add_account(db.session.get_one(User, world.admin_id), "twilio")
        account.name, account.keyword_answers = "Ours", KeywordAnswers.OURS
        db.session.add(account)
        db.session.flush()
        carried = update(Inbox).where(Inbox.number.in_(numbers))
        db.session.execute(carried.values(carrier_account_id=account.id))
        db.session.commit()


def refuse(world: World, code: str) -> None:
    """The carrier refuses a text of ours."""
    talk = world.text(new_number(), "Hello").conversation_id
    with world.session():
        inbound = db.session.scalars(select(Message).where(Message.conversation_id == talk)).first()
        assert inbound
        ours = Message(
            tenant_id=world.tenant_id, conversation_id=talk, inbox_id=inbound.inbox_id, direction="outbound"
        )
        ours.body, ours.state, ours.failure_code = "Hi", MessageState.FAILED, code
        db.session.add(ours)
        db.session.commit()


def test_a_new_organisation_has_what_is_there_and_no_more(world: World) -> None:
    assert states(world) == {
        Key.CARRIER: State.TO_DO,
        Key.REGISTRATION: State.TO_DO,
        Key.INBOX: State.DONE,
        Key.PEOPLE: State.TO_DO,
        Key.COLLEAGUES: State.DONE,
        Key.KEYWORDS: State.TO_DO,
        Key.STOP: State.TO_DO,
    }


def test_each_step_is_done_by_doing_it(world: World) -> None:
    connect(world)
    assert states(world)[Key.CARRIER] == State.TO_DO
    connect_all = [world.shared, world.other_shared, world.personal, world.other_personal]
    with world.session():
        account_id = db.session.scalars(select(CarrierAccount.id)).one()
        some = update(Inbox).where(Inbox.number.in_(connect_all))
        db.session.execute(some.values(carrier_account_id=account_id))
        db.session.commit()
    # One of five still texts the simulator only.
    assert states(world)[Key.CARRIER] == State.PROBLEM
    with world.session():
        db.session.execute(update(Inbox).values(carrier_account_id=account_id))
        db.session.commit()
    number = new_number()
    world.text(number, "Hello")
    world.text(number, "STOP")
    with world.session():
        add_keyword(db.session.get_one(User, world.admin_id), "halt", Meaning.OUT, None)
        db.session.commit()
    world.sign_in("admin").post(STEPS, {"do": "registered"})
    assert set(states(world).values()) == {State.DONE}
    assert "First steps" not in world.sign_in("admin").get("/messages/").text


@pytest.mark.parametrize("code", ["30034", "30032"])
def test_a_refused_text_says_that_a_number_is_not_registered_whatever_somebody_said_before(
    world: World, code: str
) -> None:
    admin = world.sign_in("admin")
    admin.post(STEPS, {"do": "registered"})
    assert states(world)[Key.REGISTRATION] == State.DONE
    refuse(world, code)
    assert states(world)[Key.REGISTRATION] == State.PROBLEM
    assert f"error {code}" in says(world, Key.REGISTRATION)
    # Who says it after that has seen it.
    admin.post(STEPS, {"do": "registered"})
    assert states(world)[Key.REGISTRATION] == State.DONE


def test_a_text_that_failed_for_another_reason_says_nothing_of_registration(world: World) -> None:
    refuse(world, "30007")
    assert states(world)[Key.REGISTRATION] == State.TO_DO


def test_what_no_data_can_tell_is_asked_and_can_be_taken_back(world: World) -> None:
    admin = world.sign_in("admin")
    admin.post(STEPS, {"do": "not_needed"})
    assert "none of your numbers needs it" in says(world, Key.REGISTRATION)
    admin.post(STEPS, {"do": "unsaid"})
    assert says(world, Key.REGISTRATION) == "Nobody has said yet."
    admin.post(STEPS, {"do": "keywords"})
    assert states(world)[Key.KEYWORDS] == State.DONE
    with world.session():
        said = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "first_run.registration"))
        assert [each.changes["registration"] for each in said] == [[None, "not_needed"], ["not_needed", None]]


def test_it_is_shown_to_admins_until_it_is_dismissed_and_comes_back(
    world: World, legacy_world: World
) -> None:
    for each in (world, legacy_world):
        admin, agent = each.sign_in("admin"), each.sign_in("agent")
        assert "First steps: 2 of 7 done" in admin.get("/messages/").text
        assert "First steps" not in agent.get("/messages/").text
        assert agent.get(STEPS).status_code == 403
        assert agent.post(STEPS, {"do": "dismiss"}).status_code == 403
        admin.post(STEPS, {"do": "dismiss", "from": "settings"})
        for path in ("/messages/", "/settings/"):
            assert "of 7 done" not in admin.get(path).text, path
        assert "Show in Messages again" in admin.get(STEPS).text
        admin.post(STEPS, {"do": "bring_back"})
        assert "First steps: 2 of 7 done" in admin.get("/messages/").text


def test_a_form_that_says_nothing_changes_nothing(world: World) -> None:
    admin = world.sign_in("admin")
    before = states(world)
    page = admin.post(STEPS, {"do": "odd"}, follow_redirects=True)
    assert "Press one of the buttons beside a step." in page.text
    assert states(world) == before


def test_an_invitation_counts_and_a_deactivated_user_does_not(world: World) -> None:
    with world.session():
        db.session.execute(update(User).where(User.id == world.agent_id).values(active=False))
        db.session.commit()
    assert states(world)[Key.COLLEAGUES] == State.TO_DO
    with world.session():
        make_user(world.tenant_id, Role.AGENT, "New Person").invited_at = datetime.now(UTC)
        db.session.commit()
    assert states(world)[Key.COLLEAGUES] == State.DONE


def test_each_composer_says_that_nobody_receives_it_until_its_inbox_has_a_carrier(world: World) -> None:
    number = new_number()
    talk = world.text(number, "Hello").conversation_id
    contact_id = known(world)
    agent = world.sign_in("agent")
    pages = (f"/messages/conversations/{talk}", f"/messages/new?to={contact_id}", "/campaigns/new")
    said = re.compile(r"Simulator only:</strong> nobody receives this\.")
    assert [bool(said.search(agent.get(path).text)) for path in pages] == [True] * 3
    connect(world, world.shared, world.personal, world.toll_free)
    assert [bool(said.search(agent.get(path).text)) for path in pages] == [False] * 3
    # The other inboxes of the organisation still have none, and say so.
    assert "(simulator only)" in world.sign_in("admin").get("/campaigns/new").text
