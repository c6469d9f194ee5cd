"""Writing first: to whom, from which inbox, and what is left of it when it may not go."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from cadence_app.accounts.models import Team, TeamMember
from cadence_app.consent.evidence_models import Evidence
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.models import Conversation, LaterState, Message, ScheduledText
from cadence_app.messaging.sending import deliver
from tests.messaging.words import opt_out_by_hand
from tests.records.people import IN, add_number, opt
from tests.world import Browser, World, new_number

HTMX = {"HX-Request": "true"}


def inbox_id(world: World, number: str) -> int:
    with world.session():
        return db.session.scalars(select(Inbox.id).where(Inbox.number == number)).one()


def person(world: World, number: str | None = None, **names: str) -> int:
    """Somebody who is opted in to the first team, with whom nobody has talked."""
    contact_id = world.add_contact(number, **names)
    opt(world, contact_id, IN)
    return contact_id


def counts(world: World) -> tuple[int, int, int]:
    """How many contacts, conversations and texts the tenant has."""
    with world.session():
        tables = (Contact, Conversation, Message)
        return tuple(db.session.scalars(select(func.count()).select_from(each)).one() for each in tables)  # type: ignore[return-value]


def conversations_of(world: World, contact_id: int) -> list[int]:
    with world.session():
        query = select(Conversation.id).where(Conversation.contact_id == contact_id)
        return list(db.session.scalars(query.order_by(Conversation.id)))


def post(browser: Browser, **data: Any) -> Any:
    return browser.post("/messages/new", data)


def once_of(page: str) -> str:
    found = re.search(r'name="once" value="([^"]+)"', page)
    assert found
    return found[1]


def options_of(page: str) -> list[str]:
    """What the inboxes to choose from are called, in order; the chosen one with a star."""
    chosen = re.findall(r'<option value="\d+"( selected)?>([^<]+)</option>', page)
    return [("*" if star else "") + html.unescape(words).split(",")[0] for star, words in chosen]


# Whom


def test_a_person_is_found_by_name_number_or_contact_id_as_one_types(world: World) -> None:
    number = new_number()
    person(world, number, first_name="Ines", last_name="Okafor", external_id="S-4711")
    person(world, first_name="Pat", last_name="Reyes")
    agent = world.sign_in("agent")
    for typed in ("ine", "okafor", "s-47", number[-7:]):
        page = agent.get("/messages/new/people", query_string={"who": typed}, headers=HTMX).text
        assert "Ines Okafor" in page
        assert "Pat Reyes" not in page
        assert "Opted in" in page


def test_enter_chooses_the_only_one_and_asks_among_several(world: World) -> None:
    one = person(world, first_name="Ines", last_name="Okafor")
    for _ in range(2):
        person(world, first_name="Sam", last_name="Lee")
    exact = person(world, first_name="Sam", last_name="Leeds")
    agent = world.sign_in("agent")
    assert f"to={one}" in (agent.get("/messages/new?who=ines").location or "")
    several = agent.get("/messages/new?who=sam")
    assert several.status_code == 200
    assert several.text.count('class="person-name"><bdi>Sam') == 3
    # Whoever has exactly this name.
    assert f"to={exact}" in (agent.get("/messages/new?who=sam+leeds").location or "")
    nobody = agent.get("/messages/new?who=zzyx")
    assert "Nobody in your teams has “zzyx”" in nobody.text


def test_a_number_that_nobody_has_leads_to_adding_them(world: World) -> None:
    number = new_number()
    agent = world.sign_in("agent")
    spelled = f"({number[2:5]}) {number[5:8]}-{number[8:]}"
    answer = agent.get("/messages/new", query_string={"who": spelled})
    assert answer.status_code == 302
    page = agent.get(answer.location)
    assert f'value="{number}"' in page.text
    assert "opted in. Text only people who agreed" in page.text
    assert "too few or too many digits" in agent.get("/messages/new?who=212+555").text


def test_a_local_number_is_offered_with_the_area_code_of_the_teams(world: World) -> None:
    agent = world.sign_in("agent")
    page = agent.get("/messages/new?who=555-0123").text
    assert f"%2B1{world.shared[2:5]}5550123" in page


def test_who_is_in_another_team_only_is_not_found(world: World) -> None:
    number = new_number()
    contact_id = world.add_contact(number, first_name="Hidden", last_name="Person")
    opt(world, contact_id, IN, world.other_team_id)
    agent = world.sign_in("agent")
    assert "Hidden" not in agent.get("/messages/new/people?who=hidden", headers=HTMX).text
    assert "Hidden" not in agent.get("/messages/new/people", query_string={"who": number}, headers=HTMX).text
    assert agent.get(f"/messages/new?to={contact_id}").status_code == 404
    assert post(agent, to=contact_id, body="Hi", **{"from": inbox_id(world, world.shared)}).status_code == 404


def test_another_organisations_ids_are_not_found(world: World, legacy_world: World) -> None:
    theirs, ours = person(legacy_world), person(world)
    agent = world.sign_in("agent")
    foreign_inbox = inbox_id(legacy_world, legacy_world.shared)
    assert agent.get(f"/messages/new?to={theirs}").status_code == 404
    assert agent.get(f"/messages/new?to={ours}&from={foreign_inbox}").status_code == 404
    for data in ({"to": theirs, "from": inbox_id(world, world.shared)}, {"to": ours, "from": foreign_inbox}):
        assert post(agent, body="Hi", **data).status_code == 404
    for wrong in ("x", "-1", str(2**64), "\x00"):
        assert post(agent, body="Hi", to=wrong).status_code == 404


# From which inbox


def test_only_open_inboxes_that_the_user_works_in_are_offered(world: World) -> None:
    contact_id = person(world)
    agent = world.sign_in("agent")
    offered = options_of(agent.get(f"/messages/new?to={contact_id}").text)
    assert {each.strip("*") for each in offered} == {"Front desk", "Toll-free", "Agent"}
    with world.session():
        db.session.execute(update(Inbox).where(Inbox.number == world.toll_free).values(closed_at=func.now()))
        db.session.commit()
    offered = options_of(agent.get(f"/messages/new?to={contact_id}").text)
    assert {each.strip("*") for each in offered} == {"Front desk", "Agent"}
    closed = post(agent, to=contact_id, body="Hi there", **{"from": inbox_id(world, world.toll_free)})
    assert closed.status_code == 422
    assert "This inbox was closed meanwhile" in closed.text
    assert "Hi there" in closed.text
    assert conversations_of(world, contact_id) == []


def test_a_colleagues_personal_inbox_is_nobody_elses(world: World) -> None:
    contact_id = person(world)
    admin = world.sign_in("admin")
    assert "Agent" not in " ".join(options_of(admin.get(f"/messages/new?to={contact_id}").text))
    answer = post(admin, to=contact_id, body="Hi", **{"from": inbox_id(world, world.personal)})
    assert answer.status_code == 404
    assert counts(world)[1] == 0


def test_the_inbox_that_was_written_from_last_comes_first_and_the_one_they_know_before_it(
    world: World,
) -> None:
    first, second = person(world), person(world)
    agent = world.sign_in("agent")
    post(agent, to=first, body="Hi", **{"from": inbox_id(world, world.toll_free)})
    assert options_of(agent.get(f"/messages/new?to={second}").text)[0] == "*Toll-free"
    post(agent, to=second, body="Hi", **{"from": inbox_id(world, world.personal)})
    page = agent.get(f"/messages/new?to={first}&pick=1").text
    assert options_of(page)[:2] == ["*Toll-free", "Agent"]
    # The list that stands beside says where one works now.
    third = person(world)
    shared = inbox_id(world, world.shared)
    assert "*Front desk" in options_of(agent.get(f"/messages/new?to={third}&inbox={shared}").text)


@pytest.mark.parametrize("mode", ["teams", "legacy"])
def test_who_is_in_no_team_is_told_so(mode: str, world: World, legacy_world: World) -> None:
    here = world if mode == "teams" else legacy_world
    with here.session():
        db.session.query(TeamMember).filter(TeamMember.user_id == here.agent_id).delete()
        db.session.commit()
    agent = here.sign_in("agent")
    page = agent.get("/messages/new")
    assert "No inbox to text from" in page.text
    assert f"You are in no {'team' if mode == 'teams' else 'department'} that has an open inbox" in page.text
    assert post(agent, number=new_number(), body="Hi").status_code == 422


# Sending


def test_a_text_to_a_known_person_goes_and_makes_the_conversation(world: World) -> None:
    contact_id = person(world)
    agent = world.sign_in("agent")
    page = agent.get(f"/messages/new?to={contact_id}").text
    assert conversations_of(world, contact_id) == []
    shared = inbox_id(world, world.shared)
    answer = post(agent, to=contact_id, body="Are you coming?", once=once_of(page), **{"from": shared})
    (conversation_id,) = conversations_of(world, contact_id)
    assert answer.status_code == 302
    assert answer.location.startswith(f"/messages/conversations/{conversation_id}?")
    (text,) = world.messages(conversation_id)
    assert (text.body, text.state, text.user_id, text.by_hand) == (
        "Are you coming?",
        "queued",
        world.agent_id,
        True,
    )
    with world.session():
        deliver(text.id)
    assert world.messages(conversation_id)[0].state in ("sent", "delivered")
    thread = agent.get(answer.location).text
    assert "Are you coming?" in thread
    assert "autofocus" in thread


def test_looking_and_choosing_leave_nothing(world: World) -> None:
    contact_id = person(world)
    before = counts(world)
    agent = world.sign_in("agent")
    for path in ("", "?who=maya", f"?to={contact_id}", f"?number=%2B{new_number()[1:]}", "?number="):
        agent.get(f"/messages/new{path}")
    chosen = post(agent, choose=1, number=new_number(), body="Half a text", first_name="Jo")
    assert chosen.status_code == 200
    assert "Half a text" in chosen.text
    assert 'value="Jo"' in chosen.text
    assert counts(world) == before


def test_an_existing_conversation_is_opened_and_reused(world: World) -> None:
    received = world.text(new_number(), "hello")
    contact_id = world.contact_id_of(received.conversation_id)
    agent = world.sign_in("agent")
    answer = agent.get(f"/messages/new?to={contact_id}")
    assert answer.location.startswith(f"/messages/conversations/{received.conversation_id}?")
    shared = inbox_id(world, world.shared)
    page = agent.get(f"/messages/new?to={contact_id}&from={shared}").text
    assert "You have a conversation with them in this inbox" in page
    opened = post(agent, open=1, to=contact_id, body="Half a text", **{"from": shared})
    assert opened.status_code == 200
    assert "Half a text</textarea>" in opened.text
    assert f"/messages/conversations/{received.conversation_id}/send" in opened.text
    post(agent, to=contact_id, body="Whole", **{"from": shared})
    assert conversations_of(world, contact_id) == [received.conversation_id]
    assert [text.body for text in world.messages(received.conversation_id)] == ["hello", "Whole"]


def test_a_text_of_nothing_or_too_much_is_refused_and_kept(world: World) -> None:
    contact_id = person(world)
    agent = world.sign_in("agent")
    shared = inbox_id(world, world.shared)
    assert "Write something first" in post(agent, to=contact_id, body=" ", **{"from": shared}).text
    long = "x" * 1531
    answer = post(agent, to=contact_id, body=long, **{"from": shared})
    assert answer.status_code == 422
    assert long in answer.text
    assert "Choose the inbox to text from" in post(agent, to=contact_id, body="Hi").text
    assert conversations_of(world, contact_id) == []


def test_what_was_pressed_twice_is_one_text_and_other_words_are_another(world: World) -> None:
    contact_id = person(world)
    agent = world.sign_in("agent")
    data = {"to": contact_id, "from": inbox_id(world, world.shared), "once": "one form"}
    first, again = post(agent, body="Hi", **data), post(agent, body="Hi", **data)
    assert first.location == again.location
    (conversation_id,) = conversations_of(world, contact_id)
    assert [text.body for text in world.messages(conversation_id)] == ["Hi"]
    # Back in the browser, and something else is written.
    post(agent, body="Hello", **data)
    # Another form says the same again, and so may a colleague.
    post(agent, body="Hi", **data | {"once": "another form"})
    post(world.sign_in("admin"), body="Hi", **data)
    assert [text.body for text in world.messages(conversation_id)] == ["Hi", "Hello", "Hi", "Hi"]


def test_a_text_is_set_for_later_and_a_cancelled_one_leaves_nothing_in_the_list(world: World) -> None:
    contact_id = person(world, first_name="Ines", last_name="Okafor")
    agent = world.sign_in("agent")
    when = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    data = {"to": contact_id, "from": inbox_id(world, world.shared), "later": 1, "body": "See you"}
    missing = post(agent, **data)
    assert missing.status_code == 422
    assert "Enter a day and a time" in missing.text
    assert conversations_of(world, contact_id) == []
    answer = post(agent, send_at=when, **data)
    assert post(agent, send_at=when, **data).location == answer.location
    (conversation_id,) = conversations_of(world, contact_id)
    with world.session():
        (text,) = db.session.scalars(select(ScheduledText)).all()
        assert (text.state, text.body) == (LaterState.WAITING, "See you")
        text_id = text.id
    assert f'id="convo-{conversation_id}"' in agent.get("/messages/?inbox=").text
    agent.post(f"/messages/conversations/{conversation_id}/later/{text_id}/cancel")
    assert f'id="convo-{conversation_id}"' not in agent.get("/messages/?inbox=").text
    assert f"/messages/conversations/{conversation_id}" not in agent.get(f"/contacts/{contact_id}").text


# Who may not be texted


def test_the_reason_is_shown_as_one_chooses_and_nothing_is_kept(world: World) -> None:
    contact_id = person(world)
    agent = world.sign_in("agent")
    shared = inbox_id(world, world.shared)
    opt_out_by_hand(world, contact_id)
    page = agent.get(f"/messages/new?to={contact_id}").text
    assert "The contact is opted out of Admissions." in page
    assert "(opted out)" in page
    answer = post(agent, to=contact_id, body="Please read", **{"from": shared})
    assert answer.status_code == 409
    assert "Nothing was sent." in answer.text
    assert "Please read</textarea>" in answer.text
    assert conversations_of(world, contact_id) == []


def test_opting_in_beside_the_text_lets_it_go(world: World) -> None:
    number = new_number()
    for words in ("hello", "STOP"):
        world.text(number, words, world.toll_free)
    contact_id = world.contact_id(number)
    agent = world.sign_in("agent")
    shared = inbox_id(world, world.shared)
    path = f"/messages/new/{contact_id}/teams/{world.team_id}/consent?from={shared}"
    refused = agent.post(path, {"status": "opted_in"}, headers=HTMX)
    assert refused.status_code == 422
    assert "Write how this person gave consent again" in refused.text
    agreed = {"status": "opted_in", "reason": "Signed a form today", "words": "Signed a form today"}
    answer = agent.post(path, agreed, headers=HTMX)
    assert answer.status_code == 200
    assert answer.headers["HX-Retarget"] == "#new-text"
    assert world.status(contact_id) == "opted_in"
    assert post(agent, to=contact_id, body="Welcome", **{"from": shared}).status_code == 302
    assert agent.post(path.replace(f"/{world.team_id}/", f"/{world.other_team_id}/")).status_code == 404


def test_a_stop_to_a_personal_inbox_bars_personal_inboxes_alone(world: World) -> None:
    number = new_number()
    world.text(number, "hello", world.personal)
    world.text(number, "STOP", world.personal)
    contact_id = world.contact_id(number)
    opt(world, contact_id, IN)
    agent = world.sign_in("agent")
    personal = inbox_id(world, world.personal)
    barred = agent.get(f"/messages/new?to={contact_id}&from={personal}").text
    assert "no personal inbox may text them" in barred
    chosen = [each for each in options_of(agent.get(f"/messages/new?to={contact_id}").text) if "*" in each]
    assert chosen == ["*Front desk"]


def test_a_text_of_an_existing_conversation_that_may_not_go_is_kept_in_it(world: World) -> None:
    received = world.text(new_number(), "hello")
    contact_id = world.contact_id_of(received.conversation_id)
    opt_out_by_hand(world, contact_id)
    shared = inbox_id(world, world.shared)
    answer = post(world.sign_in("agent"), to=contact_id, body="Hi", once="a", **{"from": shared})
    assert answer.status_code == 409
    assert world.messages(received.conversation_id)[-1].state == "suppressed"
    opt(world, contact_id, IN)
    # The same form again, now that it may go.
    again = post(world.sign_in("agent"), to=contact_id, body="Hi", once="a", **{"from": shared})
    assert again.status_code == 302
    assert world.messages(received.conversation_id)[-1].state == "queued"


# Somebody new


def newcomer(world: World, number: str | list[str], **more: Any) -> dict[str, Any]:
    names = {"first_name": "Noor", "last_name": "Haddad", "body": "Welcome to the college"}
    return {"number": number, "from": inbox_id(world, world.shared), "once": "x"} | names | more


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


def test_the_desk_the_record_and_the_list_of_contacts_lead_there(world: World) -> None:
    contact_id = person(world)
    agent = world.sign_in("agent")
    assert 'id="new-text-link" href="/messages/new' in agent.get("/messages/").text
    for path in (f"/contacts/{contact_id}", "/contacts/"):
        assert f'href="/messages/new?to={contact_id}"' in agent.get(path).text
    assert "<kbd>c</kbd>" in agent.get("/messages/").text


# How they agreed


def evidence_of(world: World, contact_id: int) -> list[tuple[str, str, str]]:
    with world.session():
        rows = db.session.scalars(select(Evidence).where(Evidence.contact_id == contact_id)).all()
        return [(row.way, row.method, row.words) for row in rows]


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
