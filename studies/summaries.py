"""Tables of the comparison: means and standard errors over seeds, and paired differences of methods."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cells import Cell, Result
from methods import UNLEARNED
from sets import SEEN, UNSEEN

from muguet.quality import mean_and_standard_error

# A method, the method that it is compared with, and the difference in decibels that the reference reports, whose method
# is blind and has one Gaussian.
DIFFERENCES = (
    ("joint-blind-g1", "l2", math.nan),  # the effect of N-net on D-net
    ("joint-g3", "joint-blind-g1", math.nan),
    ("joint-g3", "gaussian-blur", math.nan),
    ("joint-g3", "noise2void", math.nan),
    ("joint-g3", "n2v2", math.nan),
    ("joint-g3", "deconoising", 1.42),
    ("joint-g3", "care", 1.49),
    ("joint-g3", "supervised", 0.21),
    ("joint-blind-g1", "deconoising", 1.42),
    ("joint-blind-g1", "care", 1.49),
    ("joint-blind-g1", "supervised", 0.21),
    ("joint-g3", "joint-g1", math.nan),
    ("joint-g3", "joint-unet", math.nan),
    ("joint-g1", "l2", math.nan),
    ("joint-unet", "deconoising", 1.42),
    ("joint-unet", "care", 1.49),
    ("joint-unet", "supervised-unet", 0.21),
)


def rows(results: Iterable[Result]) -> list[dict[str, Any]]:
    """Return a row for every set, method and budget: means over seeds of means over frames, and standard errors."""
    groups: dict[tuple[str, str, str], list[Result]] = {}
    for result in results:
        cell = Cell(**result["cell"])
        groups.setdefault((cell.set, cell.method, cell.budget), []).append(result)
    return [_row(*names, group) for names, group in groups.items()]


def _row(name: str, method: str, budget: str, group: Sequence[Result]) -> dict[str, Any]:
    row: dict[str, Any] = {"set": name, "method": method, "budget": budget, "seeds": len(group)}
    for part, suffix in ((SEEN, ""), (UNSEEN, "_unseen")):
        for score in ("psnr", "ssim", "psnr_matched"):
            values = [_value(result, part, score) for result in group]
            row[score + suffix], row[f"{score}{suffix}_se"] = mean_and_standard_error(values)
    steps = [result["about"].get("steps", math.nan) for result in group]
    row |= {"steps": statistics.mean(steps), "memory_mb": max(result["memory_mb"] for result in group)}
    for seconds in ("training_s", "denoising_s"):
        row[seconds] = statistics.mean(result[seconds] for result in group)
    return row


def _value(result: Result, part: str, score: str) -> float:
    found = result["scores"].get(part, {}).get(score)
    return math.nan if found is None else float(found)


def table(rows: Sequence[Mapping[str, Any]], budget: str, held_out: bool) -> list[dict[str, str]]:
    """Return a row for every method at one budget; methods without training are in every table."""
    here = [row for row in rows if row["budget"] in ("", budget)]
    names = list(dict.fromkeys(row["set"] for row in here))
    parts = ((SEEN, ""), (UNSEEN, "_unseen"))[: 1 + held_out]
    found = []
    for method in dict.fromkeys(row["method"] for row in here):
        mine = {row["set"]: row for row in here if row["method"] == method}
        line = {"method": method}
        for name in names:
            for part, suffix in parts:
                which = f"{name}, {part}" if held_out else name
                line[f"{which}: PSNR (dB)"] = _shown(mine.get(name), f"psnr{suffix}", 2)
                line[f"{which}: SSIM"] = _shown(mine.get(name), f"ssim{suffix}", 3)
        for part, suffix in parts if len(names) > 1 else ():
            values = [row[f"psnr{suffix}"] for row in mine.values()]
            mean = f"{statistics.mean(values):.2f}" if len(values) == len(names) else "–"
            line[f"mean, {part}: PSNR (dB)" if held_out else "mean PSNR (dB)"] = mean
        line["training (s)"] = f"{statistics.mean(row['training_s'] for row in mine.values()):.0f}"
        line["peak memory (MB)"] = f"{max(row['memory_mb'] for row in mine.values()):.0f}"
        found.append(line)
    return found


def _shown(row: Mapping[str, Any] | None, score: str, digits: int) -> str:
    if row is None or math.isnan(row[score]):
        return "–"
    error = row[f"{score}_se"]
    return f"{row[score]:.{digits}f}" + ("" if math.isnan(error) else f" ± {error:.{digits}f}")


# -------------------------------------------------------------- differences


def differences(results: Iterable[Result]) -> list[dict[str, Any]]:
    """Return the differences between two methods at each budget, for all sets and seeds where both were measured.

    The standard error is that of the mean over all pairs; `sets_above` counts the sets with a mean above zero.
    """
    scores = {Cell(**result["cell"]): result["scores"] for result in results}
    learned = [cell for cell in scores if cell.method not in UNLEARNED]
    found = []
    for first, second, reference in DIFFERENCES:
        for budget in dict.fromkeys(cell.budget for cell in learned):
            for part in (SEEN, UNSEEN):
                pairs = _pairs(scores, first, second, budget, part)
                if pairs:
                    row = _difference([value for _, value in pairs])
                    sets = {name: [v for n, v in pairs if n == name] for name, _ in pairs}
                    above = sum(statistics.mean(values) > 0 for values in sets.values())
                    row |= {"sets": len(sets), "sets_above": above, "reference_db": reference}
                    named = {"method": first, "minus": second, "budget": budget, "part": part}
                    found.append({**named, **row})
    return found


def _pairs(
    scores: Mapping[Cell, Any], first: str, second: str, budget: str, part: str
) -> list[tuple[str, float]]:
    """Return the set and the difference of each pair."""
    found = []
    for cell, score in scores.items():
        if cell.method == first and cell.budget == budget and part in score:
            length = {"minutes": cell.minutes, "steps": cell.steps}
            other = scores.get(Cell.of(cell.set, second, cell.seed, length, cell.held_out))
            if other is not None:
                found.append((cell.set, score[part]["psnr"] - other[part]["psnr"]))
    return found


def _difference(values: Sequence[float]) -> dict[str, Any]:
    mean, error = mean_and_standard_error(values)
    return {"difference_db": mean, "standard_error_db": error, "pairs": len(values)}


def table_row(row: Mapping[str, Any], held_out: bool) -> dict[str, str]:
    """Return a row of the printed table of differences."""
    error = row["standard_error_db"]
    line = {"": f"{row['method']} − {row['minus']}", "budget": row["budget"]}
    if held_out:
        line["frames"] = row["part"]
    line["difference (dB)"] = f"{row['difference_db']:+.2f}" + (
        "" if math.isnan(error) else f" ± {error:.2f}"
    )
    line["pairs"] = str(row["pairs"])
    line["above on"] = f"{row['sets_above']} of {row['sets']} sets"
    reference = row["reference_db"]
    return {**line, "reference (dB)": "" if math.isnan(reference) else f"{reference:+.2f}"}
