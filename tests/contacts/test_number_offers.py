"""A number that only lacks its area code: refused, and offered in full at a click, in every form."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from openpyxl import Workbook
from sqlalchemy import func, select

from cadence_app.campaigns.models import Campaign
from cadence_app.consent.models import OptOutChange
from cadence_app.contacts.imports.models import ImportRow
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from tests.campaigns.sending import add_people
from tests.contacts.importing import check, csv_of, row, run, start, upload, work
from tests.records.people import IN, current_numbers, opt
from tests.world import Browser, World, new_number


def offers(page: str, name: str = "number") -> list[str]:
    """What the buttons of a page offer for a field."""
    return re.findall(rf'<button type="submit" class="btn" name="{name}" value="(\+[0-9]+)"', page)


def add(browser: Browser, world: World, *numbers: str) -> Any:
    form = {"number": list(numbers), "first_name": "Rosa", "team_id": world.team_id}
    return browser.post("/contacts/new", form, token_from="/contacts/new")


def contacts(world: World) -> int:
    with world.session():
        return db.session.scalars(select(func.count()).select_from(Contact)).one()


@pytest.mark.parametrize("mode", ["teams", "legacy"])
def test_a_local_number_is_offered_in_the_teams_area_and_taken_at_a_click(
    mode: str, world: World, legacy_world: World
) -> None:
    here = world if mode == "teams" else legacy_world
    agent, full = here.sign_in("agent"), f"+1{here.shared[2:5]}5550145"
    refused = add(agent, here, "555-0145")
    assert refused.status_code == 422
    assert "has no area code" in refused.text
    assert offers(refused.text) == [full]
    assert f"({full[2:5]}) 555-0145?" in refused.text
    # Enter presses the first button of the form, which is not the offer.
    assert refused.text.index("Add contact</button>") < refused.text.index('name="number" value="+1')
    assert contacts(here) == 0
    assert add(agent, here, "555-0145", full).status_code == 302
    assert here.contact_id(full)


def test_an_offer_counts_only_for_the_number_it_was_made_for(world: World) -> None:
    agent, full, other = world.sign_in("agent"), f"+1{world.shared[2:5]}5550145", new_number()
    assert offers(add(agent, world, "555-0146", full).text) == [f"+1{world.shared[2:5]}5550146"]
    assert add(agent, world, other, full).status_code == 302
    assert world.contact_id(other)
    for typed, offered in (("12", full), ("555-0145", "x"), ("555-0145", ""), ("555-0145", "+15550145")):
        assert add(agent, world, typed, offered).status_code == 422
    assert contacts(world) == 1


@pytest.mark.parametrize("number", ["+15550145", "3.03555012E+9", "911-555-0145", "303 555 0145 x2", "12"])
def test_what_is_no_number_is_refused_without_an_offer(world: World, number: str) -> None:
    refused = add(world.sign_in("agent"), world, number)
    assert refused.status_code == 422
    assert 'id="number-error"' in refused.text
    assert offers(refused.text) == []


def test_a_team_without_an_inbox_of_an_area_offers_nothing(world: World) -> None:
    with world.session():
        for inbox in db.session.scalars(select(Inbox).where(Inbox.team_id == world.team_id)):
            inbox.closed_at = func.now()
        db.session.commit()
    refused = add(world.sign_in("agent"), world, "555-0145")
    assert refused.status_code == 422
    assert offers(refused.text) == []


def test_a_further_or_another_number_is_offered_too(world: World) -> None:
    contact_id = world.add_contact()
    opt(world, contact_id, IN)
    agent, full = world.sign_in("agent"), f"+1{world.shared[2:5]}5550145"
    path = f"/contacts/{contact_id}/numbers"
    form = {"number": "555-0145", "use": "further", "reason": "On the phone."}
    assert offers(agent.post(path, form, token_from=path).text) == [full]
    assert agent.post(path, form | {"number": ["555-0145", full]}, token_from=path).status_code == 302
    assert full in current_numbers(world, contact_id)


def test_the_phone_simulator_offers_the_inboxs_area(world: World) -> None:
    page = world.app.test_client().get(
        "/dev/phone/", query_string={"from_number": "555-0145", "inbox": world.shared}
    )
    assert f"from_number=%2B1{world.shared[2:5]}5550145" in page.text


def test_a_new_inbox_needs_a_full_number(world: World) -> None:
    admin = world.sign_in("admin")
    form = {"name": "Front desk", "number": "555-0145", "team": world.team_id, "owner": ""}
    refused = admin.post("/settings/inboxes/", form)
    assert refused.status_code == 422
    assert "has no area code" in refused.text


def pasted(world: World, *lines: str, **more: str) -> dict[str, Any]:
    with world.session():
        inbox_id = db.session.scalars(select(Inbox.id).where(Inbox.number == world.shared)).one()
    form = {"name": "List", "inbox_id": inbox_id, "who": "pasted", "body": "Hello"}
    return form | {"pasted": "\n".join(lines)} | more


def entries(world: World) -> list[str]:
    with world.session():
        campaign = db.session.scalars(select(Campaign).order_by(Campaign.id.desc())).first()
        assert campaign
        found: list[str] = campaign.segment["entries"]
        return found


def test_local_numbers_of_a_pasted_list_wait_for_one_choice(world: World) -> None:
    full = f"+1{world.shared[2:5]}5550145"
    add_people(world, 1, number=full)
    agent, lines = world.sign_in("agent"), ("555-0145", "(212) 555-0188")
    refused = agent.post("/campaigns/new", pasted(world, *lines), token_from="/campaigns/new")
    assert refused.status_code == 422
    assert "1 line is a number without an area code, such as 555-0145." in refused.text
    assert f"Add area code {world.shared[2:5]}" in refused.text
    wrong = agent.post("/campaigns/new", pasted(world, *lines, local_as="999"))
    assert wrong.status_code == 422
    taken = agent.post("/campaigns/new", pasted(world, *lines, local_as=world.shared[2:5]))
    assert taken.status_code == 302
    assert entries(world) == [full, "(212) 555-0188"]
    assert "Send now to 1" in agent.get(taken.location).text
    left = agent.post("/campaigns/new", pasted(world, *lines, local_as="out"))
    assert left.status_code == 302
    assert entries(world) == list(lines)


def test_a_pasted_contact_id_of_seven_digits_is_no_local_number(world: World) -> None:
    add_people(world, 1, external_id="5550145")
    agent = world.sign_in("agent")
    answer = agent.post("/campaigns/new", pasted(world, "5550145"), token_from="/campaigns/new")
    assert answer.status_code == 302


def test_whether_a_contact_id_is_another_teams_is_not_told(world: World) -> None:
    world.add_contact(external_id="5550145")
    agent = world.sign_in("agent")
    answer = agent.post("/campaigns/new", pasted(world, "5550145"), token_from="/campaigns/new")
    assert "without an area code" in answer.text


HEADER = ("FirstName", "Mobile", "OptedOut")


def test_a_file_gets_an_area_code_by_one_choice_which_is_off_by_itself(world: World) -> None:
    area, full = world.shared[2:5], new_number()
    import_id = upload(
        world, csv_of(("A", "555-0145", ""), ("B", "5550146.0", ""), ("C", full, ""), header=HEADER)
    )
    checked = check(world, import_id, [world.team_id])
    assert (checked.rows_new, checked.rows_refused, checked.local_numbers) == (1, 2, 2)
    admin, path = world.sign_in("admin"), f"/contacts/import/{import_id}"
    page = admin.get(path).text
    assert "2 rows have numbers without an area code" in page
    assert f"Add area code {area}" in page
    assert admin.post(f"{path}/area-code", {"area_code": area}).status_code == 302
    assert work(world, import_id).rows_new == 3
    assert f"Area code {area} is added to 2 rows" in admin.get(path).text
    start(world, import_id)
    assert work(world, import_id).rows_new == 3
    assert world.contact_id(f"+1{area}5550145")
    assert world.contact_id(f"+1{area}5550146")


def test_the_choice_can_be_taken_back_and_is_of_the_list_only(world: World) -> None:
    import_id = upload(world, csv_of(("A", "555-0145", ""), header=HEADER))
    check(world, import_id, [world.team_id])
    admin, path = world.sign_in("admin"), f"/contacts/import/{import_id}"
    admin.get(path)
    for wrong in ("999", "30x", "x" * 100):
        admin.post(f"{path}/area-code", {"area_code": wrong})
        assert (row(world, import_id).state, row(world, import_id).area_code) == ("ready", "")
    admin.post(f"{path}/area-code", {"area_code": world.shared[2:5]})
    assert work(world, import_id).rows_new == 1
    admin.post(f"{path}/area-code", {"area_code": ""})
    assert work(world, import_id).rows_refused == 1


def test_no_choice_is_offered_where_no_row_needs_one(world: World) -> None:
    import_id = upload(world, csv_of(("A", new_number(), ""), ("B", "12", ""), header=HEADER))
    check(world, import_id, [world.team_id])
    assert "area code" not in world.sign_in("admin").get(f"/contacts/import/{import_id}").text


def staged(world: World, content: bytes, name: str = "people.csv") -> list[tuple[str, str | None]]:
    """Number and status of each row as it was understood."""
    import_id = upload(world, content, name)
    assert check(world, import_id, [world.team_id]).state == "ready"
    with world.session():
        rows = select(ImportRow).where(ImportRow.import_id == import_id).order_by(ImportRow.line)
        return [(each.number, each.status) for each in db.session.scalars(rows)]


CELLS = [
    ("4.15555017E9", "1.0", "+14155550170", "opted_out"),
    ("4.15555017E+9", "1", "", "opted_out"),
    ("4155550172.0", "0.0", "+14155550172", "opted_in"),
    ("+52 1 55 5123 4567", "0,0", "+525551234567", "opted_in"),
    ("4155550173", "1.5", "+14155550173", None),
    ("(415) 555-0174" + " " * 30 + "(415) 555-0175", "", "", None),
]


def test_what_other_programs_make_of_numbers_and_of_yes_and_no_is_read_in_csv(world: World) -> None:
    content = csv_of(*(("A", number, out) for number, out, *_ in CELLS), header=HEADER)
    assert staged(world, content) == [(number, status) for *_, number, status in CELLS]


def test_and_in_text_cells_and_number_cells_of_workbooks(world: World) -> None:
    book = Workbook()
    sheet = book.active
    sheet.append(HEADER)
    for number, out, *_ in CELLS:
        sheet.append(("A", number, out))
    sheet.append(("A", 4155550176, 1))
    sheet.append(("A", 4155550177.0, 0.0))
    sheet.append(("A", 4155550178.5, True))
    made = io.BytesIO()
    book.save(made)
    wanted = [(number, status) for *_, number, status in CELLS]
    wanted += [("+14155550176", "opted_out"), ("+14155550177", "opted_in"), ("", "opted_out")]
    assert staged(world, made.getvalue(), "people.xlsx") == wanted


def test_a_rounded_number_opts_nobody_out_by_file(world: World) -> None:
    number = new_number()
    contact_id = world.add_contact(number)
    opt(world, contact_id, IN)
    rounded = f"{number[2]}.{number[3:11]}E+9"
    done = run(world, csv_of(("A", rounded, "yes"), header=HEADER), [world.team_id])
    assert done.rows_refused == 1
    with world.session():
        assert db.session.scalars(select(func.count()).select_from(OptOutChange)).one() == 1
