"""One bad file among many does not stop the others, folders keep their structure, and a rerun does what is missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from tests.cli.conftest import noise

QUICK = ("--steps", 2, "--symmetries", 1)


def names(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


@pytest.fixture
def mixed(tmp_path) -> Path:
    """Return a folder with two good images and one of each kind that cannot be used."""
    where = tmp_path / "mixed"
    where.mkdir()
    tifffile.imwrite(where / "good1.tif", noise((40, 48), 1))
    tifffile.imwrite(where / "good2.tif", noise((2, 33, 37), 2), imagej=True, metadata={"axes": "TYX"})
    tifffile.imwrite(where / "blank.tif", np.full((40, 48), 100, np.uint16))
    tifffile.imwrite(where / "small.tif", noise((12, 12)))
    rgb = np.moveaxis(noise((3, 40, 48), 3), 0, -1).astype(np.uint8)
    tifffile.imwrite(where / "rgb.tif", rgb, photometric="rgb")
    content = (where / "good1.tif").read_bytes()
    (where / "damaged.tif").write_bytes(content[: len(content) // 2])
    (where / "page.tif").write_text("<html>404</html>")
    (where / "void.tif").touch()
    return where


BAD = ("blank.tif", "small.tif", "rgb.tif", "damaged.tif", "page.tif", "void.tif")


def named_at_the_end(messages: str) -> list[str]:
    lines = messages.strip().splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("muguet: "))
    return [next(name for name in BAD if name in line) for line in lines[start + 1 :]]


def test_good_files_are_denoised_and_bad_ones_are_named_at_the_end(muguet, mixed, tmp_path):
    answer = muguet("denoise", mixed, "-o", tmp_path / "out", *QUICK)
    assert answer.code == 3, answer.err
    assert "6 of 8 inputs were left out" in answer.err
    assert sorted(named_at_the_end(answer.err)) == sorted(BAD)
    assert names(tmp_path / "out") == ["good1.tif", "good2.tif"]
    quiet = muguet("denoise", mixed, "-o", tmp_path / "2", "--quiet", *QUICK)
    assert quiet.code == 3
    assert quiet.err.startswith("muguet: 6 of 8 inputs")
    for name in names(tmp_path / "out"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


def test_bad_files_do_not_change_what_the_others_become(muguet, mixed, tmp_path):
    assert muguet("denoise", mixed, "-o", tmp_path / "all", *QUICK).code == 3
    for name in BAD:
        (mixed / name).unlink()
    assert muguet("denoise", mixed, "-o", tmp_path / "good", *QUICK).code == 0
    for name in names(tmp_path / "good"):
        assert (tmp_path / "all" / name).read_bytes() == (tmp_path / "good" / name).read_bytes()


def test_with_strict_the_first_bad_file_ends_the_command(muguet, mixed, tmp_path):
    for command in (("denoise", mixed, "-o", tmp_path / "out"), ("fit", mixed, "-o", tmp_path / "m.muguet")):
        answer = muguet(*command, "--strict", "--steps", 2)
        assert answer.code == 2
        assert "blank.tif" in answer.err.strip().splitlines()[-1]
    assert sorted({Path(name).parts[0] for name in names(tmp_path)}) == ["mixed"]


def test_fit_and_a_model_leave_bad_files_out(muguet, mixed, tmp_path):
    model = tmp_path / "m.muguet"
    answer = muguet("fit", mixed, "-o", model, "--steps", 2)
    assert answer.code == 3
    assert sorted(named_at_the_end(answer.err)) == sorted(BAD)
    assert model.exists()
    answer = muguet("denoise", mixed, "-o", tmp_path / "out", "--model", model)
    assert answer.code == 3
    # A model can denoise what is too small or too uniform to learn from.
    assert names(tmp_path / "out") == ["blank.tif", "good1.tif", "good2.tif", "small.tif"]
    assert sorted(named_at_the_end(answer.err)) == sorted(BAD[2:])
    assert muguet("denoise", mixed, "-o", tmp_path / "s", "--model", model, "--strict").code == 2


def test_classical_methods_and_judge_leave_bad_files_out(muguet, mixed, tmp_path):
    out = tmp_path / "out"
    answer = muguet("denoise", mixed, "-o", out, "--recipe", "gaussian-blur")
    assert answer.code == 3
    assert {"good1.tif", "good2.tif"} <= set(names(out))
    for name in names(out):
        if not name.startswith("good"):
            (out / name).unlink()
    (out / "good1.tif").write_bytes(b"II*\0")
    clean = tmp_path / "clean"
    clean.mkdir()
    for name in ("good1.tif", "good2.tif"):
        (clean / name).write_bytes((mixed / name).read_bytes())
    answer = muguet("judge", out, clean)
    assert answer.code == 3
    assert "good1.tif" in answer.err
    assert "PSNR" in answer.out
    assert muguet("judge", out, clean, "--strict").code == 2


def test_if_no_file_can_be_used_it_is_an_error(muguet, mixed, tmp_path):
    for name in ("good1.tif", "good2.tif"):
        (mixed / name).unlink()
    (mixed / "rgb.tif").unlink()
    answer = muguet("denoise", mixed, "-o", tmp_path / "out", *QUICK)
    assert answer.code == 2
    assert "the other 4 inputs" in answer.err.strip().splitlines()[-1]


def test_pairs_stay_together_when_a_noisy_image_is_left_out(muguet, mixed, tmp_path):
    clean = tmp_path / "clean"
    clean.mkdir()
    for file in sorted(mixed.glob("*.tif")):
        good = file.name.startswith("good")
        tifffile.imwrite(clean / file.name, tifffile.imread(file) if good else noise((20, 20)))
    answer = muguet(
        "fit", mixed, "-o", tmp_path / "m.muguet", "--recipe", "care", "--clean", clean, "--steps", 1
    )
    assert answer.code == 3, answer.err
    assert sorted(named_at_the_end(answer.err)) == sorted(BAD)


@pytest.fixture
def positions(tmp_path) -> Path:
    """Return a folder with images of equal names in two folders, and one image above them."""
    where = tmp_path / "experiment"
    for n, name in enumerate(("Pos0", "Pos1", "Pos1/again")):
        (where / name).mkdir(parents=True)
        tifffile.imwrite(where / name / "img.tif", noise((32, 40), n))
    tifffile.imwrite(where / "top.tif", noise((32, 40), 5))
    (where / ".hidden").mkdir()
    tifffile.imwrite(where / ".hidden" / "img.tif", noise((32, 40), 5))
    return where


def test_folders_in_folders_keep_their_structure(muguet, positions, tmp_path):
    blur = ("--recipe", "gaussian-blur")
    expected = ["Pos0/img.tif", "Pos1/again/img.tif", "Pos1/img.tif", "top.tif"]
    assert muguet("denoise", positions, "-o", tmp_path / "flat", *blur).code == 0
    assert names(tmp_path / "flat") == ["top.tif"]
    assert muguet("denoise", positions, "--recursive", "-o", tmp_path / "out", *blur).code == 0
    assert names(tmp_path / "out") == expected
    answer = muguet("denoise", positions / "Pos0", positions / "Pos1", "-o", tmp_path / "two", *blur)
    assert answer.code == 2
    assert "--recursive" in answer.err
    two = (positions / "Pos0", positions / "Pos1", "--recursive")
    assert muguet("denoise", *two, "-o", tmp_path / "two", *blur).code == 0
    assert names(tmp_path / "two") == expected[:3]
    files = (positions / "Pos0" / "img.tif", positions / "Pos1" / "img.tif", "--recursive")
    assert muguet("denoise", *files, "-o", tmp_path / "three", *blur).code == 0
    assert names(tmp_path / "three") == [expected[0], expected[2]]
    assert muguet("denoise", positions / "Pos1" / "img.tif", "-o", tmp_path / "one.tif", *blur).code == 0
    assert (tmp_path / "one.tif").read_bytes() == (tmp_path / "out" / "Pos1" / "img.tif").read_bytes()


def test_results_inside_the_input_folder_are_no_inputs(muguet, positions):
    out = positions / "denoised"
    command = ("denoise", positions, "--recursive", "-o", out, "--recipe", "gaussian-blur")
    assert muguet(*command).code == 0
    before = names(positions)
    assert muguet(*command, "--overwrite").code == 0
    assert names(positions) == before
    assert muguet("denoise", positions, "--recursive", "--recipe", "gaussian-blur", "-o", positions).code == 2


def test_training_on_folders_in_folders(muguet, positions, tmp_path):
    answer = muguet("denoise", positions, "--recursive", "-o", tmp_path / "out", *QUICK)
    assert answer.code == 0, answer.err
    assert len(names(tmp_path / "out")) == 4
    answer = muguet("fit", positions, "--recursive", "-o", tmp_path / "m.muguet", "--steps", 1)
    assert answer.code == 0, answer.err


def test_a_rerun_does_only_what_is_missing(muguet, folder, tmp_path):
    out = tmp_path / "out"
    command = ("denoise", folder, "-o", out, *QUICK)
    assert muguet(*command).code == 0
    first = {name: (out / name).read_bytes() for name in names(out)}
    (out / "a.tif").unlink()
    changed = (out / "b.tif").stat().st_mtime_ns
    assert muguet(*command).code == 2
    answer = muguet(*command, "--skip-existing")
    assert answer.code == 0, answer.err
    assert "1 of 2 results exist" in answer.err
    assert (out / "b.tif").stat().st_mtime_ns == changed
    assert {name: (out / name).read_bytes() for name in names(out)} == first
    answer = muguet(*command, "--skip-existing")
    assert answer.code == 0
    assert "nothing to do" in answer.err
    assert "Training" not in answer.err
    assert muguet(*command, "--skip-existing", "--overwrite").code == 2
    (out / "b.tif").write_text("not an image")
    assert muguet(*command, "--skip-existing").code == 2


def test_a_rerun_with_a_saved_model_does_not_train_again(muguet, folder, tmp_path):
    out, model = tmp_path / "out", tmp_path / "m.muguet"
    command = ("denoise", folder, "-o", out, "--save-model", model, "--skip-existing", *QUICK)
    assert muguet(*command).code == 0
    whole = (out / "b.tif").read_bytes()
    (out / "b.tif").unlink()
    before = model.read_bytes()
    answer = muguet(*command)
    assert answer.code == 0, answer.err
    assert "is used" in answer.err
    assert "Training" not in answer.err
    assert ((out / "b.tif").read_bytes(), model.read_bytes()) == (whole, before)
    answer = muguet("fit", folder, "-o", model, "--skip-existing", "--steps", 2)
    assert answer.code == 0
    assert "nothing to do" in answer.err
    assert model.read_bytes() == before


def test_a_rerun_does_not_train_for_files_that_cannot_be_used(muguet, mixed, tmp_path):
    command = ("denoise", mixed, "-o", tmp_path / "out", "--skip-existing", *QUICK)
    assert muguet(*command).code == 3
    answer = muguet(*command)
    assert answer.code == 3
    assert "Training" not in answer.err


def test_quoted_patterns(muguet, folder, tmp_path):
    tifffile.imwrite(folder / "c[stack].tif", noise((32, 32)))
    blur = ("--recipe", "gaussian-blur", "-o", tmp_path / "out")
    assert muguet("denoise", folder / "*.tif", *blur).code == 0
    assert names(tmp_path / "out") == ["a.tif", "b.tif", "c[stack].tif"]
    assert muguet("denoise", folder / "c[stack].tif", "-o", tmp_path / "c.tif", *blur[:2]).code == 0
    assert muguet("denoise", tmp_path / "**" / "a.tif", "-o", tmp_path / "deep", *blur[:2]).code == 2
    assert muguet("denoise", folder / "*.png", *blur).err.count("no file matches") == 1
    assert muguet("denoise", folder / "*.tif", *blur[:2]).code == 0
    assert muguet("denoise", folder / "*.tif", *blur[:2], "--overwrite").code == 0
    assert not list(folder.glob("*_denoised_denoised*"))
