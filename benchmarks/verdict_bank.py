"""Count wrong verdicts on a bank of results whose true quality is known.

    python benchmarks/verdict_bank.py [IMAGE …] [--data FOLDER] [--models FOLDER] [--out FILE]

Every image has a clean partner, or is simulated. Each is denoised well, badly and wrongly: by runs of 1 to 300 steps
with and without the prior, by a method without a gate, by blurs of a quarter to five times the best width, mixed with
the noisy image, blurred again, and by the model of another image. Some have noise that the pixels of a line or
neighbours share. The limits of the checks were chosen while looking at the images called "seen". Of the others,
bpae10 and mito50g were judged once before a limit was changed. Rows of other images stay in --out.

Every verdict is that of all checks but that of the noise law, which is counted on its own: a law that was not learned
in one step does not make the image worse. The true quality of a result is its loss of PSNR against the best result
for the image: up to 1 dB is good, 3 dB and more are bad. A verdict is wrong if a good result is called bad, or a bad
one good. Missing models are trained (seed 0, about three minutes an image) and stored in --models. The images are
read from --data, $MUGUET_DATA or ../shared/data.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import tifffile
import torch
from correlated import KERNELS, filtered

import muguet
from muguet import MuguetError
from muguet.quality import centre, examine, psnr, quality, second_opinion
from muguet.restoration import best_blur, gaussian_blur

Floats = np.ndarray
HERE = Path(__file__).resolve().parent
GOOD, BAD = 1.0, 3.0  # Limits of the loss in decibels.
SEEN = ("w2s0", "w2s1", "w2s2", "fish", "mice", "bpae", "mito20", "mito100", "mito500")
PAIRS = {
    "w2s0": ("w2s_ch0", 1),
    "w2s1": ("w2s_ch1", 1),
    "w2s2": ("w2s_ch2", 1),
    "fish": ("fmd_fish", 0),
    "mice": ("fmd_mice", 0),
    "bpae": ("fmd_bpae", 1),
    "w2s0f5": ("w2s_ch0", 5),
    "w2s1f6": ("w2s_ch1", 6),
    "w2s2f9": ("w2s_ch2", 9),
    "bpae10": ("fmd_bpae", 10),
}
SIMULATED = {  # scene, photo-electrons of the brightest pixel, read noise in electrons, law
    "mito20": ("mitochondria", 20, 2.0, "poisson"),
    "mito100": ("mitochondria", 100, 2.0, "poisson"),
    "mito500": ("mitochondria", 500, 2.0, "poisson"),
    "nuc20": ("nuclei", 20, 2.0, "poisson"),
    "nuc200": ("nuclei", 200, 2.0, "poisson"),
    "nuc50em": ("nuclei", 50, 0.5, "emccd"),
    "hela100em": ("hela", 100, 0.5, "emccd"),
    "hela30g": ("hela", 30, 4.0, "gauss"),
    "hela1000": ("hela", 1000, 2.0, "poisson"),
    "mito50g": ("mitochondria", 50, 6.0, "gauss"),
    "mito100rows": ("mitochondria", 100, 2.0, "poisson"),
    "nuc200odd": ("nuclei", 200, 2.0, "poisson"),
    "mito100gauss0.4": ("mitochondria", 100, 2.0, "poisson"),
    "nuc200gauss0.8": ("nuclei", 200, 2.0, "poisson"),
    "hela100shift": ("hela", 100, 2.0, "poisson"),
    "mito100slow": ("mitochondria", 100, 2.0, "poisson"),
}
LINES: dict[
    str, Callable[[Floats], Floats]
] = {  # Offsets of rows in counts, drawn from random numbers (y, 1).
    "mito100rows": lambda drawn: 8.0 * drawn,
    "nuc200odd": lambda drawn: 5.0 * (-1.0) ** np.arange(len(drawn))[:, None],
}
CORRELATED = {  # The filter of the noise, see benchmarks/correlated.py; its power stays the same.
    "mito100gauss0.4": "gaussian-0.4",
    "nuc200gauss0.8": "gaussian-0.8",
    "hela100shift": "half-pixel-shift",
    "mito100slow": "slow-rows-0.3",
}
SHARED = (*LINES, *CORRELATED)  # Noise that pixels share, on images of 256×256 pixels.
RUNS = {  # name: recipe, prior, steps
    **{f"none{steps}": ("joint", "none", steps) for steps in (1, 10, 30, 100, 300)},
    **{f"scenes{steps}": ("joint", "scenes", steps) for steps in (0, 1, 100)},
    **{f"blind{steps}": ("joint-blind", "none", steps) for steps in (10, 100)},
}
WITH_MODEL = ("none1", "none30", "none300", "scenes0", "scenes100", "blind10")
GROSS = ("raw", "blur 3", "blur 5", "blind10, no prior")  # These must never be called good if they are bad.
FITS, ORDER = "The noise law fits", ("good", "doubtful", "bad")


class Bank:
    """The images, and the models trained on them."""

    def __init__(self, data: Path, models: Path) -> None:
        self.data, self.models = data, models

    def pair(self, name: str) -> tuple[Floats, Floats]:
        """Return the noisy and the clean plane of an image, at most 512×512 pixels."""
        if name in PAIRS:
            file, frame = PAIRS[name]
            noisy, clean = (tifffile.imread(self.data / f"{file}_{kind}.tif") for kind in ("noisy", "clean"))
            noisy = noisy[frame] if noisy.ndim == 3 else noisy
            clean = clean[frame] if clean.ndim == 3 else clean
            return centre(noisy, 512), centre(clean.astype(np.float64), 512)
        scene, light, read, law = SIMULATED[name]
        plane = tifffile.imread(self.data / f"clean_{scene}.tif").astype(np.float64)
        plane = centre(plane if plane.ndim == 2 else plane[0], 256 if name in SHARED else 512)
        electrons = plane / plane.max() * light
        rng = np.random.default_rng(int(light) + len(law) * 1000)
        drawn = electrons if law == "gauss" else rng.poisson(electrons)
        if law == "emccd":
            drawn = np.where(drawn > 0, rng.gamma(np.maximum(drawn, 1)), 0.0)
        noise = drawn + rng.normal(0, read, electrons.shape) - electrons
        if name in CORRELATED:
            noise = filtered(noise, KERNELS[CORRELATED[name]])
        counts = 2.0 * (electrons + noise) + 100
        if name in LINES:
            counts = counts + LINES[name](np.random.default_rng(0).normal(size=(len(counts), 1)))
        return np.clip(np.rint(counts), 0, 65535).astype(np.uint16), 2.0 * electrons + 100

    def model(self, image: str, run: str) -> muguet.Denoiser:
        """Return the model of a run on an image."""
        path = self.models / f"{image}_{run}.muguet"
        if not path.exists():
            recipe, prior, steps = RUNS[run]
            muguet.fit(self.pair(image)[0], "YX", steps=steps, recipe=recipe, prior=prior).save(path)
        return muguet.load(path)


def results(
    bank: Bank, name: str, noisy: Floats, clean: Floats
) -> Iterator[tuple[str, Floats, Callable | None]]:
    """Yield the name of each result, the result, and the model that made it, if it is judged with its model."""
    found = {}
    for run in RUNS:
        model = bank.model(name, run)
        found[run] = model(noisy, "YX", symmetries=1).astype(np.float64)
        yield f"{run}, no prior" if "scenes" not in run else run, found[run], None
        if run in WITH_MODEL:
            yield f"{run}, with its model", found[run], model
    sigma = best_blur(noisy, clean)[1]
    for factor in (0.25, 0.5, 1, 2, 3, 5):
        yield f"blur {factor}", _blur(noisy, factor * sigma), None
    yield "raw", noisy.astype(np.float64), None
    best = found["none300"]
    for share in (0.3, 0.5, 0.7):
        yield f"{share:.0%} raw", share * noisy + (1 - share) * best, None
    for width in (1.5, 3):
        yield f"blurred again, {width}", _blur(best, width), None
    yield "the clean image", clean, None
    for other in [each for each in (*PAIRS, *SIMULATED) if each[:3] != name[:3]][::7][:2]:
        yield (
            f"model of {other}",
            bank.model(other, "none300")(noisy, "YX", symmetries=1).astype(np.float64),
            None,
        )


def _blur(plane: Floats, sigma: float) -> Floats:
    return gaussian_blur(torch.from_numpy(plane.astype(np.float64))[None, None], sigma)[0, 0].numpy()


def judge(bank: Bank, name: str) -> list[dict[str, object]]:
    """Judge all results of an image."""
    noisy, clean = bank.pair(name)
    opinion = second_opinion(noisy)
    rows = []
    for result, estimate, model in results(bank, name, noisy, clean):
        found = (
            quality(noisy, estimate, opinion=opinion) if model is None else examine(model, noisy, estimate)
        )
        score = 99.0 if estimate is clean else psnr(estimate, clean)
        verdicts = {check.name: check.verdict for check in found.checks}
        judged = max((v for check, v in verdicts.items() if check != FITS), key=ORDER.index)
        rows.append(
            {
                "image": name,
                "result": result,
                "psnr": score,
                "verdict": judged,
                "checks": verdicts,
            }
        )
    best = max(row["psnr"] for row in rows if row["result"] != "the clean image")
    for row in rows:
        row["loss"] = best - row["psnr"]
        row["true"] = "good" if row["loss"] <= GOOD else "bad" if row["loss"] >= BAD else "between"
        row["wrong"] = {row["true"], row["verdict"]} == {"good", "bad"}
        print(
            f"{name:10} {row['result']:26} {row['loss']:6.2f} dB  {row['true']:8} {row['verdict']:9}"
            f"{'WRONG ' if row['wrong'] else ''}"
            + ", ".join(
                f"{check}: {verdict}" for check, verdict in row["checks"].items() if verdict != "good"
            ),
            flush=True,
        )
    return rows


def summary(rows: list[dict[str, object]]) -> str:
    """Return the table of true and reported quality, in Markdown."""
    lines = ["| | called good | doubtful | bad | wrong |", "|---|---|---|---|---|"]
    for true in ("good", "between", "bad"):
        counts = [
            sum(r["true"] == true and r["verdict"] == v for r in rows) for v in ("good", "doubtful", "bad")
        ]
        wrong = sum(bool(r["wrong"]) for r in rows if r["true"] == true)
        lines.append(f"| {true} | {counts[0]} | {counts[1]} | {counts[2]} | {wrong} |")
    laws = [row["checks"][FITS] for row in rows if FITS in row["checks"]]
    lines.append(
        f"\nThe law of a model, on its own image: {', '.join(f'{laws.count(v)} {v}' for v in ORDER)}."
    )
    wrong = sum(bool(row["wrong"]) for row in rows)
    gross = sum(r["true"] == "bad" and r["verdict"] == "good" and r["result"].startswith(GROSS) for r in rows)
    return "\n".join([*lines, f"{wrong} of {len(rows)} wrong; {gross} of the gross ones called good"])


def _kept(row: dict[str, object]) -> dict[str, object]:
    """What is written of a row: its loss in decibels, and the verdicts that are not good."""
    kept = {key: row[key] for key in ("image", "result", "loss", "true", "verdict", "wrong")}
    not_good = {check: verdict for check, verdict in row["checks"].items() if verdict != "good"}
    return {**kept, "loss": round(float(row["loss"]), 2), "not_good": not_good}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("images", nargs="*")
    default = os.environ.get("MUGUET_DATA") or HERE.parents[1] / "shared" / "data"
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--models", type=Path, default=Path(tempfile.gettempdir()) / "muguet-bank")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "verdict_bank.json")
    chosen = parser.parse_args()
    chosen.models.mkdir(exist_ok=True)
    bank, rows = Bank(chosen.data, chosen.models), []
    for name in chosen.images or (*PAIRS, *SIMULATED):
        try:
            rows += judge(bank, name)
        except MuguetError as error:
            print(f"{name}: {error}")
    for title, part in (("seen", True), ("not seen", False)):
        chosen_rows = [row for row in rows if (row["image"] in SEEN) == part]
        if chosen_rows:
            print(f"\nImages {title}:\n\n{summary(chosen_rows)}")
    judged = {row["image"] for row in rows}
    before = json.loads(chosen.out.read_text()) if chosen.out.exists() else []
    rows = [row for row in before if row["image"] not in judged] + [_kept(row) for row in rows]
    chosen.out.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
