"""Zarr stores in a ZIP archive and on a network are read, and a network that fails gives one sentence."""

from __future__ import annotations

import functools
import http.server
import shutil
import threading

import numpy as np
import pytest

from muguet import MuguetError
from muguet.formats import open_all, read, write
from muguet.image import Image

DATA = np.random.default_rng(0).integers(1, 250, (2, 40, 50)).astype(np.uint16)


@pytest.fixture
def store(tmp_path):
    image = Image(DATA, "CYX", {"X": 0.1, "Y": 0.1}, kind="ome-zarr 0.5", channel_names=("a", "b"))
    write(tmp_path / "a.ome.zarr", image)
    return tmp_path / "a.ome.zarr"


class Server(http.server.ThreadingHTTPServer):
    """A server of a folder on this machine, which no longer answers after a number of chunks."""

    def __init__(self, folder, chunks: int = 1000) -> None:
        self.chunks = chunks
        super().__init__(("127.0.0.1", 0), functools.partial(_Quiet, directory=folder))
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)
        self.thread.start()

    def address(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{name}"

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
        self.thread.join()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments) -> None:
        pass

    def do_GET(self) -> None:
        self.server.chunks -= "/c/" in self.path
        if self.server.chunks < 0:
            self.close_connection = True
        else:
            super().do_GET()


@pytest.mark.parametrize("name", ["a.ozx", "a.zarr.zip"])
def test_a_zipped_store(store, tmp_path, name):
    shutil.make_archive(str(tmp_path / "packed"), "zip", store)
    (tmp_path / "packed.zip").rename(tmp_path / name)
    image = read(tmp_path / name)
    np.testing.assert_array_equal(image.data, DATA)
    assert (image.axes, image.channel_names, dict(image.pixel_size)) == (
        "CYX",
        ("a", "b"),
        {"X": 0.1, "Y": 0.1},
    )
    write(tmp_path / "b.zarr", image)
    np.testing.assert_array_equal(read(tmp_path / "b.zarr").data, DATA)


def test_a_zip_archive_of_something_else(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.txt").write_text("a")
    shutil.make_archive(str(tmp_path / "a"), "zip", tmp_path / "folder")
    with pytest.raises(MuguetError, match="ZIP archive"):
        read(tmp_path / "a.zip")


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_store_on_a_network_that_fails(store, tmp_path):
    pytest.importorskip("aiohttp")
    server = Server(tmp_path)
    address = server.address(store.name)
    try:
        image = read(address)
        np.testing.assert_array_equal(image.data, DATA)
        assert (image.axes, image.channel_names) == ("CYX", ("a", "b"))
        with pytest.raises(MuguetError, match="is no Zarr store or cannot be reached"):
            open_all(server.address("nothing.zarr"))
        (opened,) = open_all(address)
    finally:
        server.stop()
    with pytest.raises(MuguetError, match="the network or its server failed"):
        opened.load()
    with pytest.raises(MuguetError, match="cannot be reached"):
        read(address)
