"""Pictures that come and go with texts, in both modes: from a phone to the desk and back."""

from __future__ import annotations

import io
import os
import time

import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Locator, Page, expect

from tests.e2e.acting import MODES, ON_LEGACY, OpenPage, check, text_from

# How wide a picture is once it was loaded; 0 before, and for one that is broken.
_WIDTH = "picture => picture.complete ? picture.naturalWidth : 0"


def picture(name: str, width: int = 320, noise: bool = False) -> FilePayload:
    """A JPEG; with noise it is as large as a phone's."""
    size = (width, width * 3 // 4)
    image = Image.frombytes("RGB", size, os.urandom(size[0] * size[1] * 3)) if noise else None
    made = io.BytesIO()
    (image or Image.new("RGB", size, (30, 120, 110))).save(made, "JPEG")
    return {"name": name, "mimeType": "image/jpeg", "buffer": made.getvalue()}


def expect_shown(pictures: Locator, count: int) -> None:
    """That so many pictures are there and each was loaded."""
    expect(pictures).to_have_count(count, timeout=40_000)
    widths: list[int] = []
    for _ in range(100):
        widths = [each.evaluate(_WIDTH) for each in pictures.all()]
        if len(widths) == count and all(widths):
            return
        pictures.page.wait_for_timeout(100)
    raise AssertionError(f"not every picture was loaded: {widths}")


def open_conversation(page: Page, number: str) -> None:
    page.locator("#convo-search").fill(number[2:])
    page.keyboard.press("Enter")
    page.locator("a.convo").first.click()


@pytest.mark.parametrize("mode", ON_LEGACY)
def test_a_picture_comes_from_a_phone_and_is_answered_with_one(mode: str, open_page: OpenPage) -> None:
    domain, _, inbox = MODES[mode]
    number = f"+1212555{'5' if mode == 'teams' else '6'}{int(time.time()) % 1000:03}"
    phone = open_page()
    text_from(phone, number, inbox, "Is this the right form?", picture("form.jpg"))
    expect(phone.locator("#phone-texts")).to_contain_text("Picture")
    check(phone)

    agent = open_page(f"agent@{domain}")
    open_conversation(agent, number)
    expect(agent.locator(".thread")).to_contain_text("Is this the right form?")
    pictures = agent.locator(".thread .media-picture img")
    expect_shown(pictures, 1)
    expect(pictures.first).to_have_attribute("alt", "Picture from the contact")

    agent.locator("#composer-body").fill("No, this one.")
    agent.locator(".composer-attach summary").click()
    agent.set_input_files("#composer-files", picture("large.jpg", 1600, noise=True))
    expect(agent.locator("#composer-chosen")).to_have_text("large.jpg")
    check(agent)
    agent.get_by_role("button", name="Send", exact=True).click()
    expect(agent.locator("#composer-files-error")).to_contain_text("500 KB together")
    expect(agent.locator("#composer-body")).to_have_value("No, this one.")
    check(agent)
    agent.set_input_files("#composer-files", picture("right form.jpg"))
    agent.get_by_role("button", name="Send", exact=True).click()
    expect_shown(pictures, 2)
    expect(pictures.last).to_have_attribute("alt", "Picture we sent: right form.jpg")
    expect(agent.locator("#composer-body")).to_have_value("")
    check(agent)

    expect(phone.locator("#phone-texts")).to_contain_text("No, this one.", timeout=40_000)
    expect_shown(phone.locator("#phone-texts img"), 1)


def test_a_file_is_sent_without_scripts(open_page: OpenPage) -> None:
    number = f"+12125557{int(time.time()) % 1000:03}"
    text_from(open_page(), number, MODES["teams"][2], "Hello there")
    agent = open_page("agent@lakeside.example", scripts=False)
    agent.goto(f"/messages/?inbox=&q={number[2:]}")
    agent.locator("a.convo").first.click()
    agent.fill("#composer-body", "The map")
    agent.locator(".composer-attach summary").click()
    agent.set_input_files("#composer-files", picture("map.jpg"))
    agent.get_by_role("button", name="Send", exact=True).click()
    expect(agent.locator(".thread")).to_contain_text("The map")
    expect(agent.locator(".thread .media-picture img")).to_have_attribute("alt", "Picture we sent: map.jpg")
