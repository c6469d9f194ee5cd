"""What an admin does for a person who asks: hands out what is stored of them, or erases it."""

from __future__ import annotations

import csv
import io
import json
import zipfile

from sqlalchemy import select

from cadence_app.accounts.models import AuditEntry
from cadence_app.extensions import db
from tests.records.people import known, merge
from tests.world import World, new_number


def test_an_admin_erases_only_with_a_legal_reason(world: World) -> None:
    contact_id, admin = known(world, first_name="Erasme"), world.sign_in("admin")
    assert admin.post(f"/contacts/{contact_id}/erase", {"reason": " "}).status_code == 422
    answer = admin.post(f"/contacts/{contact_id}/erase", {"reason": "Asked for."})
    assert answer.location == "/contacts/"
    assert "Erasme" not in admin.get("/contacts/").text
    assert admin.get(f"/contacts/{contact_id}").status_code == 404
    assert "Erased" in admin.get(f"/contacts/{contact_id}/certificate").text
    assert "Asked for." in admin.get("/reports/proof/").text


def test_the_download_has_everything_and_is_in_the_audit_log(world: World) -> None:
    number = new_number()
    world.text(number, "=HYPERLINK(1)")
    world.text(number, "To the admin", inbox=world.other_personal)
    contact_id = world.contact_id(number)
    merged = known(world, external_id="M-1")
    merge(world, contact_id, merged)
    answer = world.sign_in("admin").post(f"/contacts/{contact_id}/data")
    assert answer.mimetype == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(answer.data))
    data = json.loads(archive.read("data.json"))
    assert data["person"]["number"] == number
    assert {row["text"] for row in data["texts"]} == {"=HYPERLINK(1)", "To the admin"}
    assert {row["contact_id"] for row in data["history"]} == {"", "M-1"}
    texts = list(csv.DictReader(io.StringIO(archive.read("texts.csv").decode("utf-8-sig"))))
    assert texts[0]["text"] == "'=HYPERLINK(1)"
    assert archive.read("consent-certificate.pdf").startswith(b"%PDF")
    with world.session():
        assert "contact.data_exported" in db.session.scalars(select(AuditEntry.action)).all()
