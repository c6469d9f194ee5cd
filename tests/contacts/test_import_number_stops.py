"""Rows of a file whose number was stopped under somebody else: a list of their own, which no other tick
reaches."""

from __future__ import annotations

from cadence_app.consent import number_stops
from cadence_app.contacts.imports import agreeing
from cadence_app.contacts.imports.models import Import
from cadence_app.extensions import db
from tests.contacts.importing import check, csv_of, problems, run, upload, work
from tests.records.people import IN, OUT, text_at
from tests.world import World, new_number

AGREED = "They signed form 12 at the fair."


def stopped(world: World) -> str:
    """A number that texted STOP and is nobody's any more."""
    number = new_number()
    world.text(number, "STOP")
    text_at(world, world.contact_id(number), new_number())
    return number


def listed(world: World, import_id: int) -> list[int]:
    with world.session():
        return [each.line for each in agreeing.listed(db.session.get_one(Import, import_id))]


def checked(world: World, *rows: tuple[str, ...]) -> int:
    import_id = upload(world, csv_of(*rows))
    assert check(world, import_id).state == "ready"
    return import_id


def test_only_who_is_ticked_comes_in_opted_in_with_the_written_reason(world: World) -> None:
    first, second, free = stopped(world), stopped(world), new_number()
    import_id = checked(
        world,
        ("Ann", "Lee", "1", first, "ADM", "no"),
        ("Bo", "Ng", "2", second, "ADM", ""),
        ("Cy", "Oh", "3", free, "ADM", "no"),
    )
    assert listed(world, import_id) == [2, 3]
    browser = world.sign_in("admin")
    page = browser.get(f"/contacts/import/{import_id}").text
    assert "2 people have a number that opted out under someone else" in page
    assert "Opt in also people who stopped" not in page
    refused = browser.post(f"/contacts/import/{import_id}/start", {"agreed": "3"})
    assert refused.status_code == 422
    assert "Write how the people you checked agreed" in refused.text
    answer = browser.post(f"/contacts/import/{import_id}/start", {"agreed": "3", "agreed_reason": AGREED})
    assert answer.status_code == 302
    done = work(world, import_id)
    ids = [world.contact_id(number) for number in (first, second, free)]
    assert [world.status(each) for each in ids] == [OUT, IN, IN]
    (row,) = world.history(ids[1])
    assert (row.source, row.reason) == ("import", AGREED)
    assert "An earlier holder of this number" in world.history(ids[0])[0].reason
    assert problems(world, done) == [
        "Line 2: Not opted in in ADM: somebody had this number before and opted out; START lifts it."
    ]


def test_the_tick_for_who_stopped_themselves_does_not_reach_them(world: World) -> None:
    number, own = stopped(world), new_number()
    world.text(own, "STOP")
    run(
        world,
        csv_of(("Ann", "Lee", "1", number, "ADM", "no"), ("Bo", "", "2", own, "ADM", "no")),
        stop_reason="They all signed.",
    )
    assert world.status(world.contact_id(number)) == OUT
    assert world.status(world.contact_id(own)) == IN


def test_a_changed_number_is_on_the_list_and_a_line_that_is_not_can_not_be_ticked(world: World) -> None:
    number, own, before = stopped(world), new_number(), new_number()
    world.text(own, "STOP")
    run(world, csv_of(("Ann", "Lee", "1", before, "ADM", "no")))
    import_id = checked(world, ("Ann", "Lee", "1", number, "ADM", "no"), ("Bo", "Ng", "2", own, "ADM", "no"))
    assert listed(world, import_id) == [2]
    browser = world.sign_in("admin")
    browser.post(f"/contacts/import/{import_id}/start", {"agreed": ["2", "3", "99"], "agreed_reason": AGREED})
    work(world, import_id)
    assert world.status(world.contact_id(number)) == IN
    assert world.status(world.contact_id(own)) == OUT


def test_who_is_opted_in_and_gets_such_a_number_is_opted_in_anew_with_the_written_reason(
    world: World,
) -> None:
    number, before = stopped(world), new_number()
    run(world, csv_of(("Ann", "Lee", "1", before, "ADM", "no")))
    import_id = checked(world, ("Ann", "Lee", "1", number, "ADM", "no"))
    browser = world.sign_in("admin")
    browser.post(f"/contacts/import/{import_id}/start", {"agreed": "2", "agreed_reason": AGREED})
    done = work(world, import_id)
    contact_id = world.contact_id(number)
    assert (world.status(contact_id), done.statuses_changed, done.opt_ins_held) == (IN, 1, 0)
    _, out, again = world.history(contact_id)
    assert (out.status, out.source, out.number) == (OUT, "number_change", before)
    assert (again.status, again.source, again.number, again.reason) == (IN, "import", number, AGREED)
    with world.session():
        assert number_stops.reason(contact_id, world.team_id) is None


def test_whoever_agreed_and_then_stopped_while_it_waited_stays_out(world: World) -> None:
    number = stopped(world)
    import_id = checked(world, ("Ann", "Lee", "1", number, "ADM", "no"))
    browser = world.sign_in("admin")
    browser.post(f"/contacts/import/{import_id}/start", {"agreed": "2", "agreed_reason": AGREED})
    world.text(number, "STOP")
    work(world, import_id)
    assert world.status(world.contact_id(number)) == OUT


def test_a_row_that_opts_out_is_not_on_the_list(world: World) -> None:
    import_id = checked(world, ("Ann", "Lee", "1", stopped(world), "ADM", "yes"))
    assert listed(world, import_id) == []
