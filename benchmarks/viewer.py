"""How soon the plugin for napari shows a result after the click, and for how long its interface is ever blocked.

Run it with napari and Qt installed, where a window can open: xvfb-run python benchmarks/viewer.py
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication

import napari
from muguet.napari import sample_data
from muguet.napari.panel import Panel

BLOCKED = 0.2  # Seconds from which on a gap between two beats is reported.


class Gap(NamedTuple):
    """A gap between two beats: when it began and how long it was, in seconds, and what the interface did.

    It had a core for `own` seconds and waited for one for `no_core` seconds, because other programs or threads had
    them. The rest is mostly the wait for Python's lock, which another thread held.
    """

    start: float
    length: float
    own: float
    no_core: float
    place: str


class Heartbeat:
    """Gaps between the beats of a timer of the interface, and what the interface was doing in the long ones."""

    def __init__(self) -> None:
        self.gaps: list[Gap] = []
        self.started = self.last = time.monotonic()
        self.cpu, self.no_core = time.thread_time(), waited_for_a_core()
        self.place, self.main = "", threading.main_thread().ident
        self.timer = QTimer()
        self.timer.timeout.connect(self.beat)
        self.timer.start(5)
        threading.Thread(target=self.watch, daemon=True).start()

    def beat(self) -> None:
        """Note the time since the last beat."""
        now, cpu, no_core = time.monotonic(), time.thread_time(), waited_for_a_core()
        times = self.last - self.started, now - self.last, cpu - self.cpu, no_core - self.no_core
        self.gaps.append(Gap(*times, self.place))
        self.last, self.cpu, self.no_core, self.place = now, cpu, no_core, ""

    def watch(self) -> None:
        """Note where the interface is when it is late."""
        while True:
            time.sleep(0.02)
            if time.monotonic() - self.last > BLOCKED / 2 and not self.place:
                frames = traceback.extract_stack(sys._current_frames()[self.main])
                self.place = " > ".join(f"{frame.name}:{frame.lineno}" for frame in frames[-8:])

    def longest(self, since: float, number: int = 5) -> list[dict[str, float | str]]:
        """Return the longest gaps after a time."""
        found = sorted((gap for gap in self.gaps if gap.start >= since), key=lambda gap: -gap.length)
        return [
            {
                name: value if isinstance(value, str) else round(value, 3)
                for name, value in gap._asdict().items()
            }
            for gap in found[:number]
        ]


def waited_for_a_core() -> float:
    """Return for how many seconds this thread could have run but had no core; 0 where the system does not tell."""
    path = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")
    return int(path.read_text().split()[1]) / 1e9 if path.exists() else 0.0


def wait(condition: Callable[[], bool], most: float = 600.0) -> None:
    """Run the interface until a condition holds, at most for so many seconds."""
    end = time.monotonic() + most
    while not condition() and time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.002)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--train", type=float, default=30.0, help="seconds of training before Stop is pressed"
    )
    train = parser.parse_args().train
    load = os.getloadavg()[0]
    viewer = napari.Viewer()
    pixels, given = sample_data.cells()[0]
    viewer.add_image(pixels, **given)
    wait(lambda: False, 2.0)
    beats = Heartbeat()
    started = time.monotonic()
    panel = Panel(viewer)
    viewer.window.add_dock_widget(panel, name="muguet", area="right")
    opened = time.monotonic() - started
    wait(
        lambda: "muguet.training.session" in sys.modules
    )  # PyTorch is imported while one looks for the button.
    wait(lambda: False, 3.0)
    clicked, cpu = time.monotonic(), time.process_time()
    panel.denoise.start_button.click()
    wait(lambda: panel.result is not None)
    layer, cpu_layer = time.monotonic() - clicked, time.process_time() - cpu
    wait(lambda: not panel.result.busy)
    shown, cpu = time.monotonic() - clicked, time.process_time() - cpu
    wait(lambda: False, train)
    panel.denoise.stop_button.click()
    wait(lambda: panel.denoise.start_button.isEnabled())
    wait(lambda: bool(panel.checks.text.toPlainText()))
    since = clicked - beats.started
    facts = {
        "load_before": load,
        "cores": os.cpu_count(),
        "widget_opened_s": round(opened, 2),
        "first_layer_s": round(layer, 2),
        "first_pixels_s": round(shown, 2),
        "cpu_to_first_layer_s": round(cpu_layer, 2),
        "cpu_to_first_pixels_s": round(cpu, 2),
        "blocked_while_importing_s": beats.longest(0.0, 4),
        "blocked_after_click_s": beats.longest(since, 8),
        "load_after": os.getloadavg()[0],
    }
    print(json.dumps(facts, indent=1))
    viewer.close()


if __name__ == "__main__":
    main()
