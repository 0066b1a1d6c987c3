"""Pictures of the plugin in a napari window: denoise a simulated image and save what each tab shows.

Run it where a window can open, or under a virtual one: xvfb-run python examples/napari_screenshot.py docs/images
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

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
    panel.denoise.start_button.click()
    wait(lambda: len(viewer.layers) > 1 and panel.result is not None)
    wait(lambda: not panel.result.busy)
    wait(
        lambda: panel.denoise.curve.pixmap() is not None and not panel.denoise.curve.pixmap().isNull(), steps
    )
    viewer.canvas.grid.enabled = True  # Noisy and denoised, one below the other.
    viewer.canvas.grid.shape = (2, 1)
    viewer.reset_view()
    wait(lambda: False, 3)
    save(viewer, folder / "napari-denoise.png")
    panel.denoise.stop_button.click()
    wait(lambda: panel.denoise.start_button.isEnabled())
    print(panel.denoise.words.text())
    panel.tabs.setCurrentIndex(1)
    wait(lambda: bool(panel.checks.text.toPlainText()))
    wait(lambda: "learned" in panel.noise.sentences.text())
    wait(lambda: False, 3)
    save(viewer, folder / "napari-noise.png")
    panel.tabs.setCurrentIndex(2)
    for number, name in enumerate(("residual", "blurred"), 3):
        panel.checks.buttons[name].click()
        wait(lambda number=number: len(viewer.layers) == number)
    for layer in viewer.layers:
        layer.name_overlay.visible = True
    viewer.canvas.grid.shape = (2, 2)
    viewer.reset_view()
    # The residual is computed where it is looked at.
    wait(lambda: not any(getattr(layer.data, "busy", False) for layer in viewer.layers))
    wait(lambda: False, 5)
    save(viewer, folder / "napari-checks.png")
    viewer.close()


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
