"""Two records that may be one person, on screen."""

from __future__ import annotations

from tests.records.people import OUT, known, opt
from tests.world import World, new_number


def test_a_contact_id_of_somebody_offers_the_merge(world: World) -> None:
    holder = known(world, external_id="S-77")
    contact_id = world.contact_id_of(world.text(new_number(), "Hello").conversation_id)
    form = {"first_name": "", "last_name": "", "external_id": "S-77"}
    for role, offered in (("agent", False), ("admin", True)):
        answer = world.sign_in(role).post(f"/contacts/{contact_id}/name", form)
        assert answer.status_code == 422
        assert (f"/contacts/{contact_id}/merge/{holder}" in answer.text) == offered


def test_an_admin_compares_and_merges_and_the_old_address_leads_on(world: World) -> None:
    kept, gone = known(world), known(world)
    opt(world, gone, OUT)
    admin = world.sign_in("admin")
    assert f"/contacts/{kept}/merge/{gone}" in admin.get(f"/contacts/{kept}").text
    assert f"/contacts/{kept}/merge/{gone}" in admin.get(f"/contacts/{kept}/merge").text
    page = admin.get(f"/contacts/{kept}/merge/{gone}?kept={kept}&texted={gone}").text
    assert "can&#39;t be undone" in page
    answer = admin.post(f"/contacts/{kept}/merge/{gone}", {"kept": kept, "texted": gone})
    assert answer.location == f"/contacts/{kept}"
    assert world.status(kept) == OUT
    for path in ("", "/certificate"):
        assert admin.get(f"/contacts/{gone}{path}").location == f"/contacts/{kept}{path}"
    assert "on the record merged into this one" in admin.get(f"/contacts/{kept}").text
