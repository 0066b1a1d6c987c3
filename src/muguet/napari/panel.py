"""The widget of the plugin: three tabs, and the threads in the background that do the work."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

from napari.utils.notifications import show_error, show_info
from qtpy.QtCore import QTimer, QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QTabWidget, QVBoxLayout, QWidget

from muguet.errors import MuguetError
from muguet.interactive import checks, runs
from muguet.interactive.computation import Computation
from muguet.interactive.law import noise_law, require_law
from muguet.interactive.messages import Advanced, Better, Complete, Message, Note
from muguet.napari.background import Background, collect_all, share_time, without_collections
from muguet.napari.beside import beside
from muguet.napari.checks_tab import ChecksTab
from muguet.napari.denoise_tab import DenoiseTab
from muguet.napari.layers import pixel_size, shown_sample, sources
from muguet.napari.noise_tab import NoiseTab
from muguet.napari.result import Result
from muguet.napari.views import View
from muguet.napari.words import as_html

_REFRESH_EVERY = 100  # Milliseconds between two redraws of views with new pixels.
_PATIENCE = 5.0  # A run waits at most this many seconds for the first pixels, which no one may look at.


class Panel(QWidget):
    """The tabs *Denoise*, *Noise* and *Did it work*, for a viewer of napari.

    Parameters
    ----------
    napari_viewer
        The viewer; napari recognises the argument by its name.
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__()
        self.viewer = napari_viewer
        self.result: Result | None = None
        self.model: Any = None
        self.stop, self.background = Event(), Background(self._on_error)
        self._fresh: list[View] = []
        self._law_is_due = False
        self.denoise, self.noise, self.checks = DenoiseTab(), NoiseTab(), ChecksTab()
        self.tabs = QTabWidget()
        for name, tab in (("Denoise", self.denoise), ("Noise", self.noise), ("Did it work?", self.checks)):
            self.tabs.addTab(tab, name)
        layout = QVBoxLayout(self)
        layout.addWidget(self.tabs)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._redraw)
        self.background.pixels.connect(self._on_pixels)
        self.background.call.connect(self._on_call)
        self.denoise.start.connect(self.on_start)
        self.denoise.stop.connect(self.on_stop)
        self.denoise.apply.connect(self.on_apply)
        self.denoise.save.connect(self.on_save)
        self.denoise.load.connect(self.on_load)
        self.noise.channel.connect(self.show_law)
        self.checks.check.connect(self.judge)
        self.checks.beside.connect(self.add_beside)
        self.checks.report.connect(self.write_report)
        for event in ("inserted", "removed", "reordered"):
            getattr(self.viewer.layers.events, event).connect(self._list_layers)
        self.viewer.layers.selection.events.changed.connect(self._list_layers)
        self.destroyed.connect(self.stop.set)
        self._list_layers()
        self.viewer.layers.events.removed.connect(collect_all)
        self.background.compute(without_collections(runs.warm_up), lambda _: None)

    # ------------------------------------------------------------------ layers

    def _list_layers(self, event: Any = None) -> None:
        images = [
            each for each in self.viewer.layers if hasattr(each, "rgb") and "muguet" not in each.metadata
        ]
        selected = [each for each in images if each in self.viewer.layers.selection]
        self.denoise.show_layers(images, selected or self.denoise.chosen() or images[-1:])

    def _new_result(self) -> Result | None:
        """The result of a run that begins on the chosen layers; None, and a notification, if it cannot."""
        chosen = self.denoise.chosen()
        try:
            levels = sources(chosen, self.viewer.dims.axis_labels)
            return Result(self.viewer, chosen, levels, self.background.tell_pixels)
        except MuguetError as error:
            show_error(str(error))
            return None

    def _shown(self, result: Result) -> int:
        return shown_sample(result.source, result.noisy[0], self.viewer.dims.point)

    # -------------------------------------------------------------------- runs

    def on_start(self) -> None:
        """Denoise the chosen layers."""
        result = self._new_result()
        if result is not None:
            self.denoise.clear()
            self.stop.clear()
            self._run(result, runs.denoise, result.levels, self._shown(result), self.stop, runs.MINUTES)

    def on_apply(self) -> None:
        """Denoise the chosen layers by the model that there is."""
        result = self._new_result()
        if result is not None:
            self.denoise.clear_notes()
            self.stop.clear()
            self._run(result, runs.apply, self.model, result.levels, self.stop)

    def on_stop(self) -> None:
        """End the training; the best model so far is used."""
        self.stop.set()
        self.denoise.words.setText("Stopping: the best model so far is used.")

    def _run(self, result: Result, function: Callable[..., Any], *arguments: Any) -> None:
        self.denoise.set_busy(True)
        share_time(True)
        self.background.iterate(
            _patiently, (result, function, *arguments), partial(self._on_message, result), self._on_end
        )

    def _on_message(self, result: Result, message: Message) -> None:
        match message:
            case Note():
                self.denoise.note(message)
            case Advanced():
                if not self.stop.is_set():
                    self.denoise.advance(message)
            case Better(denoiser, levels, words):
                first = self.result is not result
                self.result, self.model = result, denoiser
                result.update(denoiser, levels, words)
                self.denoise.set_model(f"Model of {', '.join(result.source.names)}: {words}.")
                self.checks.set_result(True)
                if first:
                    self.checks.text.clear()
                    self.noise.set_channels(checks.channel_names(result.source))
                    self._law_is_due = True  # It is drawn after the first pixels, which the user waits for.
            case Complete():
                result.complete(message)
                self.denoise.words.setText(message.words)
                self.show_law(max(self.noise.channels.currentIndex(), 0))
                self.judge()

    def _on_call(self, function: Callable[[Any], None], value: Any) -> None:
        function(value)

    def _on_end(self) -> None:
        share_time(False)
        self.denoise.set_busy(False)

    def _on_error(self, error: BaseException) -> None:
        self.denoise.words.setText("")
        if isinstance(error, MuguetError | OSError | MemoryError):
            show_error(str(error) or "There is not enough memory: choose a smaller layer.")
        else:
            raise error

    # ------------------------------------------------------------------ views

    def _on_pixels(self, view: View) -> None:
        if not any(each is view for each in self._fresh):
            self._fresh.append(view)
        if not self._timer.isActive():
            self._timer.start(_REFRESH_EVERY)

    def _redraw(self) -> None:
        fresh, self._fresh = self._fresh, []
        for view in fresh:
            for layer in self.result.shows(view) if self.result is not None else ():
                layer.refresh(thumbnail=True, highlight=False, extent=False)
        if self._law_is_due and self.result is not None and self.result.pixels.is_set():
            self.show_law(0)

    # ------------------------------------------------------------------ the model

    def on_save(self, path: Path) -> None:
        """Write the model to a file."""
        path = path if path.suffix else path.with_suffix(".muguet")
        self.background.compute(
            self.model.save, lambda _: show_info(f"The model is saved as {path.name}."), path
        )

    def on_load(self, path: Path) -> None:
        """Read a model from a file."""

        def then(denoiser: Any) -> None:
            self.model = denoiser
            self.denoise.set_model(f"Model from {path.name}.")

        self.background.compute(runs.load, then, path)

    # -------------------------------------------------------------- noise, checks

    def show_law(self, channel: int) -> None:
        """Show the noise law of a channel."""
        self._law_is_due = False
        result = self.result
        if result is None or result.denoiser is None:
            return
        denoiser, n = result.denoiser, self._shown(result)

        def compute() -> Any:
            require_law(denoiser)
            shown = result.plane(n, channel)
            return noise_law(denoiser, channel, shown.noisy, shown.estimate)

        self.background.compute(compute, self.noise.show_law)

    def judge(self) -> None:
        """Check the shown plane of every channel."""
        result = self.result
        if result is None or result.denoiser is None:
            return
        denoiser, n = result.denoiser, self._shown(result)
        names = checks.channel_names(result.source)
        self.checks.words.setText("Checking the shown plane …")

        def compute() -> Any:
            return {name: checks.judge(denoiser, c, result.plane(n, c)) for c, name in enumerate(names)}

        def then(judged: Any) -> None:
            self.checks.words.setText("")
            self.checks.text.setHtml(as_html(judged))

        self.background.compute(compute, then)

    def add_beside(self, kind: str) -> None:
        """Add a layer beside the result: the residual, the uncertainty, or the blur."""
        result = self.result
        if result is None:
            return
        n = self._shown(result)

        def then(found: tuple[Sequence[Computation], dict[str, Any]]) -> None:
            computations, attributes = found
            result.add(computations, kind, **attributes)

        self.background.compute(beside, then, kind, result, n)

    def write_report(self, path: Path) -> None:
        """Write the report on the shown plane, and open it."""
        result = self.result
        if result is None or result.denoiser is None:
            return
        path = path if path.suffix else path.with_suffix(".html")
        denoiser, n, size = result.denoiser, self._shown(result), pixel_size(result.noisy[0])
        self.checks.words.setText("Writing the report …")

        def compute() -> Path:
            shown = [result.plane(n, c) for c in range(result.source.channels)]
            neighbours = result.computations[0].neighbours
            checks.write_report(denoiser, result.source, n, shown, path, size, neighbours)
            return path

        def then(written: Path) -> None:
            self.checks.words.setText(f"The report is {written}.")
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(written)))

        self.background.compute(compute, then)


def _patiently(
    result: Result, function: Callable[..., Iterator[Message]], *arguments: Any
) -> Iterator[Message]:
    """Yield what happens in a run, which goes on after its first model only when its pixels are shown.

    Training would otherwise compete with them for the cores, and the user waits for them.
    """
    for message in function(*arguments):
        yield message
        if isinstance(message, Better):
            result.pixels.wait(_PATIENCE)
