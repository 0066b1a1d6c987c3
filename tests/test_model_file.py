"""Model files of earlier versions load, and give what their own version gave."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np

from muguet import load


def test_a_model_file_of_format_3_gives_what_its_own_version_gave(tmp_path):
    """Written by version 0.1.0 at format 3: two channels, a gate, photon-transfer curves; most weights set to 0."""
    path, files = tmp_path / "old.muguet", Path(__file__).parent / "files"
    path.write_bytes(gzip.decompress((files / "model_format_3.muguet.gz").read_bytes()))
    expected = np.load(files / "model_format_3.npz")
    model = load(path, "cpu")
    model.method.low_precision = False
    again = model(expected["noisy"], "CYX", symmetries=1)
    np.testing.assert_allclose(again, expected["denoised"], rtol=1e-4)
    for law, std in zip(model.laws, expected["std"], strict=True):
        np.testing.assert_allclose(law.std(expected["signal"]), std, rtol=1e-4)
    model.save(tmp_path / "new.muguet")
    np.testing.assert_array_equal(
        load(tmp_path / "new.muguet", "cpu")(expected["noisy"], "CYX"), model(expected["noisy"], "CYX")
    )
