"""Pictures of `muguet app` in a browser: denoise a simulated image and save what the page shows.

It needs Chromium and the package playwright: python examples/browser_screenshot.py docs/images
"""

from __future__ import annotations

import shutil
import sys
import threading
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from muguet.app.server import serve
from muguet.app.service import Service

WINDOW = {"width": 1400, "height": 1000}
MINUTES = 30  # The script gives up after this time.


def main(folder: Path, image: Path | None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    service = Service([] if image is None else [image], MINUTES / 2)
    addresses: list[str] = []
    ready, ended = threading.Event(), threading.Event()

    def begin(address: str) -> None:
        addresses.append(address)
        ready.set()

    thread = threading.Thread(target=serve, args=(service, begin), kwargs={"ended": ended})
    thread.start()
    try:
        ready.wait()
        with sync_playwright() as started:
            browser = started.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
            )
            page = browser.new_page(viewport=WINDOW)
            page.goto(addresses[0])
            take_pictures(page, folder, image)
            browser.close()
    finally:
        ended.set()
        thread.join()


def take_pictures(page: Page, folder: Path, image: Path | None) -> None:
    page.screenshot(path=folder / "app-start.png", clip={"x": 0, "y": 0, "width": 1400, "height": 620})
    begun = time.monotonic()
    if image is None:
        page.click("#sample")
    else:
        page.fill("#path", str(image))
        page.click("#open button")
    wait(page, "state !== null && state.shown !== null && state.shown.names.includes('denoised')")
    print(f"first result after {time.monotonic() - begun:.1f} s")
    wait(page, "state.held_out.length > 2 && state.share !== null || state.stage !== 'working'")
    page.wait_for_timeout(700)
    page.screenshot(path=folder / "app-training.png")
    if page.is_visible("#stop"):
        page.click("#stop")
    wait(page, "state.stage !== 'working'")
    print(f"complete after {time.monotonic() - begun:.1f} s: {page.evaluate('state.model + state.error')}")
    page.wait_for_timeout(1000)
    page.get_by_text("Gaussian blur | Denoised").click()
    page.evaluate("document.getElementById('slider').scrollIntoView({block: 'center'})")
    page.wait_for_timeout(500)
    page.screenshot(path=folder / "app-blur.png")
    page.evaluate("document.getElementById('law').scrollIntoView()")
    page.wait_for_timeout(500)
    page.screenshot(path=folder / "app-noise.png")


def wait(page: Page, code: str) -> None:
    """Wait until JavaScript code is true; the policy of the page forbids Playwright's own way."""
    end = time.monotonic() + 60 * MINUTES
    while not page.evaluate(code):
        if time.monotonic() > end:
            raise TimeoutError(code)
        page.wait_for_timeout(200)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
