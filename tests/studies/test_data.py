"""Published captures become the files that the studies read: on small made-up files of the published layout."""

from __future__ import annotations

from pathlib import Path

import data
import numpy as np
import pytest
import sets
import tifffile
from imagecodecs import png_encode

from muguet import MuguetError

RNG = np.random.default_rng(0)


@pytest.fixture
def w2s(tmp_path: Path) -> Path:
    """Two fields of view of six captures, as the raw files of W2S; one of them as TIFF."""
    for field in (81, 82):
        for channel in range(3):
            folder = tmp_path / "raw" / f"Image{field:03d}"
            folder.mkdir(parents=True, exist_ok=True)
            captures = RNG.poisson(200 + 10 * field + channel, (6, 32, 24)).astype(np.uint16)
            if field == 81:
                np.save(folder / f"wf_channel{channel}.npy", captures)
            else:
                tifffile.imwrite(folder / f"wf_channel{channel}.tif", captures, photometric="minisblack")
    return tmp_path / "raw"


def test_the_captures_of_w2s_become_pairs_that_the_studies_read(w2s: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    data.main(["w2s", str(w2s), "--fields", "81", "82", "--capture", "3", "--out", str(out)])
    for channel in range(3):
        images = sets.load(f"w2s_ch{channel}", out)
        assert images.noisy.dtype == np.uint16
        captures = np.load(w2s / "Image081" / f"wf_channel{channel}.npy")
        np.testing.assert_array_equal(images.noisy[0], captures[3])
        np.testing.assert_allclose(images.clean[0], captures.mean(0), rtol=1e-6)
        np.testing.assert_array_equal(
            images.noisy[1], tifffile.imread(w2s / "Image082" / f"wf_channel{channel}.tif")[3]
        )
    with pytest.raises(MuguetError, match="exists: name another folder"):
        data.convert_w2s(w2s, out, [81])


def test_missing_fields_and_captures_of_w2s_are_named(w2s: Path, tmp_path: Path) -> None:
    with pytest.raises(MuguetError, match=r"Image083.wf_channel0.npy does not exist"):
        data.convert_w2s(w2s, tmp_path / "out", [81, 83])
    with pytest.raises(MuguetError, match="no capture 6"):
        data.convert_w2s(w2s, tmp_path / "out", [81], capture=6)
    assert not (tmp_path / "out").exists()


def test_the_captures_of_fmd_become_pairs_that_the_studies_read(tmp_path: Path) -> None:
    folder, out = tmp_path / "Confocal_MICE" / "raw" / "19", tmp_path / "out"
    folder.mkdir(parents=True)
    captures = RNG.poisson(60, (5, 32, 32)).astype(np.uint8)
    for number, capture in enumerate(captures):
        (folder / f"HV110_P0500510{number:03d}.png").write_bytes(png_encode(capture))
    data.main(["fmd", str(tmp_path / "Confocal_MICE"), "--name", "fmd_mice", "--out", str(out)])
    data.main(["fmd", str(folder.parents[1]), "--name", "fmd_bpae", "--frames", "1", "4", "--out", str(out)])
    mice, bpae = sets.load("fmd_mice", out), sets.load("fmd_bpae", out)
    np.testing.assert_array_equal(mice.noisy.squeeze(), captures[0])
    np.testing.assert_array_equal(bpae.noisy, captures[1:4])
    np.testing.assert_allclose(mice.clean.squeeze(), captures.mean(0), rtol=1e-6)
    with pytest.raises(MuguetError, match="holds no such captures"):
        data.convert_fmd(tmp_path, "fmd_fish", out)


def test_a_file_is_compared_with_the_one_that_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "w2s_ch0_noisy.tif").write_bytes(b"abc")
    data.main(["list", "--data", str(tmp_path)])
    shown = capsys.readouterr().out
    assert "w2s_ch0_noisy.tif: another file than the one that was measured" in shown
    assert "w2s_ch0_clean.tif: not there" in shown
    assert shown.count("SHA-256: not recorded") == sum(each.sha256 is None for each in data.ORIGINS.values())
    of_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    monkeypatch.setitem(data.MEASURED, "w2s_ch0_noisy.tif", of_abc)
    assert data.state(tmp_path / "w2s_ch0_noisy.tif") == "the file that was measured"
