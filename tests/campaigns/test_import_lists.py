"""Campaigns to whom an import named: kept longer than how its rows went, and no consent by itself."""

from __future__ import annotations

import io
import json
import re
import zipfile
from datetime import timedelta

from sqlalchemy import func, select, update

from cadence_app.accounts.models import Navigation, User
from cadence_app.campaigns.models import Campaign
from cadence_app.campaigns.segments import Segment
from cadence_app.contacts.imports.jobs import forget_named
from cadence_app.contacts.imports.models import Import, ImportContact, ImportOutcome
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.records.personal_data import archive_of
from cadence_app.ui.navigation import WORDS
from tests.campaigns.sending import add_campaign, counts
from tests.campaigns.test_recipients import get_it
from tests.campaigns.test_screens import filled
from tests.contacts import importing
from tests.records.people import erase, merge
from tests.retention.old_contacts import keep_for_a_year, old_contact, remove_all
from tests.world import Browser, World, new_number


def imported(world: World, *numbers: str, code: str = "ADM", name: str = "people.csv", out: str = "") -> int:
    """Imports people of these numbers, and a row that is refused."""
    rows = [("Maya", "Chen", "", number, code, out) for number in numbers]
    return importing.run(world, importing.csv_of(*rows, ("X", "Y", "", "12", code, "")), name=name).id


def segment(*import_ids: int, **more: object) -> Segment:
    return Segment(narrowing={"imports": list(import_ids), **more})


def named(world: World, import_id: int) -> list[int]:
    with world.session():
        query = select(ImportContact.contact_id).where(ImportContact.import_id == import_id)
        return list(db.session.scalars(query.order_by(ImportContact.contact_id)))


def test_whom_an_import_named_is_kept_when_its_outcomes_are_gone(world: World) -> None:
    new, known, unchanged, elsewhere = (new_number() for _ in range(4))
    for number in (known, unchanged):
        world.text(number, "hi")
    with world.session():
        maya = {"first_name": "Maya", "last_name": "Chen"}
        db.session.execute(update(Contact).where(Contact.number == unchanged).values(maya))
        db.session.commit()
    first = imported(world, new, known, unchanged, new)
    second = imported(world, elsewhere, code="AID")
    ids = sorted(world.contact_id(number) for number in (new, known, unchanged))
    assert named(world, first) == ids
    with world.session():
        assert {each.result for each in db.session.scalars(select(ImportOutcome))} == {"refused"}
    assert get_it(world, segment(first)) == ids
    assert get_it(world, segment(first, second)) == ids
    assert get_it(world, segment(second)) == []
    world.text(new, "STOP")
    assert counts(world, add_campaign(world, segment(first))) == {"waiting": 2, "opted_out": 1}
    # With another choice beside it, both must hold.
    assert get_it(world, segment(first, tags_any=[0])) == []


def test_a_check_names_nobody_and_the_import_does(world: World) -> None:
    import_id = importing.upload(world, importing.csv_of(("Maya", "Chen", "", new_number(), "ADM", "")))
    importing.check(world, import_id)
    assert named(world, import_id) == []
    importing.start(world, import_id)
    importing.work(world, import_id)
    assert len(named(world, import_id)) == 1


def test_the_form_offers_imports_that_reach_the_users_own_teams(world: World) -> None:
    ours = imported(world, new_number(), name="ours <b>.csv")
    theirs = imported(world, new_number(), code="AID", name="theirs.csv")
    admin, agent = world.sign_in("admin"), world.sign_in("agent")
    page = admin.get("/campaigns/new").text
    assert "ours &lt;b&gt;.csv" in page
    assert "theirs.csv" in page
    page = agent.get("/campaigns/new").text
    assert "ours &lt;b&gt;.csv" in page
    assert "theirs.csv" not in page
    answer = agent.post("/campaigns/new", filled(world, imports=[str(ours)]))
    assert answer.status_code == 302
    assert "Send now to 1" in agent.get(answer.location).text
    for wrong in (str(theirs), "9" * 30, "x", "-1"):
        assert agent.post("/campaigns/new", filled(world, imports=[wrong])).status_code == 422


def ticked(browser: Browser, path: str) -> list[str]:
    inputs = re.findall(r'<input[^>]*name="imports"[^>]*>', browser.get(path).text)
    return [re.findall(r'value="(\d+)"', each)[0] for each in inputs if "checked" in each]


def test_a_link_from_the_import_ticks_it_and_one_to_another_tenants_nothing(
    world: World, legacy_world: World
) -> None:
    mine, foreign = imported(world, new_number()), imported(legacy_world, new_number())
    admin = world.sign_in("admin")
    assert f"/campaigns/new?import={mine}" in admin.get(f"/contacts/import/{mine}").text
    assert ticked(admin, f"/campaigns/new?import={mine}") == [str(mine)]
    for wrong in (foreign, "x", "9" * 30, "-1"):
        assert ticked(admin, f"/campaigns/new?import={wrong}") == []
    assert admin.post("/campaigns/new", filled(world, imports=[str(foreign)])).status_code == 422


def test_editing_a_campaign_of_an_old_import_never_makes_it_one_for_all(world: World) -> None:
    number = new_number()
    import_id = imported(world, number)
    world.text(new_number(), "hi")
    campaign_id = add_campaign(world, segment(import_id))
    later(world, import_id)
    assert named(world, import_id) == []
    for role in ("admin", "agent"):
        browser, path = world.sign_in(role), f"/campaigns/{campaign_id}/edit"
        assert ticked(browser, path) == [str(import_id)]
        assert browser.post(path, filled(world, imports=[str(import_id)])).status_code == 302
        with world.session():
            campaign = db.session.get_one(Campaign, campaign_id)
            assert campaign.segment["narrowing"] == {"imports": [import_id]}
        assert counts(world, campaign_id) == {}


def later(world: World, import_id: int) -> None:
    """A year and a day go by, and what is over is removed."""
    with world.session():
        ended = update(Import).where(Import.id == import_id)
        db.session.execute(ended.values(finished_at=func.now() - timedelta(days=366)))
        db.session.commit()
    with world.app.app_context():
        forget_named()


def test_a_merge_names_the_one_kept_once(world: World) -> None:
    numbers = [new_number() for _ in range(3)]
    both, one = imported(world, *numbers[:2]), imported(world, numbers[1])
    kept, gone = (world.contact_id(number) for number in numbers[:2])
    merge(world, kept, gone)
    assert named(world, both) == named(world, one) == [kept]


def test_erasing_and_retention_take_them_off(world: World) -> None:
    number = new_number()
    import_id = imported(world, number)
    erase(world, world.contact_id(number))
    assert named(world, import_id) == []
    old = new_number()
    contact_id = old_contact(world, number=old)
    with world.session():
        db.session.add(ImportContact(import_id=import_id, contact_id=contact_id, tenant_id=world.tenant_id))
        db.session.commit()
    keep_for_a_year(world)
    remove_all(world)
    with world.session():
        assert db.session.get(Contact, contact_id) is None
    assert named(world, import_id) == []


def test_who_asks_for_their_data_is_told_of_the_imports(world: World) -> None:
    number = new_number()
    imported(world, number, name="spring.csv")
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        contact = db.session.get_one(Contact, world.contact_id(number))
        archive = archive_of(admin, contact, WORDS[Navigation.TEAMS])
        with zipfile.ZipFile(io.BytesIO(archive.read())) as files:
            told = json.loads(files.read("data.json"))
    assert [each["file"] for each in told["imports"]] == ["spring.csv"]
    assert told["person"]["asked_which_teams_to_stop"] == ""
