"""The page in a real browser, with real clicks, if Chromium and Playwright are there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import tifffile

from tests.app.conftest import Client

playwright = pytest.importorskip("playwright.sync_api")

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


@pytest.fixture(scope="module")
def browser():
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no browser found: install Chromium to test the page in a browser")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=found, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser, client: Client) -> Iterator:
    """The open page; its errors and requests to elsewhere fail the test."""
    context = browser.new_context(viewport={"width": 1300, "height": 900}, accept_downloads=True)
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    hosts: set[str] = set()
    opened.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    opened.goto(client.address)
    yield opened
    assert hosts == {urlsplit(client.address).netloc}
    assert errors == []
    context.close()


def wait(page, code: str) -> None:
    """Wait until JavaScript code is true; the page's policy forbids Playwright's own way."""
    while not page.evaluate(code):
        page.wait_for_timeout(50)


READY = "state !== null && state.stage !== 'working'"


def test_from_a_file_to_downloads_with_the_mouse(page, client: Client, folder, tmp_path):
    page.set_input_files("#file", str(folder / "cells.tif"))
    wait(page, READY)
    assert page.inner_text("#words") == "Complete."
    assert "cells.tif" in page.inner_text("#title")
    assert page.locator("#check-list li").count() >= 5
    assert page.locator("#camera tbody tr").count() == 3
    assert "Gaussian blur" in page.inner_text("#blur-words")

    # The slider: the left picture ends where the mouse is pressed.
    frame = page.locator("#compare").bounding_box()
    page.mouse.move(frame["x"] + 0.5 * frame["width"], frame["y"] + 40)
    page.mouse.down()
    page.mouse.move(frame["x"] + 0.25 * frame["width"], frame["y"] + 40)
    page.mouse.up()
    assert float(page.input_value("#slider")) == pytest.approx(250, abs=5)
    assert "75%" in page.evaluate("getComputedStyle(document.getElementById('left')).clipPath")
    page.get_by_text("Gaussian blur | Denoised").click()
    assert page.inner_text("#left-name") == "Gaussian blur"
    assert page.inner_text("#right-name") == "Denoised"
    wait(page, "document.getElementById('left').naturalWidth === 64")

    with page.expect_download() as started:
        page.click("#get-result")
    got = Path(tmp_path / started.value.suggested_filename)
    assert got.name == "cells_denoised.tif"
    started.value.save_as(got)
    assert tifffile.imread(got).shape == (64, 64)
    with page.expect_download() as started:
        page.click("#get-model")
    assert started.value.suggested_filename == "cells.muguet"
    page.click("#make-report")
    wait(page, "state.report === 'ready'")
    assert page.inner_text("#make-report") == "Open the report"
    wait(page, "document.getElementById('make-report').textContent === 'Open the report'")
    report = page.context.new_page()
    report.goto(f"{client.address}jobs/{page.evaluate('state.number')}/report.file")
    assert "cells.tif" in report.inner_text("h1")
    page.click("#close")
    wait(page, "!document.getElementById('start').hidden")
    assert client.service.jobs == {}


def test_stop_keeps_what_was_learned(page, client: Client, folder):
    client.service.steps = 10**8
    page.fill("#path", str(folder / "cells.tif"))
    page.click("#open button")
    wait(page, "state !== null && state.trains && state.share > 0")
    page.click("#stop")
    wait(page, READY)
    assert "stopped" in page.inner_text("#model")


def test_what_cannot_be_denoised_is_a_sentence_on_the_page(page, client: Client, tmp_path):
    wrong = tmp_path / "notes.txt"
    wrong.write_text("these are notes")
    page.set_input_files("#file", str(wrong))
    wait(page, READY)
    assert "notes.txt" in page.inner_text("#error")
    page.click("#home")
    page.evaluate("document.body.dataset.maxUpload = '3'")
    page.set_input_files("#file", str(wrong))
    wait(page, "!document.getElementById('problem').hidden")
    assert "larger than" in page.inner_text("#problem")


def test_a_page_of_another_origin_reads_and_starts_nothing(browser, client: Client):
    context = browser.new_context()
    foreign = context.new_page()
    foreign.route(
        "http://evil.example/**", lambda route: route.fulfill(body="<h1>evil</h1>", content_type="text/html")
    )
    foreign.goto("http://evil.example/")
    outcome = foreign.evaluate(
        f"""async () => {{
          const found = [];
          for (const mode of ["cors", "no-cors"])
            try {{
              const body = JSON.stringify({{ simulated: true }});
              const answer = await fetch("{client.address}jobs", {{ method: "POST", mode, body }});
              found.push(answer.type + (await answer.text()));
            }} catch (error) {{ found.push("refused"); }}
          const image = await new Promise((then) => {{
            const one = new Image();
            one.onload = () => then("loaded");
            one.onerror = () => then("refused");
            one.src = "{client.address}jobs/1/noisy.png";
          }});
          return [...found, image];
        }}"""
    )
    assert outcome[0] == "refused"
    assert outcome[1] in ("refused", "opaque")
    assert outcome[2] == "refused"
    assert client.service.jobs == {}
    context.close()
