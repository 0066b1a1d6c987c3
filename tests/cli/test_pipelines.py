"""What programs rely on: results and progress as JSON, provenance, and results that are never lost."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import tifffile
import torch

from muguet import Denoiser, MuguetError, load, training
from muguet.cli.shared import recordings
from muguet.cli.shared.choices import Choices
from muguet.cli.shared.streams import Streams
from muguet.denoiser.model_file import model_id
from muguet.formats import read, write
from muguet.image import Image
from muguet.system import memory
from muguet.system.claims import Claims
from tests.cli.conftest import noise

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs" / "reference" / "schema" / "results.json").read_text()
)
QUICK = ("--steps", 2, "--symmetries", 1)


def results(answer) -> dict:
    """Return the object that a command printed, after a comparison with its schema."""
    found = json.loads(answer.out)
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(found, SCHEMA)
    return found


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def changing(monkeypatch):
    """Return a function that sets what happens during the first step of a training."""
    advance = training.Session.advance

    def set_change(change) -> None:
        def changed(session):
            if session.step == 0:
                change()
            return advance(session)

        monkeypatch.setattr(training.Session, "advance", changed)

    return set_change


# --- JSON ------------------------------------------------------------------------------------------------


def test_info_on_an_image_matches_its_schema(muguet, tmp_path):
    many = Image(
        noise((2, 40, 52)), "CYX", {"X": 0.1, "Y": 0.1}, kind="ome-zarr 0.5", channel_names=("a", "b")
    )
    write(tmp_path / "a.ome.zarr", [many, many])
    tifffile.imwrite(tmp_path / "b.tif", noise((40, 52)))
    schema = {"$ref": "#/$defs/info", "$defs": SCHEMA["$defs"]}
    for name in ("a.ome.zarr", "b.tif"):
        found = json.loads(muguet("info", tmp_path / name, "--json").out)
        jsonschema.validate(found, schema)
        cost = found["estimate"]
        assert cost["first_result_seconds"] > 0
        assert cost["memory_bytes"] > 0
        assert not cost["block_by_block"]
        assert "for the first result" in muguet("info", tmp_path / name).out


def test_the_estimate_of_a_large_image_names_blocks_and_the_temporary_file(monkeypatch):
    from muguet.cli.shared import cost
    from muguet.formats.lazy import lazy

    image = lazy(Image(np.broadcast_to(np.uint16(0), (1000, 4096, 4096)), "TYX"))
    monkeypatch.setattr(cost, "memory_for_images", lambda limit: 10**9)
    found = cost.estimate([image], in_zarr=False)
    assert found["block_by_block"]
    assert found["first_result_seconds"] is None
    assert found["memory_bytes"] == 1.5e9
    assert found["temporary_bytes"] == image.nbytes
    assert "no first result" in cost.described(found)
    assert "34 GB on the disk" in cost.described(found)
    assert cost.estimate([image], in_zarr=True)["temporary_bytes"] == 0


def test_the_results_of_denoise(muguet, image, tmp_path):
    out, error, model = tmp_path / "o.tif", tmp_path / "e.tif", tmp_path / "m.muguet"
    command = ("denoise", image, "-o", out, "--uncertainty", error, "--save-model", model, *QUICK)
    found = results(muguet(*command, "--json"))
    (output,) = found["outputs"]
    assert (output["path"], output["source"], output["uncertainty"]) == (str(out), str(image), str(error))
    assert output["sha256"] == found["inputs"][0]["sha256"] == sha256(image)
    assert output["model"] == found["model"]["id"] == model_id(load(model))
    assert found["model"]["path"] == str(model)
    residual = tifffile.imread(image).astype(float) - tifffile.imread(out)
    assert output["residual"]["std"] == pytest.approx(residual.std(), rel=0.05)
    (law,) = found["model"]["laws"]
    np.testing.assert_allclose(load(model).noise.std(law["table"]["signal"]), law["table"]["std"], rtol=1e-5)
    assert law["calibrated"] == (load(model).transfer() is not None) == (law["readout"] is not None)
    checked = json.loads(muguet("check", image, out, "--model", model, "--json").out)
    (card,) = output["checks"]
    assert card["checks"] == checked["checks"]


def test_the_results_of_fit_and_of_a_loaded_model(muguet, folder, tmp_path):
    model = tmp_path / "m.muguet"
    fitted = results(muguet("fit", folder, "-o", model, "--recipe", "l2", "--steps", 2, "--json"))
    assert fitted["outputs"] == fitted["model"]["laws"] == []
    assert len(fitted["inputs"]) == 2
    found = results(muguet("denoise", folder, "-o", tmp_path / "o", "--model", model, "--json"))
    assert [Path(each["path"]).name for each in found["outputs"]] == ["a.tif", "b.tif"]
    assert found["model"]["id"] == fitted["model"]["id"]
    again = results(
        muguet("denoise", folder, "-o", tmp_path / "o", "--model", model, "--skip-existing", "--json")
    )
    assert (again["outputs"], len(again["kept"])) == ([], 2)


def test_the_results_without_training_and_with_an_input_that_is_left_out(muguet, folder, tmp_path):
    (folder / "c.tif").write_bytes(b"II*\0")
    answer = muguet("denoise", folder, "-o", tmp_path / "o", "--recipe", "gaussian-blur", "--json")
    assert answer.code == 3
    found = results(answer)
    assert len(found["outputs"]) == 2
    assert found["model"] is None
    assert [Path(each["path"]).name for each in found["left_out"]] == ["c.tif"]
    assert muguet("info", tmp_path / "o" / "a.tif").code == 0


def test_progress_for_programs(muguet, image, tmp_path):
    command = ("denoise", image, "-o", tmp_path / "o.tif", *QUICK, "--quiet", "--progress", "json")
    lines = [json.loads(line) for line in muguet(*command).err.splitlines()]
    assert lines[0]["task"] == "Training"
    assert (lines[0]["step"], lines[0]["total"]) == (1, 2)
    assert {"fraction", "seconds", "seconds_left", "held_out"} <= lines[0].keys()


# --- Provenance ------------------------------------------------------------------------------------------


def test_a_result_says_what_made_it_and_equal_runs_differ_in_the_date_only(
    muguet, image, tmp_path, monkeypatch
):
    out, later, model = tmp_path / "o.tif", tmp_path / "p.tif", tmp_path / "m.muguet"
    assert muguet("denoise", image, "-o", out, "--seed", 5, "--save-model", model, *QUICK).code == 0
    made = json.loads(muguet("info", out, "--json").out)["made_by"]
    assert made["software"].startswith("muguet ")
    assert (
        made["model"]
        == model_id(load(model))
        == json.loads(muguet("info", model, "--json").out)["identifier"]
    )
    assert (made["recipe"], made["steps"], made["seed"]) == ("joint", 2, 5)
    assert made["input_sha256"] == sha256(image)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    assert muguet("denoise", image, "-o", later, "--seed", 5, *QUICK).code == 0
    assert read(later).provenance["date"] == "2001-09-09T01:46:40Z"
    dates = ("1970-01-01T00:00:00Z", "2001-09-09T01:46:40Z")
    for code in ("ascii", "utf-16-le", "utf-16-be"):
        dated, expected = later.read_bytes(), out.read_bytes()
        later.write_bytes(dated.replace(dates[1].encode(code), dates[0].encode(code)))
    assert later.read_bytes() == expected


# --- Nothing is lost -------------------------------------------------------------------------------------


def test_an_input_that_is_replaced_or_removed_during_the_training(muguet, image, tmp_path, changing):
    digest = sha256(image)
    expected = tmp_path / "expected.tif"
    assert muguet("denoise", image, "-o", expected, *QUICK).code == 0
    original = image.read_bytes()
    for name, change in (
        ("replaced", lambda: tifffile.imwrite(image, noise((48, 56), 9))),
        ("removed", image.unlink),
    ):
        image.write_bytes(original)
        changing(change)
        out = tmp_path / f"{name}.tif"
        answer = muguet("denoise", image, "-o", out, *QUICK)
        assert answer.code == 0, answer.err
        assert "was changed or removed" in answer.err
        np.testing.assert_array_equal(tifffile.imread(out), tifffile.imread(expected))
        assert read(out).provenance["input_sha256"] == digest


@pytest.mark.parametrize("command", ["denoise", "fit"])
def test_what_cannot_be_written_is_written_elsewhere(muguet, image, tmp_path, changing, monkeypatch, command):
    name = "o.tif" if command == "denoise" else "o.muguet"
    folder, here = tmp_path / "out", tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)

    def vanish() -> None:
        shutil.rmtree(folder)
        folder.write_text("a file")

    changing(vanish)
    answer = muguet(command, image, "-o", folder / name, "--steps", 2)
    assert answer.code == 2
    assert str(here / name) in answer.err.splitlines()[-1]
    assert (here / name).stat().st_size > 0
    if command == "denoise":
        assert tifffile.imread(here / name).shape == (48, 56)


def test_two_commands_with_one_output(muguet, image, tmp_path):
    other = Claims()
    other.take([tmp_path / "o.tif", tmp_path / "other.tif"])
    answer = muguet("denoise", image, "-o", tmp_path / "o.tif", *QUICK)
    assert answer.code == 2
    assert "another muguet command" in answer.err
    assert muguet("denoise", image, "-o", tmp_path / "p.tif", *QUICK).code == 0
    other.release()
    assert muguet("denoise", image, "-o", tmp_path / "o.tif", *QUICK).code == 0
    assert sorted(file.name for file in tmp_path.iterdir()) == ["cells.tif", "o.tif", "p.tif"]


# --- Memory ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "allocate",
    [
        lambda: torch.empty(2**50),
        lambda: np.empty(2**50),
        lambda: (_ for _ in ()).throw(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")),
    ],
    ids=["torch", "numpy", "gpu"],
)
def test_a_full_memory_is_one_sentence_and_what_was_learned_is_kept(
    muguet, image, tmp_path, monkeypatch, allocate
):
    out = tmp_path / "o.tif"
    with monkeypatch.context() as patched:
        denoise = Denoiser.denoise_planes
        patched.setattr(
            Denoiser,
            "denoise_planes",
            lambda self, *_: allocate() if self.training["steps"] else denoise(self, *_),
        )
        answer = muguet("denoise", image, "-o", out, *QUICK)
    assert answer.code == 2
    assert "memory" in answer.err.splitlines()[-1]
    assert "Traceback" not in answer.err
    answer = muguet("denoise", image, "-o", out, *QUICK)
    assert answer.code == 0, answer.err
    assert "Continuing from step 2" in answer.err


def test_too_little_memory_is_found_out_before_the_images_are_read(muguet, image, tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 1000)
    answer = muguet("denoise", image, "-o", tmp_path / "o.tif", *QUICK)
    assert answer.code == 2
    assert "of memory" in answer.err
    assert len(answer.err.splitlines()) == 1


def test_memory_that_is_unknown_refuses_nothing(image, monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: None)
    recordings.require_room([image], Streams(Choices()))
    monkeypatch.setattr(memory, "available_memory", lambda: 0)
    with pytest.raises(MuguetError, match="are free"):
        recordings.require_room([image], Streams(Choices()))
