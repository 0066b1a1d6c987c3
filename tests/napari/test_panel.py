"""The widget without a window: one click gives a result, and every tab and button does what it says."""

from __future__ import annotations

import inspect
import os
import time

import numpy as np
import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
pytest.importorskip("napari")
pytest.importorskip("qtpy.QtWidgets", exc_type=ImportError)

from napari.components import ViewerModel
from qtpy.QtCore import QThreadPool
from qtpy.QtWidgets import QApplication

from muguet.interactive import runs
from muguet.interactive.computation import Computation
from muguet.interactive.messages import Better, Complete
from muguet.napari.panel import Panel
from muguet.prediction import Cut
from tests.conftest import blobs, recorded


class Opened:
    """Opens nothing."""

    @staticmethod
    def openUrl(url) -> None:  # noqa: N802
        assert url.isLocalFile()


@pytest.fixture
def panel(tiny_prior, monkeypatch):
    application = QApplication.instance() or QApplication([])
    monkeypatch.setattr(runs, "MINUTES", 0.0)
    monkeypatch.setattr("muguet.quality.model_checks.second_opinion", lambda *given: None)
    monkeypatch.setattr("muguet.napari.panel.QDesktopServices", Opened)
    panel = Panel(ViewerModel())
    yield panel
    panel.stop.set()
    wait(lambda: panel.denoise.start_button.isEnabled())
    # The noise law and the checks may still be computed in threads that need the application.
    wait(lambda: QThreadPool.globalInstance().activeThreadCount() == 0)
    panel.deleteLater()
    application.processEvents()


def wait(condition) -> None:
    """Let the interface work until a condition holds; the time limit of every test ends a wait in vain."""
    while not condition():
        QApplication.processEvents()
        time.sleep(0.001)


def denoised(panel: Panel) -> None:
    panel.viewer.add_image(recorded(blobs(64)), name="cells", contrast_limits=(100, 300))
    panel.denoise.start_button.click()
    wait(lambda: panel.checks.text.toPlainText() and panel.noise.sentences.text())


def test_one_click_fills_all_tabs(panel):
    denoised(panel)
    assert [each.name for each in panel.viewer.layers] == ["cells", "cells denoised"]
    assert isinstance(panel.viewer.layers[1].data, np.ndarray)
    assert panel.noise.table.rowCount() == 3
    assert "The noise was removed" in panel.checks.text.toPlainText()
    assert "Gaussian blur" in panel.checks.text.toPlainText()
    assert panel.denoise.chosen() == [panel.viewer.layers[0]]  # Not the result.


def test_what_a_thread_calls_outlives_the_panel(panel):
    """A signal does not keep its object alive, and a thread that then emits it ends the program; a method does."""
    denoised(panel)
    assert inspect.ismethod(panel.result.changed)
    assert panel.result.changed.__self__ is panel.background
    assert panel.background.parent() is None  # No widget takes it along when it is deleted.


def test_training_goes_on_once_the_first_pixels_are_there(panel, monkeypatch):
    done: list[str] = []

    def denoise(levels, *given):
        def function(values, channel):
            done.append("pixels")
            return values.astype(np.float32)

        yield Better(None, [Computation(function, Cut.whole(levels[0].space))], "the first result")
        done.append("training")
        yield Complete(None, "complete")

    monkeypatch.setattr(runs, "denoise", denoise)
    panel.viewer.add_image(recorded(blobs(64)), name="cells")
    panel.denoise.start_button.click()
    wait(lambda: panel.denoise.words.text() == "complete")
    assert done[0] == "pixels"
    assert "training" in done


def test_layers_beside_the_result_and_the_report(panel, tmp_path):
    denoised(panel)
    for word in ("residual", "uncertainty", "blurred"):
        panel.checks.buttons[word].click()
        wait(lambda word=word: f"cells {word}" in panel.viewer.layers)
    panel.checks.report.emit(tmp_path / "page")
    wait(lambda: (tmp_path / "page.html").exists() and "page.html" in panel.checks.words.text())


def test_a_model_is_saved_loaded_and_applied_to_another_layer(panel, tmp_path):
    denoised(panel)
    panel.denoise.save.emit(tmp_path / "m")
    wait((tmp_path / "m.muguet").exists)
    panel.denoise.load.emit(tmp_path / "m.muguet")
    wait(lambda: "m.muguet" in panel.denoise.model.text())
    other = panel.viewer.add_image(recorded(blobs(64, 1)), name="other", contrast_limits=(100, 300))
    panel.viewer.layers.selection = {other}
    panel.denoise.apply_button.click()
    wait(lambda: "other denoised" in panel.viewer.layers)
    wait(lambda: panel.denoise.start_button.isEnabled())


def test_an_error_is_one_sentence(panel, monkeypatch):
    shown = []
    monkeypatch.setattr("muguet.napari.panel.show_error", shown.append)
    panel.denoise.start_button.click()
    assert shown == ["no layer is chosen: choose an image layer in the list"]
    panel.viewer.add_image(np.zeros((32, 32)), name="dark")
    panel.denoise.start_button.click()
    wait(lambda: len(shown) == 2)
    assert "constant" in shown[1]
    wait(lambda: panel.denoise.start_button.isEnabled())
