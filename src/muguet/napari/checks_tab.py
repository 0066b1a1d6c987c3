"""The third tab: did it work? The checks in words, layers to look at, and the report."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QGridLayout, QLabel, QPushButton, QTextBrowser, QVBoxLayout, QWidget


class ChecksTab(QWidget):
    """The checks of the shown plane, and buttons for the layers beside the result and for the report.

    The signals tell the panel what the user wants; `beside` carries the kind of layer, and `report` the path
    of the page.
    """

    check = Signal()
    beside = Signal(str)
    report = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.text = QTextBrowser()
        self.text.setPlaceholderText("Seven checks of the result appear here when it is complete.")
        self.words = QLabel("")
        self.words.setWordWrap(True)
        self.buttons = {
            "check": _button("Check the shown plane", "The checks take some ten seconds."),
            "residual": _button(
                "Residual", "A layer of what was removed: noisy − denoised. It should be pure noise."
            ),
            "uncertainty": _button(
                "Uncertainty", "A layer of the standard deviation of the error of every pixel."
            ),
            "blurred": _button(
                "Blur", "A layer of the Gaussian blur that removes as much noise as the model."
            ),
            "report": _button("Report …", "A page with all figures, which opens in the browser."),
        }
        grid = QGridLayout()
        grid.addWidget(self.buttons["check"], 0, 0, 1, 4)
        for column, name in enumerate(("residual", "uncertainty", "blurred", "report")):
            grid.addWidget(self.buttons[name], 1, column)
        layout = QVBoxLayout(self)
        layout.addLayout(grid)
        layout.addWidget(self.words)
        layout.addWidget(self.text, 1)
        self.buttons["check"].clicked.connect(self.check.emit)
        for name in ("residual", "uncertainty", "blurred"):
            self.buttons[name].clicked.connect(partial(self._ask_for, name))
        self.buttons["report"].clicked.connect(self._ask_where_to_write)
        self.set_result(False)

    def set_result(self, known: bool) -> None:
        """Enable the buttons if there is a result."""
        for button in self.buttons.values():
            button.setEnabled(known)

    def _ask_for(self, kind: str, *_: object) -> None:
        self.beside.emit(kind)

    def _ask_where_to_write(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Write the report", "report.html", "Web pages (*.html)")
        if path:
            self.report.emit(Path(path))


def _button(name: str, tip: str) -> Any:
    button = QPushButton(name)
    button.setToolTip(tip)
    return button
