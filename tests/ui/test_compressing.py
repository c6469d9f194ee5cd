"""What is sent compressed, and to whom."""

from __future__ import annotations

import gzip

import pytest

from cadence_app.ui import compressing
from tests.world import World

FILE = "/static/vendor/tabler/tabler.min.css"


@pytest.mark.parametrize("accepts", ["br", "gzip"])
def test_our_files_are_sent_compressed_and_are_the_same_inside(world: World, accepts: str) -> None:
    browser = world.sign_in("agent")
    plain = browser.get(FILE)
    for _ in range(2):
        packed = browser.get(FILE, headers={"Accept-Encoding": accepts})
        assert packed.headers["Content-Encoding"] == accepts
        assert len(packed.data) < len(plain.data) / 5
    known = browser.get(FILE, headers={"Accept-Encoding": accepts, "If-None-Match": packed.headers["ETag"]})
    assert known.status_code == 304
    if accepts == "gzip":
        assert gzip.decompress(packed.data) == plain.data


def test_a_file_is_kept_once_however_its_address_is_written(world: World) -> None:
    names = ["js/live.js", "js/./live.js", "js/././live.js", "x/../js/live.js", "js/live.js/"]
    for name in names:
        packed = world.app.test_client().get(f"/static/{name}", headers={"Accept-Encoding": "gzip"})
        assert packed.headers["Content-Encoding"] == "gzip"
    kept = compressing._files.cache
    assert isinstance(kept, dict)
    assert sum(key.endswith("live.js") for key in kept) == 1


def test_a_part_of_a_file_is_that_part(world: World) -> None:
    asked = {"Accept-Encoding": "br", "Range": "bytes=0-9"}
    part = world.sign_in("agent").get(FILE, headers=asked)
    assert (part.status_code, len(part.data)) == (206, 10)
    assert "Content-Encoding" not in part.headers


@pytest.mark.parametrize(
    ("who", "packed"),
    [("same-origin", True), ("none", True), ("cross-site", False), ("same-site", False), (None, False)],
)
def test_a_page_is_compressed_only_where_the_user_or_our_own_page_asked(
    world: World, who: str | None, packed: bool
) -> None:
    asked = {"Accept-Encoding": "gzip", **({"Sec-Fetch-Site": who} if who else {})}
    page = world.sign_in("admin").client.get("/messages/", headers=asked)
    assert (page.headers.get("Content-Encoding") == "gzip") is packed
