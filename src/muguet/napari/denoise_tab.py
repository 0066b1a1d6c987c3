"""The first tab: the layers, one button, the progress, the held-out curve and the model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qtpy.QtCore import QPointF, Qt, Signal
from qtpy.QtGui import QColor, QPainter, QPen, QPixmap, QPolygonF
from qtpy.QtWidgets import (
    QFileDialog,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from muguet.interactive.messages import Advanced, Note

_CURVE = (320, 90)  # Size of the held-out curve in pixels.
_MARGIN = 6
_MODELS = "muguet models (*.muguet)"


class DenoiseTab(QWidget):
    """The layers to denoise, the buttons, the progress and the model.

    The signals tell the panel what the user wants; `save` and `load` carry the path of a model file.
    """

    start = Signal()
    stop = Signal()
    apply = Signal()
    save = Signal(object)
    load = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.layers = QListWidget()
        self.layers.setMaximumHeight(110)
        self.layers.setToolTip("Layers of one shape become the channels of one model.")
        self.start_button = QPushButton("Denoise")
        self.start_button.setToolTip("A first result in seconds, the best one in five minutes at most.")
        self.stop_button = QPushButton("Stop")
        self.stop_button.setToolTip("End the training and keep the best model so far.")
        self.stop_button.setEnabled(False)
        self.bar, self.words = QProgressBar(), QLabel("Choose a layer and press Denoise.")
        self.bar.setTextVisible(False)
        self.words.setWordWrap(True)
        self.curve, self.curve_words = QLabel(), QLabel()
        self.curve_words.setWordWrap(True)
        self._notes: list[Note] = []
        self.notes = QPlainTextEdit()
        self.notes.setReadOnly(True)
        self.notes.setMaximumHeight(160)
        self.notes.setPlaceholderText("Remarks about the image appear here.")
        buttons = QHBoxLayout()
        buttons.addWidget(self.start_button, 2)
        buttons.addWidget(self.stop_button, 1)
        layout = QVBoxLayout(self)
        layout.addWidget(QLabel("Layers to denoise:"))
        layout.addWidget(self.layers)
        layout.addLayout(buttons)
        for widget in (self.bar, self.words, self.curve, self.curve_words):
            layout.addWidget(widget)
        layout.addWidget(self.notes)
        layout.addStretch(1)
        layout.addWidget(self._model_box())
        self.start_button.clicked.connect(self.start.emit)
        self.stop_button.clicked.connect(self.stop.emit)

    def _model_box(self) -> Any:
        box = QGroupBox("Model")
        self.model = QLabel("None yet. Denoise a layer, or load a model.")
        self.model.setWordWrap(True)
        self.save_button = QPushButton("Save model …")
        self.load_button = QPushButton("Load model …")
        self.apply_button = QPushButton("Apply model")
        self.apply_button.setToolTip("Denoise the chosen layers by this model, without training.")
        self.set_model("")
        row = QHBoxLayout()
        for button in (self.save_button, self.load_button, self.apply_button):
            row.addWidget(button)
        layout = QVBoxLayout(box)
        layout.addWidget(self.model)
        layout.addLayout(row)
        self.save_button.clicked.connect(self._ask_where_to_save)
        self.load_button.clicked.connect(self._ask_what_to_load)
        self.apply_button.clicked.connect(self.apply.emit)
        return box

    def _ask_where_to_save(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save model", "model.muguet", _MODELS)
        if path:
            self.save.emit(Path(path))

    def _ask_what_to_load(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Load model", "", _MODELS)
        if path:
            self.load.emit(Path(path))

    # ------------------------------------------------------------------ layers

    def show_layers(self, layers: Sequence[Any], chosen: Sequence[Any]) -> None:
        """List layers, with a tick at the chosen ones."""
        self.layers.clear()
        for layer in layers:
            item = QListWidgetItem(layer.name)
            item.setData(Qt.ItemDataRole.UserRole, layer)
            item.setFlags(Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsEnabled)
            ticked = any(layer is each for each in chosen)
            item.setCheckState(Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)
            self.layers.addItem(item)

    def chosen(self) -> list[Any]:
        """Return the layers with a tick."""
        items = (self.layers.item(row) for row in range(self.layers.count()))
        return [
            item.data(Qt.ItemDataRole.UserRole)
            for item in items
            if item.checkState() == Qt.CheckState.Checked
        ]

    # ---------------------------------------------------------------- progress

    def set_busy(self, busy: bool) -> None:
        """Enable the buttons that make sense while a run goes on, or while none does."""
        for button in (self.start_button, self.load_button):
            button.setEnabled(not busy)
        self.stop_button.setEnabled(busy)
        has_model = bool(self.model.property("known"))
        self.apply_button.setEnabled(has_model and not busy)
        self.save_button.setEnabled(has_model)
        if not busy:
            self.bar.setRange(0, 1)
            self.bar.setValue(0)

    def set_model(self, words: str) -> None:
        """Say which model there is; an empty text: none."""
        if words:
            self.model.setText(words)
        self.model.setProperty("known", bool(words))
        self.save_button.setEnabled(bool(words))
        self.apply_button.setEnabled(bool(words) and self.start_button.isEnabled())

    def advance(self, progress: Advanced) -> None:
        """Show the progress of a run."""
        if progress.share is None:
            self.bar.setRange(0, 0)
        else:
            self.bar.setRange(0, 1000)
            self.bar.setValue(round(1000 * progress.share))
        self.words.setText(progress.words)
        if len(progress.held_out) > 1:
            self.curve.setFixedHeight(_CURVE[1])
            self.curve.setPixmap(curve(progress.held_out, self.palette().windowText().color()))
            step, loss = progress.held_out[-1]
            self.curve_words.setText(
                f"Loss on pixels never used for training: {loss:.4f} at step {step:g}. Lower is better."
            )

    def note(self, note: Note) -> None:
        """Show a remark, in place of an earlier one on its topic."""
        self._notes = [each for each in self._notes if not note.topic or each.topic != note.topic]
        self._notes.append(note)
        self.notes.setPlainText("\n".join(each.text for each in self._notes))

    def clear_notes(self) -> None:
        """Remove the remarks of an earlier run."""
        self._notes = []
        self.notes.clear()

    def clear(self) -> None:
        """Remove the curve and the remarks of an earlier run."""
        self.curve.clear()
        self.curve.setFixedHeight(0)
        self.curve_words.clear()
        self.clear_notes()


def curve(points: Sequence[tuple[float, float]], ink: Any) -> Any:
    """Return a picture of points as a line from the lower left to the upper right corner of their range."""
    width, height = _CURVE
    picture = QPixmap(width, height)
    picture.fill(QColor(0, 0, 0, 0))
    (left, right), (low, high) = ((min(each), max(each)) for each in zip(*points, strict=True))
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(ink, 0.5))
    painter.drawLine(_MARGIN, height - _MARGIN, width - _MARGIN, height - _MARGIN)
    painter.setPen(QPen(QColor("#56B4E9"), 2))
    line = [
        QPointF(
            _MARGIN + (width - 2 * _MARGIN) * (x - left) / max(right - left, 1e-12),
            height - _MARGIN - (height - 2 * _MARGIN) * (y - low) / max(high - low, 1e-12),
        )
        for x, y in points
    ]
    painter.drawPolyline(QPolygonF(line))
    painter.end()
    return picture
