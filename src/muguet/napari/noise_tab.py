"""The second tab: the noise law as a figure, and gain, offset and read noise with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QPixmap
from qtpy.QtWidgets import (
    QComboBox,
    QHeaderView,
    QLabel,
    QScrollArea,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from muguet.interactive.law import NoiseLaw

_COLUMNS = ("", "Value", "95 % interval")


class NoiseTab(QWidget):
    """The noise law of one channel; `channel` is emitted when another channel is chosen."""

    channel = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.channels = QComboBox()
        self.picture = QLabel("The noise law appears here with the first result.")
        self.picture.setWordWrap(True)
        self.picture.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignHCenter)
        self.table = QTableWidget(0, len(_COLUMNS))
        self.table.setHorizontalHeaderLabels(_COLUMNS)
        self.table.verticalHeader().hide()
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.table.horizontalHeader().setStretchLastSection(True)
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.hide()
        self.sentences = QLabel()
        self.sentences.setWordWrap(True)
        self.sentences.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.channels.hide()
        inner = QWidget()
        layout = QVBoxLayout(inner)
        for widget in (self.channels, self.picture, self.table, self.sentences):
            layout.addWidget(widget)
        layout.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inner)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(area)
        self._pixmap: Any = None
        self.channels.activated.connect(self.channel.emit)

    def set_channels(self, names: Sequence[str]) -> None:
        """Offer the channels of a model; a single one is not shown."""
        self.channels.clear()
        self.channels.addItems(list(names))
        self.channels.setVisible(len(names) > 1)

    def show_law(self, law: NoiseLaw) -> None:
        """Show the noise law of a channel."""
        self._pixmap = QPixmap()
        self._pixmap.loadFromData(law.picture)
        self._fit()
        self.table.setRowCount(len(law.rows))
        for number, row in enumerate(law.rows):
            for column, text in enumerate((row.name, row.value, row.interval)):
                self.table.setItem(number, column, QTableWidgetItem(text))
        self.table.setVisible(bool(law.rows))
        self.table.setFixedHeight(
            self.table.verticalHeader().length() + self.table.horizontalHeader().height() + 8
        )
        self.sentences.setText("\n\n".join(law.sentences))

    def resizeEvent(self, event: Any) -> None:  # noqa: N802  (the name is Qt's)
        """Fit the figure to the new width."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        if self._pixmap is not None:
            width = max(min(self.width() - 40, 560), 120)
            fitted = self._pixmap.scaledToWidth(width, Qt.TransformationMode.SmoothTransformation)
            self.picture.setWordWrap(False)  # A label that wraps words does not make room for a picture.
            self.picture.setPixmap(fitted)
            self.picture.setFixedHeight(fitted.height())
