"""An export as a workbook: what its cells are, how many rows a sheet holds, and the same as the CSV."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest
from sqlalchemy import insert

from cadence_app.accounts import audit
from cadence_app.accounts.models import User
from cadence_app.consent.ledger import Change, record_changes
from cadence_app.consent.models import Source, Status
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.messaging.models import Conversation
from cadence_app.messaging.sending import compose, deliver
from cadence_app.reports import workbook
from cadence_app.reports.kinds import KINDS, OPT_OUT_HISTORY
from cadence_app.reports.models import Delivery, Format
from tests import sizes
from tests.contacts import importing
from tests.reports.exporting import (
    EXTRA,
    agent_changes,
    ask_for,
    attachment,
    cells_of,
    change,
    mail_of,
    mails_to,
    open_in_spreadsheet,
    run,
)
from tests.world import World, new_number

HOSTILE = ['=HYPERLINK("http://x")', "+1", "@SUM(A1)", 'Zoë "Z", O\'Brien', "two\nlines", "a=b", "דוד"]

# Opening a spreadsheet takes seconds: the others are for the long run.
_USUAL = (OPT_OUT_HISTORY.key, "opt-out-status")


@pytest.mark.parametrize("key", sizes.few_of(KINDS, [list(KINDS).index(each) for each in _USUAL]))
def test_csv_and_xlsx_show_the_same_cells_in_a_spreadsheet(world: World, key: str, tmp_path: Path) -> None:
    kind = KINDS[key]
    for index, name in enumerate(HOSTILE):
        contact_id = world.add_contact(first_name=name, external_id=f"00{index}")
        agent_changes(world, contact_id, Status.OPTED_OUT, reason=name)
    if kind is OPT_OUT_HISTORY:
        _many_changes(world, workbook.BATCH + 100)
    importing.run(world, importing.csv_of(("Refused", "", "", "no number", "ADM", "")), name="=people.csv")
    number = new_number()
    received = world.text(number, "please stop texting me")
    with world.session():
        conversation = db.session.get_one(Conversation, received.conversation_id)
        message = compose(db.session.get_one(User, world.agent_id), conversation, "=1+1")
        db.session.commit()
        deliver(message.id)
        for name in HOSTILE:
            audit.record(None, "tag.renamed", name, name=("Athlete", name))
        db.session.commit()
    extra = tuple(column.name for column in kind.extra)
    columns = len(kind.chosen(extra))
    sheets = []
    for file_format in (Format.CSV, Format.XLSX):
        done = run(world, ask_for(world, kind=kind, extra=extra, file_format=file_format))
        assert (done.state, done.delivery) == ("sent", Delivery(file_format))
        source = tmp_path / f"made-from-{file_format}.{file_format}"
        source.write_bytes(attachment(mail_of(world, done)))
        converted = open_in_spreadsheet(source, "fods")
        assert "table:formula=" not in converted.read_text()
        # The log itself holds that its files were asked for.
        cells = cells_of(converted, columns)
        sheets.append([row for row in cells if "export.requested" not in row])
    csv_cells, xlsx_cells = sheets
    assert csv_cells[0] == xlsx_cells[0] == [column.name for column in kind.chosen(extra)]
    # A CSV has an apostrophe before text that would run; in a workbook text is a string cell as it is.
    assert [[_plain(cell) for cell in row] for row in csv_cells] == xlsx_cells
    assert len(csv_cells) > 1


def _many_changes(world: World, count: int) -> None:
    """More rows than are fetched at a time, all at once."""
    people = [
        {
            "tenant_id": world.tenant_id,
            "number": new_number(),
            "first_name": "Zoë",
            "last_name": f"O'Hara {index}",
            "external_id": f"0900{index}",
        }
        for index in range(count)
    ]
    with world.session():
        ids = db.session.scalars(insert(Contact).returning(Contact.id), people).all()
        record_changes(
            [Change(each, world.team_id, Status.OPTED_IN, Source.TOGGLE, reason=f"={each}") for each in ids]
        )
        db.session.commit()


def _plain(cell: str) -> str:
    return cell[1:] if cell[:2] in {"'=", "'+", "'-", "'@"} else cell


def test_a_workbook_has_dates_as_dates_numbers_as_numbers_and_text_as_text(world: World) -> None:
    received = world.text(new_number(), "=1+1")
    run(world, ask_for(world, extra=EXTRA, file_format=Format.XLSX))
    kinds = _cell_kinds(attachment(mails_to(world)[0]), row=2)
    assert kinds["E"] == "inlineStr"  # the number keeps its +
    assert kinds["G"] == "n"  # StatusDate
    assert kinds["K"] == "inlineStr"  # MessageText
    assert float(kinds["L"]) == received.message_id


def _cell_kinds(book: bytes, row: int) -> dict[str, str]:
    """By column letter: inlineStr, the number itself, or "n" for one that is shown as a date."""
    ns = {"s": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        sheet = ElementTree.fromstring(archive.read("xl/worksheets/sheet1.xml"))
    found = {}
    for cell in sheet.iterfind(f".//s:row[@r='{row}']/s:c", ns):
        value = cell.findtext("s:v", "", ns)
        shown = "n" if cell.get("s") else value
        found[cell.get("r", "").rstrip("0123456789")] = cell.get("t") or shown
    return found


def test_rows_that_one_sheet_can_not_hold_go_on_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "SHEET_ROWS", 4)
    for _ in range(7):
        change(world, world.add_contact(), Status.OPTED_OUT, Source.TOGGLE, datetime.now(UTC))
    done = run(world, ask_for(world, file_format=Format.XLSX))
    assert done.rows_written == 7
    with zipfile.ZipFile(io.BytesIO(attachment(mails_to(world)[0]))) as archive:
        sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/sheet")]
        rows = [archive.read(name).count(b"<row ") for name in sheets]
    assert rows == [4, 4, 2]


def test_a_workbook_past_the_limit_goes_as_a_link_since_it_is_packed_already(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(world.app.config, "MAIL_ATTACHMENT_LIMIT", 3000)
    assert run(world, ask_for(world, file_format=Format.XLSX)).delivery == Delivery.LINK
