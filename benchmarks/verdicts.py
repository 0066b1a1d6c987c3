"""Compare the verdicts of `muguet.quality` on images whose correct verdict is known.

    python benchmarks/verdicts.py [CASE …] [--data FOLDER] [--models FOLDER] [--steps 800]

The images are read from --data, $MUGUET_DATA or ../shared/data, and the models from --models, where missing ones are
trained and stored. Only the 512×512 pixels of the centre are judged. The table of cases and checks is printed, and all
numbers are written to benchmarks/results/verdicts.json. CASE is a part of a case's name.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile
import torch

import muguet
from muguet.quality import Quality, assumptions, centre, examine, quality
from muguet.restoration import gaussian_blur

HERE = Path(__file__).resolve().parent
MARKS = {"good": "·", "doubtful": "?", "bad": "X"}
SOURCE, WHITE, KEPT, REMOVED, FITS, RESOLVED = COLUMNS = (
    "The file is what was recorded",
    "The noise is white",
    "Nothing of the image was removed",
    "The noise was removed",
    "The noise law fits",
    "Resolution and signal-to-noise ratio",
)
FRAMES = {"bpae": ("fmd_bpae_noisy", 1)} | {f"w2s{c}": (f"w2s_ch{c}_noisy", 1) for c in range(3)}
FILES = {
    "fish": "fmd_fish_noisy",
    "mice": "fmd_mice_noisy",
    "conv": "convallaria_noisy",
    "sem": "sem_noisy",
    "c2p": "correlated_2p_noisy",
}
SIMULATED = {
    "nuc": "clean_nuclei",
    "mito": "clean_mitochondria",
}  # in names, the photons of the brightest pixel follow
OWN = ("w2s0", "w2s1", "w2s2", "bpae", "fish", "mice", "nuc20", "mito20", "nuc200", "mito500", "conv")
OTHERS = (  # the model of one camera and the image of another
    ("w2s1", "bpae"),
    ("w2s1", "fish"),
    ("w2s1", "conv"),
    ("w2s1", "mito20"),
    ("w2s1", "mito500"),
    ("bpae", "w2s1"),
    ("fish", "w2s1"),
    ("mice", "w2s0"),
    ("bpae", "fish"),
    ("conv", "w2s1"),
    ("mito500", "conv"),
    ("mito500", "w2s1"),
    ("nuc200", "nuc200, gain 4"),
    ("nuc200", "nuc200, gain 1"),
)
CLEAN = (
    *((f"w2s_ch{c}", f) for c in range(3) for f in (3, 5, 9)),
    ("fmd_bpae", 10),
    ("fmd_fish", 0),
    ("fmd_mice", 0),
)


@dataclass(frozen=True)
class Case:
    """A result to judge, the expected verdict, and the check that must be bad, if any."""

    name: str
    expected: str
    reason: str | None
    judge: Callable[[], Quality]


@dataclass(frozen=True)
class Bench:
    """The folders of images and models, and the steps of a training."""

    data: Path
    models: Path
    steps: int

    def image(self, name: str) -> np.ndarray:
        """Return a noisy plane; "nuc200, gain 4" is simulated with at most 200 photons a pixel and 4 counts each."""
        if name in FRAMES:
            file, frame = FRAMES[name]
            return tifffile.imread(self.data / f"{file}.tif")[frame]
        if name in FILES:
            return tifffile.imread(self.data / f"{FILES[name]}.tif")
        which, _, gain = name.partition(", gain ")
        kind = which.rstrip("0123456789")
        return simulated(
            tifffile.imread(self.data / f"{SIMULATED[kind]}.tif"), float(which[len(kind) :]), float(gain or 2)
        )

    def model(self, name: str) -> muguet.Denoiser:
        """Return the model trained on the image of this name."""
        path = self.models / f"{name}.muguet"
        if not path.exists():
            print(f"training {name} …", flush=True)
            mask = "pixel" if name == "c2p" else "auto"  # ignore the correlation of the noise
            muguet.fit(self.image(name), "YX", steps=self.steps, mask=mask).save(path)
        return muguet.load(path)

    def examine(self, model: str, image: str) -> Quality:
        """Judge a model's own estimate of an image."""
        noisy, denoiser = centre(self.image(image), 512), self.model(model)
        return examine(denoiser, noisy, denoiser(noisy, "YX"))

    def mix(self, name: str, share: float) -> Quality:
        """Judge an estimate mixed with a share of the noisy image."""
        noisy, denoiser = centre(self.image(name), 512), self.model(name)
        return examine(denoiser, noisy, share * noisy + (1 - share) * denoiser(noisy, "YX"))

    def clean(self, name: str, frame: int) -> Quality:
        """Judge the mean of many frames as the estimate; the limits of the checks were not chosen on these."""
        noisy, clean = (tifffile.imread(self.data / f"{name}_{kind}.tif") for kind in ("noisy", "clean"))
        both = [each[frame] if each.ndim > 2 else each for each in (noisy, clean)]
        return quality(*(centre(each, 512) for each in both))

    def blur(self, name: str, sigma: float) -> Quality:
        """Judge a Gaussian blur as the result of another tool, without a noise law."""
        noisy = centre(self.image(name), 512).astype(np.float64)
        scale = noisy.std()
        blurred = gaussian_blur(torch.from_numpy(noisy / scale)[None, None], sigma)[0, 0].numpy() * scale
        return quality(centre(self.image(name), 512), blurred)


def simulated(clean: np.ndarray, photons: float, gain: float) -> np.ndarray:
    """Return an image with shot noise, a read noise of 2 electrons and an offset of 100 counts."""
    rng = np.random.default_rng(int(photons))
    electrons = rng.poisson(clean / clean.max() * photons) + rng.normal(0, 2, clean.shape)
    return np.clip(np.rint(gain * electrons + 100), 0, 65535).astype(np.uint16)


def stretched(plane: np.ndarray, outside: float) -> np.ndarray:
    """Return an image stretched to 8 bits, with `outside` per cent of the pixels clipped at either end."""
    low, high = np.percentile(plane, (outside, 100 - outside))
    return np.clip(np.rint((plane - low) / (high - low) * 255), 0, 255).astype(np.uint8)


def jpeg(plane: np.ndarray, level: int) -> np.ndarray:
    """Return an image stretched to 8 bits, compressed by JPEG and decompressed."""
    return imagecodecs.jpeg8_decode(imagecodecs.jpeg8_encode(stretched(plane, 0), level=level))


def cases(bench: Bench) -> Iterator[Case]:
    """Yield every case."""
    for name in OWN:
        yield Case(f"{name}: own model", "good", None, lambda n=name: bench.examine(n, n))
    yield Case("c2p: own model", "bad", WHITE, lambda: bench.examine("c2p", "c2p"))
    yield Case("sem: own model", "bad", SOURCE, lambda: bench.examine("sem", "sem"))
    for model, name in OTHERS:
        yield Case(f"{name}: model of {model}", "bad", FITS, lambda m=model, n=name: bench.examine(m, n))
    for name, frame in CLEAN:
        judge = lambda n=name, f=frame: bench.clean(n, f)  # noqa: E731
        yield Case(f"{name}, frame {frame}: the clean image", "good", None, judge)
    for name in OWN:
        for sigma in (5, 6, 8):
            judge = lambda n=name, s=sigma: bench.blur(n, s)  # noqa: E731
            yield Case(f"{name}: Gaussian blur {sigma} px", "bad", KEPT, judge)
    for name in (*OWN, "c2p"):
        reason = WHITE if name == "c2p" else REMOVED
        yield Case(f"{name}: the raw image", "bad", reason, lambda n=name: bench.mix(n, 1.0))
        yield Case(f"{name}: 70 % raw", "bad", reason, lambda n=name: bench.mix(n, 0.7))
    for name in ("w2s1", "w2s0", "conv", "nuc200"):
        for outside in (0, 0.35):
            judge = lambda n=name, o=outside: assumptions(stretched(bench.image(n), o))  # noqa: E731
            yield Case(f"{name}: 8 bits, {outside} % cut", "bad", SOURCE, judge)
    for name in ("w2s1", "conv", "mito20"):
        for level in (50, 75, 90, 95):
            judge = lambda n=name, q=level: assumptions(jpeg(bench.image(n), q))  # noqa: E731
            yield Case(f"{name}: JPEG {level}", "bad", SOURCE, judge)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cases", nargs="*")
    default = os.environ.get("MUGUET_DATA") or HERE.parents[1] / "shared" / "data"
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--models", type=Path, default=Path(tempfile.gettempdir()) / "muguet-verdicts")
    parser.add_argument("--steps", type=int, default=800)
    chosen = parser.parse_args()
    chosen.models.mkdir(exist_ok=True)
    wanted = [
        c for c in cases(Bench(chosen.data, chosen.models, chosen.steps)) if _named(c.name, chosen.cases)
    ]
    found = {}
    print(f"{'':34}{'source white kept removed law resolved':42}verdict")
    for case in wanted:
        started = time.monotonic()
        judged = case.judge()
        verdicts = {check.name: check.verdict for check in judged.checks}
        right = judged.verdict == case.expected and (not case.reason or verdicts.get(case.reason) == "bad")
        marks = "".join(f"{MARKS[verdicts[c]] if c in verdicts else ' ':^7}" for c in COLUMNS)
        print(
            f"{case.name:34}{marks}{judged.verdict:9} {'' if right else 'WRONG: ' + judged.sentence}",
            flush=True,
        )
        found[case.name] = {
            "expected": case.expected,
            "reason": case.reason,
            "right": right,
            "seconds": round(time.monotonic() - started, 1),
            **{key: value for key, value in judged.to_dict().items() if key != "curves"},
        }
    print(f"{sum(each['right'] for each in found.values())} of {len(found)} are correct")
    if not chosen.cases:
        out = HERE / "results" / "verdicts.json"
        out.write_text(
            json.dumps({"steps": chosen.steps, "cases": found}, indent=1, ensure_ascii=False) + "\n"
        )


def _named(name: str, parts: list[str]) -> bool:
    return not parts or any(part in name for part in parts)


if __name__ == "__main__":
    main()
