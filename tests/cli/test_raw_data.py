"""No command and no option ever changes an input, under whatever name; a file is replaced only by one of its kind."""

from __future__ import annotations

import hashlib
import inspect
import os
from pathlib import Path

import numpy as np
import pytest
import tifffile

from muguet.cli import app
from tests.cli.conftest import noise


@pytest.fixture(scope="module")
def store(tmp_path_factory, small_nets_of_module):
    """Return a folder with one file of every kind that a command can read."""
    import muguet as package

    where = tmp_path_factory.mktemp("store")
    for number, name in enumerate(("raw", "clean", "other")):
        tifffile.imwrite(where / f"{name}.tif", noise((40, 40), number))
    psf = np.zeros((3, 3), np.float32)
    psf[1] = 1
    tifffile.imwrite(where / "psf.tif", psf)
    package.fit(noise((40, 40)), "YX", steps=1).save(where / "model.muguet")
    (where / "notes.csv").write_text("a,b\n1,2\n")
    (where / "paper.html").write_text("<!doctype html><title>Not a report</title>")
    (where / "many").mkdir()
    for number in range(2):
        tifffile.imwrite(where / "many" / f"{number}.tif", noise((40, 40), number))
    return where


@pytest.fixture
def files(store, tmp_path, monkeypatch):
    """Return a fresh copy of the store, with links to the raw image, as the current folder."""
    for file in sorted(store.rglob("*")):
        target = tmp_path / file.relative_to(store)
        target.mkdir() if file.is_dir() else target.write_bytes(file.read_bytes())
    (tmp_path / "soft.tif").symlink_to("raw.tif")
    (tmp_path / "hard.tif").hardlink_to(tmp_path / "raw.tif")
    (tmp_path / "linked").symlink_to("many")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def digests(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


# Each of these commands reads raw.tif or clean.tif; the option that follows writes. All of them get --overwrite.
TRAIN = ("--steps", "1", "--symmetries", "1")
WRITERS = {
    "denoise": [
        ("denoise", "raw.tif", *TRAIN, "-o"),
        ("denoise", "raw.tif", *TRAIN, "-o", "new.tif", "--save-model"),
        ("denoise", "raw.tif", *TRAIN, "-o", "new.tif", "--report"),
        ("denoise", "raw.tif", *TRAIN, "-o", "new.tif", "--uncertainty"),
        ("denoise", "raw.tif", "--model", "model.muguet", "-o"),
        ("denoise", "raw.tif", "--model", "model.muguet", "-o", "new.tif", "--report"),
        ("denoise", "raw.tif", "--recipe", "care", "--clean", "clean.tif", *TRAIN, "-o"),
        ("denoise", "raw.tif", "--recipe", "gaussian-blur", "--clean", "clean.tif", "-o"),
        ("denoise", "raw.tif", "--recipe", "deconoising", "--psf", "psf.tif", *TRAIN, "-o"),
    ],
    "fit": [
        ("fit", "raw.tif", "--steps", "1", "-o"),
        ("fit", "raw.tif", "--recipe", "care", "--clean", "clean.tif", "--steps", "1", "-o"),
        ("fit", "raw.tif", "--recipe", "deconoising", "--psf", "psf.tif", "--steps", "1", "-o"),
    ],
    "simulate": [("simulate", "clean.tif", "-o"), ("simulate", "clean.tif", "--law", "model.muguet", "-o")],
    "noise": [
        ("noise", "raw.tif", "--clean", "clean.tif", "-o"),
        ("noise", "model.muguet", "--clean", "clean.tif", "--noisy", "raw.tif", "-o"),
    ],
}
TARGETS = ("raw.tif", "./many/../raw.tif", "soft.tif", "hard.tif", "clean.tif", "psf.tif", "model.muguet")


def read_by(command: tuple[str, ...]) -> set[str]:
    """Return the inputs of a command by their names in the store, with the links to them."""
    read = {word for word in command if word in TARGETS}
    return read | ({"soft.tif", "hard.tif", "./many/../raw.tif"} if "raw.tif" in read else set())


@pytest.mark.parametrize("command", [each for every in WRITERS.values() for each in every], ids=" ".join)
def test_an_input_is_never_an_output(muguet, files, command):
    before = digests(files)
    for target in sorted(read_by(command)):
        answer = muguet(*command, target, "--overwrite")
        assert answer.code == 2, (target, answer.err)
        assert len(answer.err.strip().splitlines()) == 1
        assert digests(files) == before, target
    for target in ("notes.csv", "paper.html", "-", "/dev/null", "many"):
        answer = muguet(*command, target, "--overwrite")
        if not (target == "many" and command[-1] in ("-o", "--uncertainty") and command[0] == "denoise"):
            assert answer.code == 2, (target, answer.err)
        assert {name: digest for name, digest in digests(files).items() if name in before} == before


@pytest.mark.parametrize("option", ["--log", "--save-model", "--report"])
def test_a_file_of_another_kind_is_never_replaced(muguet, files, option):
    before = digests(files)
    for target in ("other.tif", "notes.csv", "paper.html", "raw.tif"):
        answer = muguet("denoise", "raw.tif", "-o", "new.tif", *TRAIN, "--overwrite", option, target)
        assert answer.code == 2, (target, answer.err)
        assert digests(files) == before


@pytest.mark.parametrize(
    "command",
    [
        ("denoise", "raw.tif", "-o", "q.tif", "--save-model", "q.tif"),
        ("denoise", "raw.tif", "-o", "q.tif", "--save-model", "sub/../q.tif"),
        ("denoise", "raw.tif", "-o", "q.tif", "--report", "q.html", "--save-model", "q.html"),
        ("denoise", "raw.tif", "-o", "q.tif", "--log", "q.tif"),
        ("denoise", "raw.tif", "-o", "q.tif", "--log", "Q.TIF"),
        ("denoise", "raw.tif", "-o", "q.tif", "--save-model", "q.tif.checkpoint"),
        ("denoise", "raw.tif", "-o", "q.tif", "--save-model", "q.tif.checkpoint.first"),
        ("denoise", "raw.tif", "-o", "q.tif", "--uncertainty", "q.tif"),
        ("denoise", "many", "-o", "out", "--uncertainty", "out"),
        ("denoise", "many", "-o", "out", "--save-model", "out"),
        ("denoise", "many", "-o", "out", "--save-model", "out/0.tif"),
        ("denoise", "raw.tif", "-o", "q/o.tif", "--save-model", "q"),
        ("denoise", "raw.tif", "other.tif", "soft.tif", "-o", "linked/../many"),
        ("fit", "raw.tif", "-o", "m.muguet", "--log", "m.muguet"),
        ("fit", "raw.tif", "-o", "m.muguet", "--log", "m.muguet.checkpoint"),
        ("simulate", "clean.tif", "-o", "s.tif", "--log", "s.tif"),
        ("noise", "raw.tif", "-o", "law.svg", "--log", "law.svg"),
        ("denoise", "many", "-o", "linked"),
    ],
    ids=" ".join,
)
def test_two_outputs_are_never_one_file(muguet, files, command):
    if command[:4] == ("denoise", "raw.tif", "other.tif", "soft.tif"):
        (files / "many" / "other.tif").hardlink_to(files / "other.tif")
    before = digests(files)
    extra = () if command[0] in ("simulate", "noise") else ("--steps", "1")
    answer = muguet(*command, *extra, "--overwrite")
    assert answer.code == 2, answer.err
    assert digests(files) == before


def test_a_model_keeps_the_name_of_a_model(muguet, files):
    for command in (("fit", "raw.tif", "-o"), ("denoise", "raw.tif", "-o", "o.tif", "--save-model")):
        answer = muguet(*command, "new.tif", "--steps", "1")
        assert answer.code == 2
        assert ".muguet" in answer.err


def test_with_overwrite_a_link_and_its_permissions_are_kept(muguet, files):
    old = files / "many" / "old.tif"
    tifffile.imwrite(old, noise((8, 8)))
    old.chmod(0o640)
    (files / "result.tif").symlink_to("many/old.tif")
    command = ("denoise", "raw.tif", "-o", "result.tif", "--recipe", "gaussian-blur")
    assert muguet(*command).code == 2
    assert muguet(*command, "--overwrite").code == 0
    assert (files / "result.tif").is_symlink()
    assert old.stat().st_mode & 0o777 == 0o640
    assert tifffile.imread(old).shape == (40, 40)


# Every option of every command, with values that do as much as possible; None: the option is a flag.
VALUES: dict[str, str | None] = {
    "out": "new.tif",
    "model": "model.muguet",
    "minutes": "0.01",
    "steps": "1",
    "components": "1",
    "recipe": "l2",
    "net": "filterbank",
    "clean": "clean.tif",
    "psf": "psf.tif",
    "mask": "x1",
    "seed": "3",
    "device": "cpu",
    "resume": None,
    "axes": "YX",
    "dimensions": "2",
    "overwrite": None,
    "recursive": None,
    "strict": None,
    "skip_existing": None,
    "dtype": "float32",
    "symmetries": "1",
    "uncertainty": "error.tif",
    "prior": "none",
    "scene": "0",
    "valid_range": "1:60000",
    "mask_value": "7",
    "save_model": "new.muguet",
    "report": "new.html",
    "noisy": "raw.tif",
    "repeats": None,
    "channel": "0",
    "offset": "100",
    "excess": "2",
    "as_json": None,
    "plane": "0",
    "law": "model.muguet",
    "gain": "2",
    "read_noise": "2",
    "std": "1",
    "frames": "2",
    "quiet": None,
    "verbose": None,
    "log": "new.log",
    "progress": "json",
    "threads": "1",
    "memory": "2GB",
    "ome_zarr": "0.5",
    "fail_on": "bad",
    "time_window": "1",
    "causal": None,
    "z_window": "1",
    "lines": "keep",
    "gain_map": "clean.tif",
    "offset_map": "clean.tif",
    "variance_map": "clean.tif",
    "pattern": "new-pattern.tif",
    "part": "1/1",
    "workers": "1",
    "scheduler": "tcp://127.0.0.1:9",
}
INPUTS = {
    "denoise": ("raw.tif", "-o", "new.tif", "--steps", "1", "--symmetries", "1"),
    "fit": ("raw.tif", "-o", "new.muguet", "--steps", "1"),
    "info": ("model.muguet",),
    "noise": ("raw.tif",),
    "check": ("raw.tif", "clean.tif"),
    "judge": ("raw.tif", "clean.tif"),
    "simulate": ("clean.tif", "-o", "new.tif"),
}


# Options that go together are given in one command, since each of these commands trains.
TRAINING = (
    [
        "minutes",
        "components",
        "net",
        "mask",
        "seed",
        "device",
        "axes",
        "dimensions",
        "prior",
        "scene",
        "valid_range",
        "mask_value",
    ],
    ["overwrite", "recursive", "strict", "quiet", "log", "progress", "threads", "memory"],
    ["recipe", "verbose", "skip_existing", "as_json", "ome_zarr"],
    ["resume"],
    ["clean"],
    ["psf"],
    ["lines", "gain_map", "offset_map", "variance_map"],
)
TOGETHER = {
    "denoise": (
        *TRAINING,
        ["dtype", "symmetries", "uncertainty", "save_model", "report"],
        ["model", "part"],
        ["workers"],
        ["scheduler"],
        ["time_window", "causal", "z_window"],
        ["model"],
        ["pattern"],
    ),
    "fit": TRAINING,
}


def groups_of(command: str) -> list[list[str]]:
    """Return all options of a command but those that `INPUTS` gives, in groups that are given together."""
    (found,) = (each for each in app.registered_commands if each.callback.__name__ == command)
    names = [name for name in inspect.signature(found.callback).parameters if name in VALUES]
    groups = TOGETHER.get(command, tuple([name] for name in names))
    assert {name for group in groups for name in group} | {"out", "steps"} >= set(names)
    return [list(group) for group in groups]


@pytest.mark.parametrize("command", INPUTS)
def test_every_option_is_in_the_table(command):
    (found,) = (each for each in app.registered_commands if each.callback.__name__ == command)
    arguments = {"context", "inputs", "files", "file", "noisy", "estimate", "clean", "model"}
    assert set(inspect.signature(found.callback).parameters) <= arguments | VALUES.keys()


@pytest.mark.parametrize("command", INPUTS)
def test_no_option_changes_an_input(muguet, files, command):
    before = digests(files)
    for group in groups_of(command):
        words = list(INPUTS[command])
        for name in group:
            value = VALUES[name]
            words.append("--json" if name == "as_json" else f"--{name.replace('_', '-')}")
            words += [] if value is None else [value]
        if group in (["clean"], ["psf"]):
            words += ["--recipe", "care" if group == ["clean"] else "deconoising"]
        muguet(command, *words)
        after = digests(files)
        assert {file: after.get(file) for file in before} == before, group
        for file in set(after) - set(before):
            (files / file).unlink()


def test_hard_links_to_results_are_not_written_through(muguet, files):
    tifffile.imwrite("result.tif", noise((8, 8)))
    os.link("result.tif", "backup.tif")
    kept = Path("backup.tif").read_bytes()
    assert (
        muguet("denoise", "raw.tif", "-o", "result.tif", "--recipe", "gaussian-blur", "--overwrite").code == 0
    )
    assert Path("backup.tif").read_bytes() == kept
