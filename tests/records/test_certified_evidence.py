"""The certificate says how they agreed: exactly what is known, on the page and on paper."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, text

from cadence_app.consent import evidence, seals
from cadence_app.consent.evidence import Given
from cadence_app.consent.evidence_models import Evidence, Method, Way
from cadence_app.extensions import db
from tests.records.agreed import behind, both, by_api, by_text, imported, on_paper, said, whole, write
from tests.records.people import IN, OUT, merge, opt
from tests.world import World, new_number

# Everything that a piece of evidence may say, as labels.
LABELS = {
    *("Agreed", "Agreed on", "In words", "Page", "SHA-256 of it", "Their IP address", "Number then"),
    *("Collected by", "Entered by", "Came in"),
}
LONG_AGO = datetime.now(UTC) - timedelta(days=10)


def labels(world: World, contact_id: int) -> set[str]:
    """The labels that stand on the page of a certificate, of those that evidence may have."""
    page = world.sign_in("admin").get(f"/contacts/{contact_id}/certificate").text
    return {label for label in LABELS if f"<dt>{label}</dt>" in page}


def sha_of(world: World, contact_id: int) -> str:
    with world.session():
        query = text(
            "SELECT encode(evidence_digest(e), 'hex') FROM consent_evidence e WHERE contact_id = :id"
        )
        return str(db.session.execute(query, {"id": contact_id}).scalar_one())


def test_of_somebody_added_on_paper_it_says_what_they_signed_when_and_who_asked(world: World) -> None:
    contact_id = on_paper(world)
    for words in both(world.sign_in("admin"), contact_id):
        assert (
            "In Admissions: Agreed on Mar 3, 2026 · Paper form, collected by Ana Ruiz (evidence 1)" in words
        )
        assert "Evidence 1. Paper form: Admissions (ADM)" in words
        for known in (
            "Agreed on Mar 3, 2026 In words Yes, text me about my visit. Number then +1",
            "Collected by Ana Ruiz Entered by Admin Person",
            "Came in When the contact was added by hand Recorded",
            "The present consent rests on this.",
            "method “paper”, way “added”, agreed_on “2026-03-03”.",
            "Seal Not sealed yet: the day is still open.",
        ):
            assert known in words
    for words, name in zip(
        whole(world.sign_in("admin"), contact_id), ("Row digest", "Evidence 1. Row"), strict=True
    ):
        assert f"{name} {sha_of(world, contact_id)}" in words
    unknown = {"Agreed", "Page", "SHA-256 of it", "Their IP address"}
    assert labels(world, contact_id) == LABELS - unknown


def test_of_somebody_imported_it_says_what_the_columns_said_and_the_file(world: World) -> None:
    contact_id = imported(world)
    for words in both(world.sign_in("admin"), contact_id):
        assert "In Admissions: Agreed on Feb 1, 2026 · Web form (evidence 1)" in words
        assert "In words I agree. Page https://lakeside.example/join" in words
        assert "Entered by Admin Person Came in With a file: spring-fair.csv Recorded" in words
        assert "method “web_form”, way “import”, agreed_on “2026-02-01”." in words
    assert labels(world, contact_id) == LABELS - {
        *("Agreed", "SHA-256 of it", "Their IP address", "Collected by"),
    }


def test_of_somebody_from_another_system_it_says_all_of_its_proof(world: World) -> None:
    contact_id = by_api(world)
    for words in both(world.sign_in("admin"), contact_id):
        assert "Agreed on Mar 3, 2026 · Web form, collected by The aid form (evidence 1)" in words
        for known in (
            "Agreed Mar 3, 2026, 8:30 PM EST In words Texts about aid? Yes",
            "https://aid.lakeside.example/form?id=7",
            bytes(range(32)).hex(),
            "Their IP address 203.0.113.7",
            "Entered by Student system (API) Came in Through the API Recorded",
            "agreed_on “2026-03-03”, agreed_at “2026-03-04T01:30:05.000000Z”.",
        ):
            assert known in words
    assert labels(world, contact_id) == LABELS - {"Agreed on"}


def test_of_somebody_who_texted_first_it_names_the_text_and_no_more(world: World) -> None:
    contact_id = by_text(world)
    for words in both(world.sign_in("admin"), contact_id):
        assert words.startswith("Consent now In Admissions: They texted first on ")
        assert words.endswith("(change 1)")
    assert labels(world, contact_id) == set()
    back = by_text(world, "Hello", "STOP", "Start!")
    for words in both(world.sign_in("admin"), back):
        assert words.startswith("Consent now In Admissions: They texted “Start!” on ")
        assert words.endswith("(change 3)")


def test_of_somebody_with_nothing_it_says_that_none_is_recorded(world: World) -> None:
    contact_id = on_paper(world, given=None)
    assert set(both(world.sign_in("admin"), contact_id)) == {"Consent now In Admissions: None recorded"}
    assert labels(world, contact_id) == set()


def test_who_is_opted_in_nowhere_has_no_consent_that_rests_on_anything(world: World) -> None:
    contact_id = on_paper(world)
    opt(world, contact_id, OUT)
    for words in both(world.sign_in("admin"), contact_id):
        assert words.startswith("They are not opted in anywhere that this certificate covers. Evidence 1.")
        assert "They are not opted in now, so no consent rests on this." in words


def test_evidence_from_before_an_opt_out_stays_and_is_said_to_carry_nothing(world: World) -> None:
    contact_id = on_paper(world)
    opt(world, contact_id, OUT)
    opt(world, contact_id, IN)
    write(world, contact_id, Given(Method.SPOKEN, date(2026, 3, 1), words="Said so in March"))
    write(world, contact_id, Given(Method.SPOKEN, words="Called back"))
    for words in both(world.sign_in("admin"), contact_id):
        now, *pieces = words.split("Evidence ")
        assert "In Admissions: Recorded on " in now
        assert "In person or by phone (evidence 3)" in now
        assert "(evidence 1)" not in now
        assert "they agreed to it before they last opted out." in pieces[0]
        assert "they agreed to it before they last opted out." in pieces[1]
        assert "The present consent rests on this." in pieces[2]


def test_the_evidence_of_a_merged_record_stays_with_the_one_that_is_kept(world: World) -> None:
    kept, gone = on_paper(world, given=None), on_paper(world)
    merge(world, kept, gone)
    for words in both(world.sign_in("admin"), kept):
        assert "In words Yes, text me about my visit." in words
        assert f"contact {gone}, " in words


def test_an_agent_sees_the_evidence_of_their_own_teams_alone(world: World) -> None:
    contact_id = on_paper(world)
    with world.session():
        of_aid = Given(Method.SPOKEN, words="For Aid alone")
        evidence.record([(contact_id, world.other_team_id)], of_aid, Way.RECORD, "x")
        db.session.commit()
    for words in both(world.sign_in("agent"), contact_id):
        assert "Yes, text me about my visit." in words
        assert "For Aid alone" not in words
    for words in both(world.sign_in("admin"), contact_id):
        assert "For Aid alone" in words
    page = said(world.sign_in("agent").get(f"/contacts/{contact_id}").text)
    assert "Yes, text me about my visit." in page
    assert "For Aid alone" not in page


def test_a_word_to_a_colleagues_personal_inbox_is_hidden_where_it_is_what_consent_rests_on(
    world: World,
) -> None:
    number = new_number()
    world.text(number, "Hello")
    world.text(number, "STOP")
    world.text(number, "Unstop!", world.personal)
    with world.session():
        owner = {"owner": world.admin_id, "number": world.personal}
        db.session.execute(text("UPDATE inboxes SET user_id = :owner WHERE number = :number"), owner)
        db.session.commit()
    contact_id = world.contact_id(number)
    for words in both(world.sign_in("agent"), contact_id):
        assert "They texted an opt-in word on " in words
        assert "Unstop!" not in words
    for words in both(world.sign_in("admin"), contact_id):
        assert "They texted “Unstop!” on " in words
    for role, sees in (("agent", False), ("admin", True)):
        page = said(world.sign_in(role).get(f"/contacts/{contact_id}").text)
        assert ("They texted “Unstop!” on " in page) == sees


@pytest.mark.parametrize("altered", [False, True])
def test_evidence_says_how_it_stands_to_the_seal_of_its_day(world: World, altered: bool) -> None:
    contact_id = on_paper(world)
    for table, moment in (("opt_out_changes", "changed_at"), ("consent_evidence", "recorded_at")):
        statement = f"UPDATE {table} SET {moment} = :at WHERE contact_id = :id"
        behind(world, statement, at=LONG_AGO, id=contact_id)
    with world.session():
        seals.seal_closed_days()
        seal = seals.seals_of([LONG_AGO.date()])[LONG_AGO.date()].digest.hex()
    behind(
        world,
        "INSERT INTO sealed_evidence SELECT id, tenant_id, history_day(recorded_at), evidence_digest(e)"
        " FROM consent_evidence e WHERE contact_id = :id ON CONFLICT DO NOTHING",
        id=contact_id,
    )
    sealed = sha_of(world, contact_id)
    admin = world.sign_in("admin")
    if altered:
        behind(world, "UPDATE consent_evidence SET words = 'Made up' WHERE contact_id = :id", id=contact_id)
        assert "This history was altered" in admin.get(f"/contacts/{contact_id}/certificate").text
    for words in both(admin, contact_id):
        assert (f"DIFFERS from what was sealed, which had the row digest {sealed}." in words) == altered
        assert (f"Unchanged since its day, {LONG_AGO.date()} (UTC), was sealed on" in words) != altered
    assert all(seal in words for words in whole(admin, contact_id))


def test_erased_evidence_keeps_its_method_its_days_and_the_digest_of_what_it_was(world: World) -> None:
    contact_id = on_paper(world)
    was = sha_of(world, contact_id)
    with world.session():
        ids = list(db.session.scalars(select(Evidence.id).where(Evidence.contact_id == contact_id)))
        erase = text("SELECT erase_evidence(:ids, :by, 'Admin Person', 'GDPR article 17')")
        db.session.execute(erase, {"ids": ids, "by": world.admin_id})
        db.session.commit()
    for words in both(world.sign_in("admin"), contact_id):
        assert "Agreed on Mar 3, 2026" in words
        assert "In words Erased: GDPR article 17" in words
        assert "by Admin Person. The digest it was sealed with is kept: " + was in words
        assert "Ana Ruiz" not in words
    assert "Collected by" not in labels(world, contact_id)
