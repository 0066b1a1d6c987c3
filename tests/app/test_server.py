"""The page over HTTP: what it does for its own requests, and that it does nothing for others."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import numpy as np
import pytest
import tifffile

from muguet import load
from muguet.app.guard import PAGE_POLICY
from muguet.app.service import MAX_UPLOAD
from muguet.app.turns import Turns
from muguet.formats import read
from tests.app.conftest import Client

ADDRESSES = ["", "app.js", "jobs", "jobs/1", "jobs/1/noisy.png", "jobs/1/result.file"]


def sentence(reply) -> str:
    """Return the one sentence of a refusal; a traceback or a path of the program is none."""
    assert set(reply.facts) == {"error"}
    text = reply.facts["error"]
    assert "\n" not in text
    assert "Traceback" not in text
    assert ".py" not in text
    assert 10 < len(text) < 250
    return str(text)


# --- Order of work ---------------------------------------------------------------------------------------


def test_what_a_page_waits_for_is_done_before_any_training():
    """Images that are opened together have their first results, in turns, before one of them trains."""
    done: list[str] = []
    opened, finished = threading.Event(), threading.Event()
    turns = Turns()

    def image(name: str) -> Iterator[None]:
        opened.wait(60)
        for step in range(4):
            done.append(f"{name}{step}")
            yield
        if len(done) == 12:
            finished.set()

    def add(name: str) -> None:
        turns.add(
            image(name), pytest.fail, lambda: f"{name}1" not in done
        )  # The first result takes two steps.

    for name in "abc":
        add(name)
    opened.set()
    assert finished.wait(60)
    turns.end()
    assert {each[1] for each in done[:6]} == {"0", "1"}
    assert {each[0] for each in done[6:9]} == {each[0] for each in done[9:]} == set("abc")


# --- Foreign requests ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:{port}"},
        {"Host": "127.0.0.1"},
        {"Host": "127.0.0.1:1"},
        {"Host": ""},
        {"Origin": "http://evil.example"},
        {"Origin": "https://127.0.0.1:{port}"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_a_foreign_page_gets_nothing_even_with_the_token(client: Client, headers):
    port = str(urlsplit(client.address).port)
    given = {name: value.format(port=port) for name, value in headers.items()}
    for address in ADDRESSES:
        reply = client.ask("GET", address, **given)
        assert reply.status == 403, address
        assert "not the one that muguet app opened" in sentence(reply)
        assert "Access-Control-Allow-Origin" not in reply.headers
    for address in ("jobs", "upload?name=a.tif", "jobs/1/stop"):
        assert client.ask("POST", address, {"simulated": True}, **given).status == 403
    assert client.service.jobs == {}


def test_a_wrong_or_missing_token_gets_nothing(client: Client):
    token = client.service.token
    for wrong in (
        "",
        "wrong",
        token[:-1],
        token + "x",
        token.upper(),
        "%00",
        "..",
        f"../{token}",
        "%C3%A4",
    ):
        for address in ADDRESSES:
            reply = client.ask("GET", raw=f"/{wrong}/{address}")
            assert reply.status == 403, (wrong, address)
            sentence(reply)
    for path in ("/", "/app.js", "/favicon.ico", "/jobs", f"/{token}", f"/x/{token}/"):
        assert client.ask("GET", raw=path).status == 403
    assert client.ask("POST", raw="/wrong/upload?name=a.tif", body=b"x" * 1000).status == 403
    assert client.service.jobs == {}


def test_the_page_itself_may_ask_and_loads_nothing_from_elsewhere(client: Client):
    parts = urlsplit(client.address)
    reply = client.ask("GET", Origin=f"http://{parts.netloc}", Sec_Fetch_Site="same-origin")
    assert reply.status == 200
    assert reply.headers["Content-Security-Policy"] == PAGE_POLICY
    assert PAGE_POLICY.startswith("default-src 'none'")
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Referrer-Policy"] == "no-referrer"
    text = reply.body.decode()
    assert "https:" not in text
    assert "//" not in text.replace("<!DOCTYPE html>", "")
    script = client.ask("GET", "app.js").body.decode()
    assert script.count("http") == script.count("http://www.w3.org/2000/svg")
    assert "innerHTML" not in script
    assert client.ask("GET", Host=f"localhost:{parts.port}").status == 200


def test_names_are_escaped_on_the_page(client: Client, folder):
    (folder / '"><b onclick=alert(1)>.tif').write_bytes(b"")
    assert "<b onclick" not in client.ask("GET").body.decode()


# --- Files -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["{folder}/../secret/secret.tif", "/etc/passwd", "", "https://example.org/a.zarr"]
)
def test_what_was_not_opened_is_refused_in_one_sentence(client: Client, folder, path):
    reply = client.ask("POST", "jobs", {"path": path.format(folder=folder)})
    assert reply.status == 400
    assert "secret" not in sentence(reply)
    assert client.service.jobs == {}


@pytest.mark.parametrize(
    "address",
    ["jobs/1/../../etc/passwd", "jobs/1/..%2f..%2fsecret.file", "../../etc/passwd", "templates/app.js"],
)
def test_addresses_lead_to_no_other_file(client: Client, address):
    assert client.ask("GET", address).status == 403


def test_a_request_that_makes_no_sense_is_refused_in_one_sentence(client: Client):
    for body in (b"no json", b"[1]", b"\xff\xfe"):
        reply = client.ask("POST", "jobs", body)
        assert reply.status == 400
        sentence(reply)
    for method, address in (("GET", "jobs/7"), ("DELETE", "jobs/7"), ("POST", "jobs/7/stop")):
        assert "not there" in sentence(client.ask(method, address))
    assert client.ask("PUT", "jobs", b"").status == 405


def test_a_file_that_is_too_large_is_refused_before_it_is_sent(client: Client):
    reply = client.ask("POST", "upload?name=a.tif", b"", Content_Length=str(MAX_UPLOAD + 1))
    assert reply.status == 413
    assert "open it by its path" in sentence(reply)
    assert client.ask("POST", "jobs", b" " * 2**17).status == 413


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("notes.txt", b"these are notes, not an image"),
        ("empty.tif", b""),
        ("picture.tif", b"II*\0\x08\0\0\0\xff\xff garbage"),
        ("page.html", b"<html><script>alert(1)</script></html>"),
        ("../../../evil.tif", b"\x89PNG\r\n\x1a\n broken"),
    ],
)
def test_a_file_of_a_wrong_kind_is_one_sentence_on_the_page(client: Client, tmp_path, name, content):
    path = tmp_path / "dropped"
    path.write_bytes(content)
    state = client.wait(client.upload(path, name.replace("/", "%2F")), "failed")
    assert state["name"] == name.split("/")[-1]
    assert "\n" not in state["error"]
    assert "Traceback" not in state["error"]
    assert str(client.service.folder) not in state["error"]
    assert state["name"] in state["error"]


def test_an_image_that_names_a_file_elsewhere_does_not_bring_it(client: Client, folder, tmp_path):
    secret = folder.parent / "secret" / "secret.tif"
    ome = (
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0">'
        '<Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" SizeX="64" SizeY="64" SizeZ="1" SizeC="1" '
        'SizeT="1"><Channel ID="Channel:0:0" SamplesPerPixel="1"/><TiffData IFD="0" PlaneCount="1">'
        f'<UUID FileName="{secret}">urn:uuid:00000000-0000-0000-0000-000000000001</UUID></TiffData></Pixels>'
        "</Image></OME>"
    )
    bait = tmp_path / "bait.ome.tif"
    tifffile.imwrite(bait, np.zeros((64, 64), np.uint16), description=ome, metadata=None)
    state = client.wait(client.upload(bait, "bait.ome.tif"), "failed")
    assert state["shown"] is None


# --- Work ------------------------------------------------------------------------------------------------


def test_a_dropped_file_is_denoised_judged_and_downloaded(client: Client, folder, image):
    number = client.upload(folder / "cells.tif", "my%20cells.tif")
    state = client.wait(number)
    assert state["name"] == "my cells.tif"
    assert "100 nm per pixel" in state["about"]
    assert state["shown"]["names"][:2] == ["blurred", "denoised"]
    assert state["shown"]["blur"]["sigma"] > 0
    assert len(state["checks"]["list"]) >= 5
    assert {check["verdict"] for check in state["checks"]["list"]} <= {"good", "doubtful", "bad"}
    assert [row[0] for row in state["law"]["rows"]] == ["Gain", "Offset", "Read noise"]
    assert state["law"]["table"]["heads"][:2] == ["signal", "σ"]
    for name in ("noisy", "denoised", "blurred", "law"):
        assert client.ask("GET", f"jobs/{number}/{name}.png").body.startswith(b"\x89PNG"), name
    result = client.ask("GET", f"jobs/{number}/result.file")
    assert "my%20cells_denoised.tif" in result.headers["Content-Disposition"]
    path, model = folder / "got.tif", folder / "got.muguet"
    path.write_bytes(result.body)
    model.write_bytes(client.ask("GET", f"jobs/{number}/model.file").body)
    found = read(path)
    assert found.kind == "imagej"
    assert found.pixel_size["X"] == pytest.approx(0.1)
    assert found.provenance["steps"] == 2
    assert len(found.provenance["input_sha256"]) == 64
    np.testing.assert_allclose(found.data, load(model)(image, "YX"), atol=0.51)
    assert client.ask("GET", f"jobs/{number}/report.file").status == 404
    client.ask("POST", f"jobs/{number}/report")
    client.until(number, lambda state: state["report"] == "ready")
    report = client.ask("GET", f"jobs/{number}/report.file")
    assert report.headers["Content-Security-Policy"].startswith("sandbox")
    assert b"my cells.tif" in report.body
    assert str(client.service.folder).encode() not in report.body
    assert client.ask("DELETE", f"jobs/{number}").status == 200
    assert client.ask("GET", f"jobs/{number}").status == 404


@pytest.fixture
def no_law(monkeypatch) -> None:
    """Draw no noise law, for time."""
    monkeypatch.setattr("muguet.app.job.Job._find_law", lambda *given: None)


def test_pages_at_once_and_a_stop(client: Client, no_law, folder):
    client.service.steps = 10**8
    endless = client.ask("POST", "jobs", {"path": str(folder / "cells.tif")}).facts["number"]
    client.service.steps = 2
    client.wait(client.upload(folder / "cells.tif"))
    assert client.state(endless)["stage"] == "working"  # The other did not wait for it.
    client.ask("POST", f"jobs/{endless}/stop")
    state = client.wait(endless)
    assert "stopped" in state["model"]
    assert len(client.ask("GET", "jobs").facts) == 2


def test_planes_and_channels_can_be_looked_at(client: Client, no_law, folder):
    rng = np.random.default_rng(0)
    stack = rng.poisson(50 + 40 * np.sin(np.arange(32) / 5), (3, 2, 32, 32)).astype(np.uint16)
    tifffile.imwrite(folder / "movie.tif", stack, imagej=True, metadata={"axes": "TCYX"})
    number = client.ask("POST", "jobs", {"path": str(folder / "movie.tif")}).facts["number"]
    state = client.wait(number)
    assert state["planes"] == 3
    assert len(state["channels"]) == 2
    client.ask("POST", f"jobs/{number}/look", {"n": 2, "c": 1})
    state = client.until(
        number, lambda state: state["shown"]["n"] == 2 and "denoised" in state["shown"]["names"]
    )
    assert state["shown"]["c"] == 1
    assert client.ask("POST", f"jobs/{number}/look", {"n": "2", "c": 1}).status == 400
    client.ask("POST", f"jobs/{number}/look", {"n": 99, "c": 0})
    client.until(number, lambda state: any("no such plane" in note for note in state["notes"]))


def test_only_so_many_images_are_open(client: Client, monkeypatch):
    monkeypatch.setattr("muguet.app.service.MAX_JOBS", 0)
    assert "close one of them" in sentence(client.ask("POST", "jobs", {"simulated": True}))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_file_of_a_hundred_megabytes(client: Client, folder):
    image = np.random.default_rng(0).poisson(40, (7168, 7168)).astype(np.uint16)
    tifffile.imwrite(folder / "large.tif", image)
    assert (folder / "large.tif").stat().st_size > 100e6
    dropped = client.upload(folder / "large.tif")
    state = client.until(
        dropped, lambda state: bool(state["shown"] and "denoised" in state["shown"]["names"])
    )
    assert "1024×1024 of 7168×7168" in state["shown"]["words"]
    assert client.ask("DELETE", f"jobs/{dropped}").status == 200
    opened = client.ask("POST", "jobs", {"path": str(folder / "large.tif")}).facts["number"]
    client.until(opened, lambda state: state["stage"] != "working")
    assert client.state(opened)["stage"] == "ready"
    assert len(client.ask("GET", f"jobs/{opened}/result.file").body) > 100e6


def test_without_the_framework_the_command_says_what_to_install(monkeypatch):
    from muguet import MuguetError
    from muguet.app.server import check_packages

    monkeypatch.setitem(sys.modules, "tornado", None)
    with pytest.raises(MuguetError, match=r"pip install 'muguet\[app\]'"):
        check_packages()
