"""What is said before a campaign goes: its checks, which are kept with it; how many would get it; and a test
text to oneself, which is no way around consent."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from cadence_app.accounts.models import Tenant
from cadence_app.campaigns import checklist
from cadence_app.campaigns.checklist import Check, Item
from cadence_app.campaigns.models import Campaign
from cadence_app.campaigns.segments import Segment, Who
from cadence_app.contacts.models import CustomField, Tag
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.models import Message
from tests.campaigns.sending import add_campaign, add_people, always_open, schedule, send, start, texts_of
from tests.world import World, new_number


def checks(world: World, campaign_id: int) -> list[Item]:
    with world.session():
        return checklist.of(db.session.get_one(Campaign, campaign_id))


def check(world: World, body: str, which: Check, people: list[int] | None = None) -> Item:
    """What one check says of a text to these, or to the whole team."""
    segment = Segment(Who.PICKED, contact_ids=tuple(people)) if people else None
    campaign_id = add_campaign(world, segment, body=body)
    return next(item for item in checks(world, campaign_id) if item.check == which)


@pytest.mark.parametrize(
    ("body", "good"),
    [
        ("Lakeside University: tours on Saturday", True),
        ("It's lakeside! Tours on Saturday", True),
        ("Tours at the university on Saturday", False),
        ("Lakesiders, tours on Saturday", False),
    ],
)
def test_a_text_says_which_organisation_it_is_from(world: World, body: str, good: bool) -> None:
    with world.session():
        db.session.get_one(Tenant, world.tenant_id).name = f"Lakeside University {world.tenant_id}"
        db.session.commit()
    assert check(world, body, Check.WHO).good is good


def test_a_first_text_says_how_to_stop_and_a_later_one_need_not(world: World) -> None:
    always_open(world)
    people = add_people(world, 3)
    asked = check(world, "Hi there", Check.STOP, people)
    assert not asked.good
    assert "3 people" in asked.says
    assert check(world, "Hi. Reply STOP to opt out", Check.STOP, people).good
    send(world, add_campaign(world, Segment(Who.PICKED, contact_ids=tuple(people[:2]))))
    assert "1 person" in check(world, "Hi there", Check.STOP, people).says
    assert check(world, "Hi there", Check.STOP, people[:2]).good


@pytest.mark.parametrize(
    ("body", "good"),
    [
        ("See https://bit.ly/3xYz", False),
        ("See www.TinyURL.com/tour.", False),
        ("See t.co/abc", False),
        ("See https://lakeside.example/tour", True),
        ("See hobbit.ly or t.com", True),
    ],
)
def test_public_short_links_are_named(world: World, body: str, good: bool) -> None:
    assert check(world, body, Check.LINKS).good is good


def test_the_length_is_that_of_the_longest_values(world: World) -> None:
    people = add_people(world, 2, first_name="Al")
    assert check(world, "x" * 160, Check.LENGTH, people).says == "1 text for each person, 2 in all."
    assert check(world, "x" * 161, Check.LENGTH, people).says == "2 texts for each person, 4 in all."
    long = add_people(world, 1, first_name="Alexandrina-Victoria")
    assert check(world, "x" * 150 + "{first_name}", Check.LENGTH, people + long).says.startswith(
        "1 to 2 texts"
    )
    # One letter outside the plain alphabet makes the text longer, however short the name.
    rare = add_people(world, 1, first_name="Ẽa")
    assert check(world, "x" * 100 + "{first_name}", Check.LENGTH, people + rare).says.startswith(
        "1 to 2 texts"
    )
    assert not check(world, "x" * 700, Check.LENGTH, people).good


def test_a_field_without_a_value_is_told_with_examples_unless_something_is_said_instead(world: World) -> None:
    with world.session():
        major = CustomField(tenant_id=world.tenant_id, name="Major")
        db.session.add(major)
        db.session.commit()
        field_id = str(major.id)
    people = add_people(world, 2, custom={field_id: "Biology"})
    people += add_people(world, 1, first_name="Nora", last_name="Quist")
    asked = check(world, "About {major} and {Major|your studies}", Check.FIELDS, people)
    assert not asked.good
    assert asked.says.startswith("1 person has no Major.")
    assert asked.examples == ("Nora Quist",)
    assert check(world, "About {major|your studies}", Check.FIELDS, people).good
    assert not [item for item in checks(world, add_campaign(world, body="Hi")) if item.check == Check.FIELDS]


def test_the_last_campaigns_opt_out_rate_is_told(world: World) -> None:
    always_open(world)
    world.text(number := new_number(), "hi")
    first = add_campaign(world)
    assert not [item for item in checks(world, first) if item.check == Check.LAST_RATE]
    send(world, first)
    world.text(number, "STOP")
    told = next(item for item in checks(world, add_campaign(world)) if item.check == Check.LAST_RATE)
    assert "Open house, 1 of 1 opted out (100.0%)" in told.says
    assert not told.good


@pytest.mark.parametrize("how", ["now", "later"])
def test_what_was_checked_is_kept_with_the_campaign_without_anybodys_name(world: World, how: str) -> None:
    add_people(world, 1, first_name="", last_name="Zimmermann")
    campaign_id = add_campaign(world, body="Hi {first_name}")
    agent = world.sign_in("agent")
    assert "Such as Zimmermann" in agent.get(f"/campaigns/{campaign_id}").text
    if how == "now":
        start(world, campaign_id)
    else:
        with world.session():
            now = db.session.get_one(Campaign, campaign_id).created_at
        schedule(world, campaign_id, now)
    with world.session():
        kept = db.session.get_one(Campaign, campaign_id).checked
    assert kept is not None
    assert "1 person has no first name." in str(kept)
    assert "Zimmermann" not in str(kept)
    if how == "now":
        assert "What was checked before it went" in agent.get(f"/campaigns/{campaign_id}").text


def _form(world: World, **fields: Any) -> dict[str, Any]:
    with world.session():
        box = db.session.scalars(select(Inbox.id).where(Inbox.number == world.shared)).one()
    return {"inbox_id": str(box), "who": "team"} | fields


def test_while_one_chooses_it_says_how_many_would_get_it(world: World) -> None:
    add_people(world, 2)
    world.text(number := new_number(), "hi")
    world.text(number, "STOP")
    agent = world.sign_in("agent")
    said = agent.post("/campaigns/count", _form(world)).text
    assert "<strong>2</strong> would get it, 1 left out" in said
    with world.session():
        tag = Tag(tenant_id=world.tenant_id, name="Transfer")
        db.session.add(tag)
        db.session.commit()
        tag_id = tag.id
        assert db.session.scalars(select(Campaign.id)).all() == []
    assert (
        "<strong>0</strong> would get it"
        in agent.post("/campaigns/count", _form(world, tags_any=[tag_id])).text
    )
    pasted = _form(world, who="pasted", pasted=f"{number}\n{number}\nnobody")
    assert "<strong>0</strong> would get it, 3 left out" in agent.post("/campaigns/count", pasted).text
    for nobody in ({"who": "picked"}, {"who": "nonsense"}, {"inbox_id": "9" * 40}, {"tags_any": ["9" * 40]}):
        assert "Nobody is chosen yet" in agent.post("/campaigns/count", _form(world, **nobody)).text


def test_the_count_is_what_the_review_says_then(world: World) -> None:
    people = add_people(world, 3)
    numbers = [new_number()]
    world.text(numbers[0], "hi")
    world.text(numbers[0], "please stop texting me")
    agent = world.sign_in("agent")
    form = _form(world, name="Open house", body="Hi", who="picked", picked=people[:2])
    assert "<strong>2</strong> would get it" in agent.post("/campaigns/count", form).text
    assert "Send now to 2" in agent.post("/campaigns/new", form, follow_redirects=True).text


def test_a_test_text_goes_to_oneself_as_any_text_by_hand(world: World) -> None:
    mine = new_number()
    received = world.text(mine, "it's me")
    campaign_id = add_campaign(world, body="Hi {first_name|there}, come on Saturday")
    agent = world.sign_in("agent")
    page = agent.post(f"/campaigns/{campaign_id}/test", {"number": mine}, follow_redirects=True).text
    assert "The test text is on its way." in page
    sent = world.messages(received.conversation_id)[-1]
    assert (sent.body, sent.campaign_id, sent.by_hand) == ("Hi there, come on Saturday", None, True)
    assert texts_of(world, campaign_id) == []


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ("STOP", "The contact is opted out of Admissions."),
        (None, "Text any word from your phone to"),
    ],
)
def test_a_test_text_is_no_way_around_consent(world: World, said: str | None, says: str) -> None:
    mine = new_number()
    if said:
        world.text(mine, "hi")
        world.text(mine, said)
    campaign_id = add_campaign(world)
    with world.session():
        before = db.session.scalars(select(Message.id)).all()
    agent = world.sign_in("agent")
    answer = agent.post(f"/campaigns/{campaign_id}/test", {"number": mine})
    assert answer.status_code == 422
    assert says in answer.text
    with world.session():
        assert db.session.scalars(select(Message.id)).all() == before


@pytest.mark.parametrize("number", ["", "12", "nobody", "x\x00", "9" * 400])
def test_a_number_that_is_none_is_told(world: World, number: str) -> None:
    campaign_id = add_campaign(world)
    answer = world.sign_in("agent").post(f"/campaigns/{campaign_id}/test", {"number": number})
    assert answer.status_code == 422
    assert 'id="test-problem"' in answer.text
