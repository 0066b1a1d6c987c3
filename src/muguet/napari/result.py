"""The layers of one run: the noisy ones, the views of their results, and what is shown of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Any

from muguet.interactive.computation import Computation
from muguet.interactive.messages import Complete
from muguet.interactive.source import Source
from muguet.napari.layers import levels_of, result_attributes
from muguet.napari.views import View

if TYPE_CHECKING:
    from muguet.denoiser.denoiser import Denoiser
    from muguet.interactive.neighbours import Shown

_SIDE = 1024  # The noise law and the checks need no more than the centre of a plane.


@dataclass(eq=False)
class Result:
    """The noisy layers of a run with the layers of its results.

    Attributes
    ----------
    viewer
        napari's viewer, or its model without a window.
    noisy
        The noisy layers.
    levels
        Their pixels; of multiscale layers, at all levels.
    changed
        Called by a background thread with a view that has new pixels.
    denoiser, computations
        The best model so far, and how each level is computed by it.
    words
        What the model is, in a few words.
    layers
        The layers of the results; empty before the first one.
    pixels
        Set by a background thread once the pixels that are looked at are there for the first time.
    finished
        The end of the run, with the complete result; None before, and if results are computed where they are looked at.
    """

    viewer: Any
    noisy: Sequence[Any]
    levels: Sequence[Source]
    changed: Callable[[View], None]
    denoiser: Denoiser | None = None
    computations: Sequence[Computation] = ()
    words: str = ""
    layers: list[Any] = field(default_factory=list)
    pixels: Event = field(default_factory=Event)
    finished: Complete | None = None
    _views: list[list[View]] = field(default_factory=list)

    @property
    def source(self) -> Source:
        """The finest level of the noisy layers."""
        return self.levels[0]

    def update(self, denoiser: Denoiser, computations: Sequence[Computation], words: str) -> None:
        """Show the results of a better model: in new layers the first time, in these layers from then on."""
        self.denoiser, self.computations, self.words = denoiser, computations, words
        if not self.layers:
            self._views, self.layers = self.add(computations, "denoised")
        else:
            for views in self._views:
                for view, each in zip(views, computations, strict=True):
                    view.use(each)
            self.refresh()
        for layer in self.layers:
            layer.metadata["muguet"] = words

    def complete(self, message: Complete) -> None:
        """Replace views by arrays in memory, if there are any."""
        if message.arrays is None or message.computation is None:
            return
        self.finished, self.computations = message, [message.computation]
        for layer, array in zip(self.layers, message.arrays, strict=True):
            layer.data = array

    def add(
        self, computations: Sequence[Computation], kind: str, **attributes: Any
    ) -> tuple[list[list[View]], list[Any]]:
        """Add a layer for each noisy layer that is computed where it is looked at; return the views and the layers."""
        chosen = self.viewer.layers.selection
        selected = set(chosen)
        views, layers = [], []
        for index, noisy in enumerate(self.noisy):
            its = [View(source, index, each) for source, each in zip(self.levels, computations, strict=True)]
            for view in its:
                view.changed = partial(self._on_pixels, view)
            given = result_attributes(noisy, kind) | attributes
            # A new layer would be selected, and be the next one to be denoised. That nothing follows its selection for
            # this moment spares the interface a third of the work.
            with chosen.events.blocker_all():
                layer = self.viewer.add_image(its if given["multiscale"] else its[0], **given)
                self.viewer.layers.selection = selected
            layer.metadata["muguet"] = kind
            views.append(its)
            layers.append(layer)
        return views, layers

    def _on_pixels(self, view: View) -> None:
        if not view.waits:
            self.pixels.set()
        self.changed(view)

    @property
    def busy(self) -> bool:
        """Whether pixels of the result are being computed in the background."""
        return any(view.busy for views in self._views for view in views)

    def refresh(self) -> None:
        """Ask for the pixels that are looked at again."""
        for layer in self.layers:
            if layer in self.viewer.layers:
                layer.refresh(thumbnail=True, highlight=False, extent=False)

    def shows(self, view: View) -> list[Any]:
        """Return the layers of the viewer that show a view."""
        return [
            layer
            for layer in self.viewer.layers
            if hasattr(layer, "rgb") and any(each is view for each in levels_of(layer))
        ]

    def plane(self, n: int, c: int) -> Shown:
        """Return the centre of sample n of a channel, noisy and denoised, in counts; this may take seconds."""
        from muguet.interactive.neighbours import Shown, frames_around

        part = self.source.middle(_SIDE)
        computation, finished = self.computations[0], self.finished
        frames = frames_around(self.source, computation.neighbours, n, c, part)
        if finished is None or finished.arrays is None or self.source.rgb:
            return Shown(*computation.part(self.source, n, c, part), frames)
        done = replace(self.source, arrays=finished.arrays)
        counts = self.source.read(n, c, part) if finished.counts is None else finished.counts[n, c][part]
        return Shown(counts, done.read(n, c, part), frames)
