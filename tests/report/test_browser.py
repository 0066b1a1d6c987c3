"""The report opened in a real browser, if there is one: the magnifier moves, and the page fits its window."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import imagecodecs
import pytest

from tests.report.conftest import Reader, decoded

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")

MOVE = """<script>
addEventListener("load", () => setTimeout(() => {
  const root = document.documentElement, boxes = [...document.querySelectorAll(".crops .box")];
  const grey = () => [...document.querySelectorAll(".details canvas")].map((lens) =>
    lens.getContext("2d").getImageData(3, 3, 1, 1).data[0]).join();
  const view = document.querySelectorAll(".crops .view")[1], frame = view.getBoundingClientRect();
  view.dispatchEvent(new PointerEvent("pointermove", {clientX: frame.left + 1, clientY: frame.top + 1}));
  root.dataset.corner = boxes.map((box) => box.style.left + box.style.top).join();
  root.dataset.grey = grey();
  view.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowRight"}));
  root.dataset.right = document.querySelector(".where").textContent;
  root.dataset.wide = String(root.scrollWidth <= root.clientWidth);
}, 300));
</script></body>"""


@pytest.fixture(scope="module")
def browser():
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("no browser found: install Chromium to test the report in a browser")
    return found


def browse(browser, page, where, *options):
    """Open a page in a browser without a window; return what the browser prints."""
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={where / 'profile'}"]
    command += ["--hide-scrollbars", "--virtual-time-budget=5000", *options, page.as_uri()]
    return subprocess.run(command, capture_output=True, timeout=120, check=True, text=True).stdout


def test_a_browser_opens_the_page_and_the_magnifier_moves(browser, page, tmp_path):
    moved = tmp_path / "moved.html"
    moved.write_text(page.read_text("utf-8").replace("</body>", MOVE), "utf-8")
    root = dict(Reader(browse(browser, moved, tmp_path, "--window-size=1280,900", "--dump-dom")).tags[0][1])
    assert root.get("data-errors") is None
    assert root["data-ready"] == "true"
    assert root["data-corner"] == "0%0%,0%0%,0%0%"
    assert root["data-right"] == "x 8, y 0"
    assert root["data-wide"] == "true"
    shown = [str(corner(source)) for source in crop_sources(page)]
    assert root["data-grey"] == ",".join(shown)


def crop_sources(page):
    text = page.read_text("utf-8")
    return re.findall(r'<img src="([^"]+)"', text[text.index("three crops") :])[:3]


def corner(source):
    return int(decoded(source)[0, 0])


@pytest.mark.parametrize("width", [390, pytest.param(1280, marks=pytest.mark.slow)])
def test_the_page_fits_a_phone_and_a_desktop(browser, page, tmp_path, width):
    frame = tmp_path / "frame.html"  # a browser window cannot be as narrow as a phone, a frame can
    frame.write_text(
        f'<body style="margin:0"><iframe src="{page.as_uri()}" width="{width}" height="1600" style="border:0">'
    )
    shot = tmp_path / "shot.png"
    browse(browser, frame, tmp_path, f"--window-size={max(width, 600)},1600", f"--screenshot={shot}")
    picture = imagecodecs.png_decode(shot.read_bytes())[:, :width, :3].astype(float)
    assert picture.shape == (1600, width, 3)
    assert picture.mean() > 100  # on white
    inked = (picture.min(-1) < 200).any(1).mean()
    assert inked > 0.4  # rows with something on them
    assert Path(shot).stat().st_size > 10_000
