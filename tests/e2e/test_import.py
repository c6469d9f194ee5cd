"""An admin brings people in from a file: upload, columns, problems, start, and the refused rows back."""

from __future__ import annotations

from playwright.sync_api import FilePayload, Page, expect

from tests.e2e.acting import OpenPage, check
from tests.e2e.conftest import SIZES

_TYPED = "FirstName,ContactId,Mobile,DepartmentCode,OptedOut,Groups\n"


def _file(name: str, content: str) -> FilePayload:
    return {"name": name, "mimeType": "text/csv", "buffer": content.encode()}


def _check_both_sizes(page: Page) -> None:
    page.set_viewport_size(SIZES["phone"])
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), page.url
    page.set_viewport_size(SIZES["desktop"])
    check(page)


def test_an_admin_imports_a_file_and_gets_the_refused_rows_back(open_page: OpenPage) -> None:
    page = open_page("admin@lakeside.example")
    page.goto("/contacts/")
    page.get_by_role("link", name="Import").click()
    expect(page.locator("#import-list")).to_contain_text("Campus visits.csv")
    _check_both_sizes(page)
    rows = "Ida,E2E-1,+1 907 555 0171,ADM,no,Robotics\nBad,E2E-2,12,XYZ,perhaps,\n"
    page.get_by_label("File").set_input_files(_file("robotics.csv", _TYPED + rows))
    page.get_by_role("button", name="Upload").click()

    page.get_by_label("Import Groups as").select_option(label="Tags")
    expect(page.get_by_label("Import Mobile as")).to_have_value("number")
    _check_both_sizes(page)
    page.get_by_role("button", name="Check the file").click()
    problems = page.locator("table[aria-labelledby=problems]")
    expect(problems).to_contain_text("There is no team with the code XYZ.", timeout=40_000)
    expect(problems).to_contain_text("“12” is not a phone number.")
    _check_both_sizes(page)
    page.get_by_role("button", name="Start the import").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Import done", timeout=40_000)
    _check_both_sizes(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download refused rows").click()
    refused = download.value.path().read_text("utf-8-sig").splitlines()
    assert refused[0] == "FirstName,ContactId,Mobile,DepartmentCode,OptedOut,Groups,Problem"
    assert refused[1].startswith("Bad,E2E-2,12,XYZ,perhaps,,")
    page.goto("/contacts/?q=E2E-1")
    expect(page.locator("main")).to_contain_text("Ida")


def test_departments_are_imported_without_scripts(open_page: OpenPage) -> None:
    page = open_page("admin@harbor.example", scripts=False)
    page.goto("/contacts/import/")
    content = "FirstName,Mobile\nUma,+1 612 555 0172\n"
    page.get_by_label("File").set_input_files(_file("departments.csv", content))
    page.get_by_role("button", name="Upload").click()
    _refresh_until(page, "Choose the columns")
    page.get_by_role("button", name="Check the file").click()
    expect(page.locator("main")).to_contain_text("Choose a department: no column names one.")
    page.get_by_label("Enrollment").check()
    page.get_by_role("button", name="Check the file").click()
    _refresh_until(page, "Look before you start")
    page.get_by_role("button", name="Start the import").click()
    _refresh_until(page, "Import done")


def _refresh_until(page: Page, title: str) -> None:
    heading = page.get_by_role("heading", level=1)
    for _ in range(40):
        if heading.inner_text() == title:
            return
        page.wait_for_timeout(250)
        page.reload()
    expect(heading).to_have_text(title)
