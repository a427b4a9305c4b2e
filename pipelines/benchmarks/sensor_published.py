"""Published figures that stand beside ours, with where they stand."""

from __future__ import annotations

from dataclasses import dataclass

SKAB = "SKAB v0.9, README, leaderboard on test rows"
NAB = "NAB v1.1, results/final_results.json"


@dataclass(frozen=True)
class Published:
    """A published row: ``metrics`` by name, in the units of ours, and its ``source``."""

    set: str
    method: str
    metrics: dict[str, float]
    source: str


def _skab() -> list[Published]:
    rows = {
        "Conv-AE": (0.78, 13.55, 28.02),
        "MSET": (0.78, 39.73, 14.13),
        "T-squared+Q (PCA-based)": (0.76, 26.62, 24.92),
        "LSTM-AE": (0.74, 29.96, 25.92),
        "T-squared": (0.66, 19.21, 42.60),
        "LSTM-VAE": (0.56, 9.13, 55.03),
        "Vanilla LSTM": (0.54, 12.54, 59.53),
        "Vanilla AE": (0.39, 2.59, 75.15),
        "MSCRED": (0.36, 49.94, 69.88),
        "Isolation forest": (0.29, 2.56, 82.89),
    }
    changes = {
        "MSCRED": 32.42,
        "Isolation forest": 26.16,
        "T-squared+Q (PCA-based)": 25.35,
        "Conv-AE": 23.61,
        "LSTM-AE": 23.51,
        "T-squared": 19.54,
        "MSET": 13.84,
        "Vanilla AE": 11.41,
        "Vanilla LSTM": 11.31,
    }
    found = []
    for method, (f1, far, mar) in rows.items():
        metrics = {"f1": f1, "far": far, "mar": mar}
        if method in changes:
            metrics["nab_standard"] = changes[method]
        found.append(Published("skab", method, metrics, SKAB))
    return found


def _nab() -> list[Published]:
    rows = {
        "ARTime": 74.85,
        "numenta": 70.10,
        "contextOSE": 69.90,
        "htmjava": 65.55,
        "numentaTM": 64.55,
        "earthgeckoSkyline": 58.20,
        "knncad": 57.99,
        "relativeEntropy": 54.64,
        "randomCutForest": 51.72,
        "twitterADVec": 47.06,
        "windowedGaussian": 39.65,
        "skyline": 35.69,
        "random": 16.83,
        "expose": 16.44,
    }
    return [Published("nab", method, {"nab_standard": value}, NAB) for method, value in rows.items()]


PUBLISHED = (*_skab(), *_nab())
