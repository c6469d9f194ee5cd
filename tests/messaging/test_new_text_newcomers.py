"""A new text to somebody who is not in the team: they are added with it, by the rules of adding by hand."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image
from sqlalchemy import func, select, update

from cadence_app.accounts.models import Team
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.messaging.media import service as media
from cadence_app.messaging.models import ScheduledText
from cadence_app.messaging.text_template_models import TextTemplate
from tests.messaging.writing_first import (
    conversations_of,
    counts,
    evidence_of,
    inbox_id,
    newcomer,
    person,
    post,
)
from tests.records.people import IN, add_number, opt
from tests.world import World, new_number


def test_somebody_new_is_added_and_texted_at_once(world: World) -> None:
    number = new_number()
    agent = world.sign_in("agent")
    spelled = f"{number[2:5]}.{number[5:8]}.{number[8:]}"
    answer = post(agent, **newcomer(world, spelled))
    contact_id = world.contact_id(number)
    (conversation_id,) = conversations_of(world, contact_id)
    assert answer.location.startswith(f"/messages/conversations/{conversation_id}?")
    assert [text.body for text in world.messages(conversation_id)] == ["Welcome to the college"]
    (row,) = world.history(contact_id)
    assert (row.status, row.source, row.team_id) == (IN, "manual_add", world.team_id)
    assert (row.first_name, row.last_name, row.user_id) == ("Noor", "Haddad", world.agent_id)
    # Pressed once more.
    assert post(agent, **newcomer(world, spelled)).location == answer.location
    assert len(world.messages(conversation_id)) == 1


@pytest.mark.parametrize("number", ["", "12", "not a number", "+1 212", "555-0123"])
def test_a_number_that_is_none_is_said_and_everything_typed_is_kept(world: World, number: str) -> None:
    before = counts(world)
    answer = post(world.sign_in("agent"), **newcomer(world, number))
    assert answer.status_code == 422
    assert 'id="number-error"' in answer.text
    for typed in ("Noor", "Haddad", "Welcome to the college</textarea>"):
        assert typed in answer.text
    assert counts(world) == before


def test_an_offered_number_is_taken_without_sending(world: World) -> None:
    before = counts(world)
    agent = world.sign_in("agent")
    offered = f"+1{world.shared[2:5]}5550123"
    assert f'value="{offered}"' in post(agent, **newcomer(world, "555-0123")).text
    answer = post(agent, **newcomer(world, ["555-0123", offered]))
    assert answer.status_code == 200
    assert f'id="number" inputmode="tel" name="number" required type="tel" value="{offered}"' in answer.text
    assert counts(world) == before


def test_a_number_that_somebody_has_is_said_with_who_it_is(world: World) -> None:
    number = new_number()
    contact_id = person(world, number, first_name="Ines", last_name="Okafor")
    agent = world.sign_in("agent")
    assert f"to={contact_id}" in agent.get(f"/messages/new?number=%2B{number[1:]}").location
    chosen = post(agent, **newcomer(world, number, choose=1))
    assert "Ines Okafor</bdi> has this number" in chosen.text
    answer = post(agent, **newcomer(world, number))
    assert answer.status_code == 422
    assert "Ines Okafor has this number already." in answer.text
    assert conversations_of(world, contact_id) == []
    them = post(agent, **newcomer(world, number, to=contact_id))
    assert them.status_code == 200
    assert f'name="to" value="{contact_id}"' in them.text
    assert "Welcome to the college</textarea>" in them.text
    assert conversations_of(world, contact_id) == []


def test_a_number_known_in_another_team_joins_as_by_adding_by_hand(world: World) -> None:
    number = new_number()
    contact_id = world.add_contact(number, first_name="Hidden", last_name="Person")
    opt(world, contact_id, IN, world.other_team_id)
    answer = post(world.sign_in("agent"), **newcomer(world, number))
    assert answer.status_code == 302
    assert world.status(contact_id) == "opted_in"
    with world.session():
        assert db.session.get_one(Contact, contact_id).first_name == "Hidden"


def test_a_further_number_of_somebody_elsewhere_starts_opted_out_and_nothing_goes(world: World) -> None:
    further = new_number()
    contact_id = world.add_contact(first_name="Hidden", last_name="Person")
    opt(world, contact_id, IN, world.other_team_id)
    add_number(world, contact_id, further)
    answer = post(world.sign_in("agent"), **newcomer(world, further))
    assert answer.status_code == 409
    assert "Hidden Person is in Admissions now. Nothing was sent." in answer.text
    assert world.status(contact_id) == "opted_out"
    assert conversations_of(world, contact_id) == []


def test_a_number_that_was_stopped_starts_opted_out_which_is_said_before_and_after(world: World) -> None:
    number = new_number()
    world.text(number, "STOP")
    with world.session():
        stopped = db.session.scalars(select(Contact).where(Contact.number == number)).one()
        stopped.number = new_number()
        db.session.commit()
    agent = world.sign_in("agent")
    before = agent.get(f"/messages/new?number=%2B{number[1:]}").text
    assert "This number had stopped your texts before" in before
    answer = post(agent, **newcomer(world, number))
    contact_id = world.contact_id(number)
    assert answer.status_code == 409
    assert "Noor Haddad is in Admissions now. Nothing was sent." in answer.text
    assert "The contact is opted out of Admissions." in answer.text
    assert "Welcome to the college</textarea>" in answer.text
    assert world.status(contact_id) == "opted_out"
    assert conversations_of(world, contact_id) == []
    # How they agreed is written beside it, and then it goes.
    path = f"/messages/new/{contact_id}/teams/{world.team_id}/consent"
    agreed = "She has had this number since May and signed up"
    agent.post(path, {"status": "opted_in", "reason": agreed, "words": agreed})
    data = {"to": contact_id, "from": inbox_id(world, world.shared), "body": "Welcome"}
    assert post(agent, **data).status_code == 302


def test_a_person_of_one_team_joins_the_other_by_a_text_from_its_inbox(world: World) -> None:
    contact_id = person(world, first_name="Ines", last_name="Okafor")
    admin = world.sign_in("admin")
    other = inbox_id(world, world.other_shared)
    page = admin.get(f"/messages/new?to={contact_id}&from={other}").text
    assert "is not in Aid yet." in page
    assert post(admin, to=contact_id, body="Your grant", **{"from": other}).status_code == 302
    assert world.status(contact_id, world.other_team_id) == "opted_in"
    (row,) = world.history(contact_id, world.other_team_id)
    assert row.source == "manual_add"


def test_a_team_that_was_closed_meanwhile_takes_nobody(world: World) -> None:
    before = counts(world)
    agent = world.sign_in("agent")
    data = newcomer(world, new_number())
    with world.session():
        db.session.execute(update(Team).where(Team.id == world.team_id).values(closed_at=func.now()))
        db.session.commit()
    answer = post(agent, **data)
    assert answer.status_code == 422
    assert counts(world) == before


def test_somebody_who_is_erased_meanwhile_is_not_texted(world: World) -> None:
    contact_id = person(world)
    with world.session():
        db.session.execute(
            update(Contact).where(Contact.id == contact_id).values(gone_at=func.now(), number="gone-1")
        )
        db.session.commit()
    answer = post(world.sign_in("agent"), to=contact_id, body="Hi", **{"from": inbox_id(world, world.shared)})
    assert answer.status_code in (404, 409)
    assert conversations_of(world, contact_id) == []


def test_how_a_new_person_agreed_is_recorded_with_them(world: World) -> None:
    number = new_number()
    agreed = {"method": "paper", "words": "The visit day card", "agreed_on": "2026-03-03"}
    agent = world.sign_in("agent")
    assert post(agent, **newcomer(world, number, **agreed)).status_code == 302
    contact_id = world.contact_id(number)
    assert evidence_of(world, contact_id) == [("new_text", "paper", "The visit day card")]
    post(agent, **newcomer(world, number, **agreed))
    assert len(evidence_of(world, contact_id)) == 1


def test_a_day_that_is_still_to_come_is_refused_and_nobody_added(world: World) -> None:
    before = counts(world)
    agreed = {"method": "paper", "words": "The visit day card", "agreed_on": "2999-03-03"}
    answer = post(world.sign_in("agent"), **newcomer(world, new_number(), **agreed))
    assert answer.status_code == 422
    assert "This day is still to come." in answer.text
    assert "The visit day card</textarea>" in answer.text
    assert counts(world) == before


def test_how_somebody_who_joins_a_team_by_a_text_agreed_is_recorded(world: World) -> None:
    contact_id = person(world)
    data = {"to": contact_id, "from": inbox_id(world, world.other_shared), "body": "Your grant"}
    admin = world.sign_in("admin")
    assert post(admin, method="spoken", words="At the counter", **data).status_code == 302
    assert evidence_of(world, contact_id) == [("new_text", "spoken", "At the counter")]


def test_a_text_to_somebody_new_is_set_for_later_once(world: World) -> None:
    number = new_number()
    agent = world.sign_in("agent")
    when = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    data = newcomer(world, number, later=1, send_at=when, method="paper")
    answers = [post(agent, **data), post(agent, **data)]
    assert [answer.status_code for answer in answers] == [302, 302]
    assert answers[0].location == answers[1].location
    contact_id = world.contact_id(number)
    assert len(conversations_of(world, contact_id)) == 1
    with world.session():
        assert len(db.session.scalars(select(ScheduledText)).all()) == 1
    assert [way for way, _, _ in evidence_of(world, contact_id)] == ["new_text"]


def test_a_template_of_a_new_text_has_the_names_that_were_typed(world: World) -> None:
    agent = world.sign_in("agent")
    agent.post(
        "/campaigns/templates/new",
        {"name": "Hello", "body": "Hi {first_name|there}, welcome", "team_id": "0"},
    )
    with world.session():
        template = db.session.scalars(select(TextTemplate)).one()
        template_id = template.id
    contact_id = person(world, first_name="Ines")
    shown = agent.get(f"/messages/new?to={contact_id}&template={template_id}").text
    assert "Hi Ines, welcome</textarea>" in shown
    chosen = post(agent, **newcomer(world, new_number(), choose=1)).text
    assert 'data-insert="Hi Noor, welcome"' in chosen


def test_a_file_goes_with_a_new_text_and_a_wrong_one_leaves_nothing(world: World) -> None:
    agent = world.sign_in("agent")
    number = new_number()
    wrong = post(agent, **newcomer(world, number, files=(io.BytesIO(b"MZ program"), "tool.exe")))
    assert wrong.status_code == 422
    assert "can&#39;t be sent" in wrong.text or "can't be sent" in wrong.text
    assert counts(world) == (0, 0, 0)
    picture = io.BytesIO()
    Image.new("RGB", (4, 4)).save(picture, "PNG")
    picture.seek(0)
    assert post(agent, **newcomer(world, number, files=(picture, "map.png"))).status_code == 302
    (conversation_id,) = conversations_of(world, world.contact_id(number))
    (text,) = world.messages(conversation_id)
    with world.session():
        assert [len(files) for files in media.of_texts([text.id]).values()] == [1]
