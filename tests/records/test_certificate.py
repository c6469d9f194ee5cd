"""The consent certificate: who may have it, and what is in it on screen and on paper."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader
from sqlalchemy import text

from cadence_app.accounts.models import Navigation, User
from cadence_app.consent import seals
from cadence_app.consent.ledger import Change, record_changes
from cadence_app.consent.models import Source, Status
from cadence_app.extensions import db
from cadence_app.records.certificate import certify
from cadence_app.records.certificate_pdf import draw
from cadence_app.ui.navigation import WORDS
from tests import sizes
from tests.world import World, new_number

LONG_AGO = datetime.now(UTC) - timedelta(days=10)


def write(world: World, contact_id: int, count: int = 1, **values: Any) -> None:
    with world.session():
        for index in range(count):
            status = (Status.OPTED_OUT, Status.OPTED_IN)[index % 2]
            at = LONG_AGO + timedelta(seconds=index)
            given: dict[str, Any] = {"source": Source.KEYWORD, "words": "STOP", "at": at} | values
            record_changes([Change(contact_id, world.team_id, status, **given)])
        db.session.commit()


def pages(content: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(content)).pages]


def flat(content: bytes) -> str:
    """The words of a PDF with single spaces, wherever its lines break."""
    return " ".join(" ".join(pages(content)).split())


def test_page_and_pdf_say_who_what_when_why_in_whose_words_and_under_which_seal(world: World) -> None:
    contact_id = world.add_contact(first_name="Zoë", last_name="Nguyễn", external_id="LU7")
    write(world, contact_id)
    with world.session():
        seals.seal_closed_days()
        record_changes(
            [
                Change(
                    contact_id,
                    world.team_id,
                    Status.OPTED_IN,
                    Source.TOGGLE,
                    user_id=world.agent_id,
                    reason="She signed form 12.",
                )
            ]
        )
        db.session.execute(text("UPDATE contacts SET last_name = 'Vu' WHERE id = :id"), {"id": contact_id})
        db.session.commit()
        seal = seals.seals_of([LONG_AGO.date()])[LONG_AGO.date()].digest.hex()
        head = seals.head()
    assert head
    admin = world.sign_in("admin")
    page = admin.get(f"/contacts/{contact_id}/certificate")
    paper = admin.get(f"/contacts/{contact_id}/certificate.pdf")
    assert (page.status_code, paper.status_code, paper.mimetype) == (200, 200, "application/pdf")
    first, second = world.history(contact_id)
    for said in (
        "Zoë Vu",
        "first name Zoë, last name Nguyễn, ContactId LU7",
        first.number,
        f"{LONG_AGO:%Y-%m-%dT%H:%M:%S.%fZ}",
        "STOP",
        "Text message from this number",
        "Set by hand by Agent Person",
        "She signed form 12.",
        "Not sealed yet: the day is still open.",
        f"row {first.id},",
        f"row {second.id},",
        seal,
        head.digest.hex(),
        "Admissions (ADM)",
        world.name,
        "admin-",
    ):
        assert said in page.text, said
        assert said in flat(paper.data), said
    assert "Page 1 of 1" in flat(paper.data)


def test_a_change_that_differs_from_its_seal_is_marked(world: World) -> None:
    contact_id = world.add_contact()
    write(world, contact_id)
    with world.session():
        seals.seal_closed_days()
    engine = db.create_engine(world.app.config["SUPERUSER_URL"])
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(
            text("UPDATE opt_out_changes SET words = 'START' WHERE contact_id = :id"), {"id": contact_id}
        )
    engine.dispose()
    admin = world.sign_in("admin")
    assert "This history was altered" in admin.get(f"/contacts/{contact_id}/certificate").text
    assert "DIFFERS from what was sealed" in flat(admin.get(f"/contacts/{contact_id}/certificate.pdf").data)


@pytest.mark.parametrize("kind", ["certificate", "certificate.pdf"])
def test_who_may_have_a_certificate(world: World, legacy_world: World, kind: str) -> None:
    number = new_number()
    world.text(number, "hi there")
    contact_id = world.contact_id(number)
    path = f"/contacts/{contact_id}/{kind}"
    signed_out = world.app.test_client().get(path)
    assert signed_out.status_code == 302
    assert signed_out.location.startswith("/login?next=")
    assert legacy_world.sign_in("admin").get(path).status_code == 404
    assert world.sign_in("agent").get(path).status_code == 200
    assert world.sign_in("admin").get(path).status_code == 200
    assert world.sign_in("admin").get(f"/contacts/99999999999999999999/{kind}").status_code == 404
    assert world.sign_in("admin").get(f"/contacts/0/{kind}").status_code == 404


def test_an_agent_gets_only_the_teams_they_share_with_the_contact_and_an_admin_every_one(
    world: World,
) -> None:
    number, elsewhere = new_number(), new_number()
    world.text(number, "to admissions")
    world.text(number, "to the aid line", world.other_shared)
    world.text(elsewhere, "to the aid line only", world.other_shared)
    with world.session():
        db.session.execute(text("DELETE FROM team_members WHERE user_id = :id"), {"id": world.admin_id})
        db.session.commit()
    agent, admin = world.sign_in("agent"), world.sign_in("admin")
    path = f"/contacts/{world.contact_id(number)}/certificate"
    assert "to admissions" in agent.get(path).text
    assert "to the aid line" not in agent.get(path).text
    assert "to the aid line" not in flat(agent.get(f"{path}.pdf").data)
    assert "to the aid line" in admin.get(path).text
    assert "to the aid line" in flat(admin.get(f"{path}.pdf").data)
    other = f"/contacts/{world.contact_id(elsewhere)}/certificate"
    assert agent.get(other).status_code == 404
    assert admin.get(other).status_code == 200


def test_words_to_a_colleagues_personal_inbox_are_for_admins_and_their_owner(world: World) -> None:
    number = new_number()
    world.text(number, "hello desk")
    world.text(number, "STOP")
    world.text(number, "start", world.personal)
    with world.session():
        owner = {"owner": world.admin_id, "number": world.personal}
        db.session.execute(text("UPDATE inboxes SET user_id = :owner WHERE number = :number"), owner)
        db.session.commit()
    path = f"/contacts/{world.contact_id(number)}/certificate"
    agents = world.sign_in("agent").get(path).text
    assert "hello desk" in agents
    assert "(sent to a personal inbox)" in agents
    assert "(sent to a personal inbox)" not in world.sign_in("admin").get(path).text


def test_the_record_links_to_its_certificate(world: World) -> None:
    number = new_number()
    world.text(number, "hi")
    contact_id = world.contact_id(number)
    page = world.sign_in("agent").get(f"/contacts/{contact_id}").text
    assert f'href="/contacts/{contact_id}/certificate"' in page
    assert f'href="/contacts/{contact_id}/certificate#row-{world.history(contact_id)[0].id}"' in page


@pytest.mark.sized
def test_hundreds_of_changes_fit_with_numbered_rows_and_pages(world: World) -> None:
    contact_id, count = world.add_contact(), sizes.size(100, 500)
    write(world, contact_id, count)
    sheets = pages(world.sign_in("admin").get(f"/contacts/{contact_id}/certificate.pdf").data)
    everything = "\n".join(sheets)
    for number in (1, count // 2, count):
        assert f"\n{number}. Opted" in everything
    assert len(sheets) > count // 12
    for number, sheet in enumerate(sheets, 1):
        assert f"Page {number} of {len(sheets)}" in " ".join(sheet.split())


def test_scripts_of_many_kinds_are_drawn_and_others_are_named_by_number(world: World) -> None:
    names = {
        "Ελένη": "Ελένη",
        "Жанна": "Жанна",
        "王小明": "王小明",
        "さくら": "さくら",
        "김민준": "김민준",
        "สมชาย": "[U+0E2A]",
        "a\u202eb": "a[U+202E]b",
        "\U0001f9ff": "[U+1F9FF]",
    }
    for name, drawn in names.items():
        contact_id = world.add_contact(first_name=name, last_name="X")
        write(world, contact_id)
        content = world.sign_in("admin").get(f"/contacts/{contact_id}/certificate.pdf").data
        assert drawn in flat(content), name


def test_hebrew_and_arabic_are_drawn_from_right_to_left_with_their_own_glyphs(world: World) -> None:
    contact_id = world.add_contact(first_name="דוד", last_name="محمد")
    write(world, contact_id)
    content = world.sign_in("admin").get(f"/contacts/{contact_id}/certificate.pdf").data
    assert "[U+" not in flat(content)
    assert set("דוד") <= set(flat(content))


@pytest.mark.sized
@settings(
    max_examples=sizes.size(5, 100),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=60))
def test_no_text_breaks_the_paper(world: World, words: str) -> None:
    contact_id = world.add_contact(first_name=words[:20], last_name="<b>**x**</b>", external_id="")
    write(world, contact_id, words=words, reason=words)
    with world.session():
        certificate = certify(db.session.get_one(User, world.admin_id), contact_id)
        assert certificate
        assert len(pages(draw(certificate, WORDS[Navigation.TEAMS]))) >= 1
