"""Pictures of the plugin in a napari window: denoise a simulated image and save what each tab shows.

Run it where a window can open, or under a virtual one: xvfb-run python examples/napari_screenshot.py docs/images
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication

import napari
from muguet.napari import sample_data
from muguet.napari.panel import Panel

WINDOW = (1280, 800)
MINUTES = 10  # The script gives up after this time.


def main(folder: Path, steps: float) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    viewer = napari.Viewer()
    viewer.window.resize(*WINDOW)
    pixels, given = sample_data.cells()[0]
    viewer.add_image(pixels, contrast_limits=(100, 260), **given)
    panel = Panel(viewer)
    dock = viewer.window.add_dock_widget(panel, name="muguet", area="right")
    dock.setMinimumWidth(430)
    blocked = Heartbeat()
    started = time.monotonic()
    panel.denoise.start_button.click()
    wait(lambda: len(viewer.layers) > 1 and panel.result is not None)
    print(f"first layer after {time.monotonic() - started:.1f} s")
    wait(lambda: not panel.result.busy)
    print(f"first pixels after {time.monotonic() - started:.1f} s")
    wait(
        lambda: panel.denoise.curve.pixmap() is not None and not panel.denoise.curve.pixmap().isNull(), steps
    )
    viewer.layers[-1].visible = True
    save(viewer, folder / "napari-denoise.png")
    panel.denoise.stop_button.click()
    wait(lambda: panel.denoise.start_button.isEnabled())
    print(f"complete after {time.monotonic() - started:.1f} s: {panel.denoise.words.text()}")
    wait(lambda: bool(panel.noise.sentences.text()))
    panel.tabs.setCurrentIndex(1)
    wait(lambda: False, 1)
    save(viewer, folder / "napari-noise.png")
    panel.tabs.setCurrentIndex(2)
    wait(lambda: bool(panel.checks.text.toPlainText()))
    panel.checks.buttons["residual"].click()
    wait(lambda: len(viewer.layers) > 2)
    wait(lambda: False, 3)
    save(viewer, folder / "napari-checks.png")
    print(
        f"longest time between two beats of the interface: {1000 * blocked.longest:.0f} ms at {blocked.when:.1f} s"
    )
    viewer.close()


class Heartbeat:
    """The longest time for which the interface could not answer, in seconds."""

    def __init__(self) -> None:
        self.longest, self.when = 0.0, 0.0
        self.started = self.last = time.monotonic()
        self.timer = QTimer()
        self.timer.timeout.connect(self.beat)
        self.timer.start(10)

    def beat(self) -> None:
        """Note the time since the last beat."""
        now = time.monotonic()
        if now - self.last > self.longest:
            self.longest, self.when = now - self.last, now - self.started
        self.last = now


def wait(condition: Callable[[], bool], most: float = 60 * MINUTES) -> None:
    """Run the interface until a condition holds, or for so many seconds."""
    end = time.monotonic() + most
    while not condition() and time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.005)


def save(viewer: napari.Viewer, path: Path) -> None:
    viewer.window.screenshot(str(path), size=None, flash=False, canvas_only=False)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."), float(sys.argv[2] if len(sys.argv) > 2 else 600))
