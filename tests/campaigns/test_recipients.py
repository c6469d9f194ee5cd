"""Who gets a campaign, who is left out and why, and the lists of them."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest
from sqlalchemy import insert, select

from cadence_app.campaigns import recipients
from cadence_app.campaigns.models import Campaign, Recipient
from cadence_app.campaigns.segments import Segment, Who
from cadence_app.contacts.models import Contact, ContactTag, CustomField, Tag
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.quiet_hours import Hours
from tests.campaigns.sending import add_campaign, add_people, counts, state_of
from tests.world import World, new_number


def number_of(world: World, contact_id: int) -> str:
    with world.session():
        return db.session.get_one(Contact, contact_id).number


def tag(world: World, name: str, contact_ids: list[int]) -> int:
    with world.session():
        made = Tag(tenant_id=world.tenant_id, name=name)
        db.session.add(made)
        db.session.flush()
        rows = [{"contact_id": each, "tag_id": made.id, "tenant_id": world.tenant_id} for each in contact_ids]
        db.session.execute(insert(ContactTag), rows)
        db.session.commit()
        return made.id


def get_it(world: World, segment: Segment) -> list[int]:
    campaign_id = add_campaign(world, segment)
    with world.session():
        query = select(Recipient.contact_id).where(
            Recipient.campaign_id == campaign_id, Recipient.state == "waiting"
        )
        return sorted(each for each in db.session.scalars(query) if each)


def test_each_reason_to_be_left_out_is_told_and_counted_once(world: World) -> None:
    texted, twice, out, everywhere, held, elsewhere = (new_number() for _ in range(6))
    for number in (texted, twice, out, held):
        world.text(number, "hi")
    world.text(out, "STOP")
    world.text(held, "please stop texting me")
    world.text(elsewhere, "hi", world.other_shared)
    world.text(everywhere, "STOPALL", world.other_shared)
    lines = [texted, twice, twice, out, held, elsewhere, everywhere, "12", "nobody's id", new_number()]
    campaign_id = add_campaign(world, Segment(Who.PASTED, entries=tuple(lines)))
    assert counts(world, campaign_id) == {
        "waiting": 2,
        "duplicate": 1,
        "opted_out": 1,
        "possible_opt_out": 1,
        "not_in_team": 5,
    }
    page = world.sign_in("agent").get(f"/campaigns/{campaign_id}").text
    for words in (
        "Nobody in this team has this number or ContactId",
        "Possible opt out",
        "In the list already",
    ):
        assert words in page
    assert "Send now to 2" in page


def test_who_is_in_another_team_only_is_named_to_nobody(world: World) -> None:
    (stranger,) = add_people(world, 1, world.other_team_id, external_id="S-77", last_name="Secretname")
    # Twice, and by a number, and beside what is nobody's: all look the same.
    entries = ("S-77", "S-77", "nobody's id", "nobody's id", "12")
    campaign_id = add_campaign(world, Segment(Who.PASTED, entries=entries))
    assert counts(world, campaign_id) == {"not_in_team": 5}
    agent = world.sign_in("agent")
    for which in ("not_in_team", "left-out"):
        page = agent.get(f"/campaigns/{campaign_id}/{which}").text
        file = agent.get(f"/campaigns/{campaign_id}/{which}.csv").text
        _names_nobody(page, file, number_of(world, stranger))


def _names_nobody(page: str, file: str, number: str) -> None:
    for seen in (page, file):
        assert "S-77" in seen
        assert "Secretname" not in seen
        assert number not in seen


def test_a_toll_free_block_leaves_out_of_that_inbox_only(world: World) -> None:
    number = new_number()
    world.text(number, "hi", world.toll_free)
    world.text(number, "STOP", world.toll_free)
    world.text(number, "START", world.shared)
    assert counts(world, add_campaign(world, inbox=world.toll_free)) == {"carrier_block": 1}
    assert counts(world, add_campaign(world)) == {"waiting": 1}


def test_tags_any_all_and_none_and_a_custom_field_choose_among_the_team(world: World) -> None:
    one, two, three, four = add_people(world, 4)
    add_people(world, 1, world.other_team_id)
    a, b = tag(world, "A", [one, two]), tag(world, "B", [two, three])
    with world.session():
        field = CustomField(tenant_id=world.tenant_id, name="Major")
        db.session.add(field)
        db.session.flush()
        db.session.get_one(Contact, three).custom = {str(field.id): "Biology"}
        field_id = field.id
        db.session.commit()
    assert get_it(world, Segment()) == [one, two, three, four]
    assert get_it(world, Segment(narrowing={"tags_any": [a, b]})) == [one, two, three]
    assert get_it(world, Segment(narrowing={"tags_all": [a, b]})) == [two]
    assert get_it(world, Segment(narrowing={"tags_none": [a]})) == [three, four]
    assert get_it(world, Segment(narrowing={"tags_any": [b], "tags_none": [a]})) == [three]
    assert get_it(world, Segment(narrowing={"field": [field_id, "bioLOGY"]})) == [three]


def test_a_pasted_line_is_a_contact_id_before_it_is_a_number(world: World) -> None:
    (by_id,) = add_people(world, 1, external_id="2125550188")
    (by_number,) = add_people(world, 1, number="+12125550188")
    assert get_it(world, Segment(Who.PASTED, entries=("2125550188",))) == [by_id]
    assert get_it(world, Segment(Who.PASTED, entries=("(212) 555-0188", "+1 212 555 0188"))) == [by_number]


def test_the_preview_says_how_many_wait_for_their_own_morning(world: World) -> None:
    add_people(world, 1, number="+16075550111")  # New York
    add_people(world, 1, number="+12065550112")  # Seattle
    campaign_id = add_campaign(world)
    hours = Hours(8, 21, "America/New_York")
    with world.session():
        campaign = db.session.get_one(Campaign, campaign_id)
        # 9 AM in New York, 6 AM in Seattle
        told = recipients.preview(campaign, hours, datetime(2026, 11, 25, 14, tzinfo=UTC))
        assert (told.texted, told.waiting) == (2, 1)
        assert told.all_open_at == datetime(2026, 11, 25, 16, tzinfo=UTC)
        assert recipients.preview(campaign, hours, datetime(2026, 11, 25, 18, tzinfo=UTC)).waiting == 0


def test_a_csv_holds_the_whole_list_and_defuses_what_a_spreadsheet_would_run(world: World) -> None:
    add_people(world, 60, first_name="=HYPERLINK(1)")
    campaign_id = add_campaign(world)
    agent = world.sign_in("agent")
    assert "1 to 50 of 60" in agent.get(f"/campaigns/{campaign_id}/everyone").text
    assert "51 to 60 of 60" in agent.get(f"/campaigns/{campaign_id}/everyone?page=2").text
    answer = agent.get(f"/campaigns/{campaign_id}/everyone.csv")
    assert answer.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert len(rows) == 60
    assert {row["FirstName"] for row in rows} == {"'=HYPERLINK(1)"}
    assert {row["State"] for row in rows} == {"Waiting"}


@pytest.mark.parametrize("page", ["0", "-3", "9" * 30, "x", "%00"])
def test_a_page_that_is_none_is_no_error(world: World, page: str) -> None:
    campaign_id = add_campaign(world)
    assert state_of(world, campaign_id) == "draft"
    assert world.sign_in("agent").get(f"/campaigns/{campaign_id}/everyone?page={page}").status_code == 200
    assert world.sign_in("agent").get(f"/campaigns/{campaign_id}/unknown").status_code == 404


def test_a_campaign_from_a_teams_inbox_is_of_that_team(world: World) -> None:
    with world.session():
        box = db.session.scalars(select(Inbox).where(Inbox.number == world.shared)).one()
        assert db.session.get_one(Campaign, add_campaign(world)).team_id == box.team_id
