"""A running page, and a client that speaks HTTP with it, also in ways that a browser would not."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
import tifffile

from tests.conftest import blobs, recorded

pytest.importorskip("tornado")

from muguet.app.server import serve
from muguet.app.service import Service

SECONDS = 200  # A test gives up after this time.


@dataclass(frozen=True)
class Reply:
    """Status, headers and body of an answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def facts(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Client:
    """A client of a page.

    Attributes
    ----------
    address
        The address of the page, with its token.
    """

    address: str
    service: Service

    def ask(
        self, method: str, path: str = "", body: Any = None, *, raw: str | None = None, **headers: str
    ) -> Reply:
        """Send a request to a path below the page, or to any path `raw`; values of `headers` replace usual ones."""
        parts = urlsplit(self.address)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        with contextlib.closing(connection):
            connection.putrequest(method, raw or parts.path + path, skip_host="Host" in given)
            if data is not None and "Content-Length" not in given:
                connection.putheader("Content-Length", str(len(data)))
            for name, value in given.items():
                connection.putheader(name, value)
            connection.endheaders(data)
            answer = connection.getresponse()
            return Reply(answer.status, dict(answer.getheaders()), answer.read())

    def upload(self, path: Path, name: str = "cells.tif") -> int:
        """Drop a file on the page, and return its number."""
        reply = self.ask("POST", f"upload?name={name}", path.read_bytes())
        assert reply.status == 200, reply.body
        return int(reply.facts["number"])

    def state(self, number: int) -> dict[str, Any]:
        """Return the state of an image."""
        return dict(self.ask("GET", f"jobs/{number}").facts)

    def until(self, number: int, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait until something holds for the state of an image."""
        while not holds(state := self.state(number)):
            time.sleep(0.3)
        return state

    def wait(self, number: int, stage: str = "ready") -> dict[str, Any]:
        """Wait until an image is ready, or has failed."""
        state = self.until(number, lambda state: state["stage"] != "working")
        assert state["stage"] == stage, state
        return state


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that may be read, with an image, beside one that may not."""
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    image = recorded(blobs(64))
    tifffile.imwrite(
        allowed / "cells.tif", image, imagej=True, resolution=(1 / 0.1, 1 / 0.1), metadata={"unit": "um"}
    )
    (tmp_path / "secret").mkdir()
    tifffile.imwrite(tmp_path / "secret" / "secret.tif", image)
    return allowed


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, tiny_prior: None, small_steps: None, quick_charts: None) -> None:
    """Skip the slow check and the charts, and take few steps."""
    monkeypatch.setattr("muguet.quality.model_checks.second_opinion", lambda *given: None)


@pytest.fixture
def client(quick: None, folder: Path) -> Iterator[Client]:
    """A running page with a folder that may be read."""
    yield from running(Service([folder], steps=2))


def running(service: Service) -> Iterator[Client]:
    """Serve a page in a thread, and end it afterwards."""
    addresses: list[str] = []
    ready, ended = threading.Event(), threading.Event()

    def begin(address: str) -> None:
        addresses.append(address)
        ready.set()

    thread = threading.Thread(target=serve, args=(service, begin), kwargs={"ended": ended})
    thread.start()
    assert ready.wait(SECONDS)
    try:
        yield Client(addresses[0], service)
    finally:
        ended.set()
        thread.join(SECONDS)
    assert not service.folder.exists()


@pytest.fixture
def image(folder: Path) -> np.ndarray:
    """The pixels of the image in the folder."""
    return tifffile.imread(folder / "cells.tif")
