"""Reasons in words: what a feature's name and value mean to a person."""

from __future__ import annotations

import math
import re
from functools import lru_cache

from dqm.model.verdicts import Reason

LEVELS = {
    "near": "{name} is {how} earlier runs",
    "low": "{name} is {how} earlier runs",
    "high": "{name} is {how} earlier runs",
    "second": "{name} is {how} earlier runs, and so is another quantity",
    "contrast": "{name} stands {how} what the other quantities do",
    "own": "{name} is {how} the rest of its run",
    "local": "{name} stays {how} earlier runs for several lumisections",
    "held": "the whole run is at a new level: {name} is {how} earlier runs",
}
SHAPES = {
    "ks": "{value:.0%} of {name} lies elsewhere than in earlier runs",
    "second": "{value:.0%} of {name} lies elsewhere than in earlier runs, and so does another histogram",
    "emd": "{name} is shifted by {value:.2g} of its width",
    "pull": "a bin of {name} is {value:.1f} σ from earlier runs",
    "chi2": "{name} is a factor {value:.1f} further from the moving mean of earlier runs than chance lets it",
    "dead": "{value:.0%} of the cells of {name} are dead",
    "hot": "{value:.0%} of the cells of {name} are hot",
    "region": "a region of {value:.0%} of {name} is dead",
}
FAMILIES = {"counts": "counts", "rates": "rates", "fractions": "fractions", "values": "other quantities"}
EXTREMES = {
    "near": "{family}: the farthest from earlier runs",
    "low": "{family}: the farthest below earlier runs",
    "high": "{family}: the farthest above earlier runs",
    "second": "{family}: the second farthest from earlier runs",
    "contrast": "{family}: one against all others",
    "own": "{family}: the farthest from the rest of its run",
    "local": "{family}: away from earlier runs for several lumisections",
    "run": "{family}: the whole run from earlier runs",
    "held": "{family}: the whole run at a new level",
    "missing": "{family}: one is missing",
}
"""What the features say that are extremes over the quantities of a family."""
SHAPE_EXTREMES = {
    "ks": "shapes: the largest share that lies elsewhere",
    "second": "shapes: the second largest share that lies elsewhere",
    "emd": "shapes: the largest shift",
    "pull": "shapes: the largest pull of a bin",
    "chi2": "shapes: the farthest from the moving mean",
    "dead": "maps: the largest share of dead cells",
    "hot": "maps: the largest share of hot cells",
    "region": "maps: the largest dead region",
}
SINGLE = {
    "z": "{name}, beside earlier runs",
    "own": "{name}, beside the rest of its run",
    "local": "{name}, for several lumisections",
    "log_ratio": "{name}, log of the ratio to earlier runs",
    "poisson": "{name}, beside earlier runs by counting",
    "share": "{name}, its share of all",
    "missing": "{name} is missing",
    "shape": "{name}, beside earlier runs",
}
"""The same of one quantity."""
COURSES = {
    "level": "{name} itself",
    "past": "{name}, beside earlier runs",
    "own": "{name}, beside the median of its run",
    "before": "{name}, beside the lumisection before",
    "after": "{name}, beside the lumisection after",
    "local": "{name}, beside its neighbours",
}
OTHERS = {
    "flags.down": "a status bit is down",
    "flags.near": "status bits down nearby",
    "position.from_start": "lumisections since the begin of the run",
    "position.to_end": "lumisections to the end of the run",
    "position.gap": "lumisections missing right before",
}
HISTOGRAM = {"entries": "number of entries", "std": "width", "filled": "filled share"}
"""What a person calls a number of a histogram, where its column is called otherwise."""
BIN = re.compile(r"(.+):bin(\d+(?:,\d+)?)")
COURSE = {
    "level": "{name} is unusual at this level",
    "past": "{name} is {times} off what earlier runs had",
    "own": "{name} is {times} off the median of its run",
    "before": "{name} is {times} off the lumisection before",
    "after": "{name} is {times} off the lumisection after",
    "local": "{name} is {times} off its neighbours",
}
DETECTORS = {
    "probability": "{name} gives it {value:.0%} to be bad",
    "unusual": "{name} finds it more unusual than all but {value:.2%} of good lumisections",
}
POSITION = {
    "from_start": "so near to the beginning of the run",
    "to_end": "so near to the end of the run",
    "gap": "lumisections are missing right before",
}


def in_words(reason: Reason, *, measured: bool = True) -> str:
    """One reason as a clause that a shifter can read; a feature that is not ours is named as it is.

    Without ``measured`` the size of the deviation is left out, so that equal reasons read alike.

    >>> in_words(Reason("counts.own: muons_segments.own", "muons", -3.58, 2.7))
    'muons_segments is 3.6 σ below the rest of its run'
    """
    if found := BIN.fullmatch(reason.feature):
        return (
            f"the shape of {found[1]} is unusual, most of all in bin {found[2]}"
            if measured
            else f"{found[1]} has another shape"
        )
    feature, _, detail = reason.feature.partition(": ")
    group, _, view = feature.partition(".")
    name = _named((detail or feature).rpartition(".")[0])
    if group == "beyond":
        what = described(detail)
        size = f"{reason.value:.2g}" if reason.value < 10 else f"{reason.value:.0f}"
        far = f"{size} times as far out as" if measured else "farther out than"
        return f"{what}{',' * (', ' in what)} is {far} good lumisections of past runs ever were"
    if group == "limit" and view.endswith(".missing"):
        return f"the limit on {view.removesuffix('.missing')} cannot be checked"
    if group == "limit":
        return f"beyond the limit on {view}" + (f" ({detail})" if detail else "")
    if view == "missing":
        return f"{name if detail else 'a quantity'} is missing"
    if group in ("counts", "rates", "fractions", "values") and view in LEVELS and math.isfinite(reason.value):
        side = "below" if reason.value < 0 else "above"
        how = f"{abs(reason.value):.1f} σ {side}" if measured else "away from"
        return LEVELS[view].format(name=name, how=how)
    if group == "shapes" and view in SHAPES and detail and math.isfinite(reason.value):
        element = detail.removesuffix(".shape").rpartition(":")[0]
        return SHAPES[view].format(name=element, value=reason.value) if measured else f"{element} has another shape"
    if group == "course":
        name, _, view = view.rpartition(".")
        if view in COURSE and math.isfinite(reason.value):
            factor = f"a factor {math.exp(min(abs(reason.value), 50.0)):.2g}"
            return COURSE[view].format(name=name, times=factor if measured else "far")
    if group == "flags":
        return f"{name} is down" if detail and reason.value == 1 else "a status flag is down nearby"
    if group == "detector" and view in DETECTORS and math.isfinite(reason.value):
        return DETECTORS[view].format(name=detail, value=reason.value) if measured else f"{detail} finds it unusual"
    if group == "position" and view in POSITION:
        return POSITION[view]
    return f"{reason.feature} = {reason.value:.4g}" if measured else reason.feature


def described(feature: str) -> str:
    """What a feature is, whatever its value; one that is not ours is named as it is.

    >>> described("counts.near"), described("course.muon_hits.past"), described("ecal/charge:bin7")
    ('counts: the farthest from earlier runs', 'muon_hits, beside earlier runs', 'ecal/charge, bin 7')
    """
    if found := BIN.fullmatch(feature):
        return f"{found[1]}, bin {found[2]}"
    head, _, detail = feature.partition(": ")
    group, _, view = head.partition(".")
    if group == "beyond" and detail:
        return described(detail)
    if detail and group != "limit":
        name, _, view = detail.rpartition(".")
        return SINGLE[view].format(name=_named(name)) if view in SINGLE else detail
    if group == "limit":
        return f"the limit on {view}"
    if group in FAMILIES and view in EXTREMES:
        return EXTREMES[view].format(family=FAMILIES[group])
    if group == "shapes" and view in SHAPE_EXTREMES:
        return SHAPE_EXTREMES[view]
    if feature in OTHERS:
        return OTHERS[feature]
    name, _, last = (view if group == "course" else feature).rpartition(".")
    words = COURSES if group == "course" else SINGLE
    return words[last].format(name=_named(name)) if name and last in words else _named(feature)


@lru_cache(1 << 16)
def subject(feature: str) -> str:
    """The quantity or monitor element that a feature is about, as ``Reason.feature`` names it; else its family.

    >>> subject("counts.high: strips/time:entries.z"), subject("course.muon_hits.past"), subject("position.gap")
    ('strips/time', 'muon_hits', 'position')
    >>> subject("limit.lost: the manual")
    'lost'
    """
    if found := BIN.fullmatch(feature):
        return found[1]
    head, _, detail = feature.partition(": ")
    if head.startswith("limit."):
        return head.removeprefix("limit.").removesuffix(".missing")
    name = (detail or head).rpartition(".")[0] or detail or head
    if not detail or name.startswith("course."):
        return name.removeprefix("course.")
    return name.rpartition(":")[0] or name


def _named(name: str) -> str:
    """What a person calls a quantity; those of histograms are named by what they are of."""
    element, _, what = name.rpartition(":")
    if not element:
        return name
    if what.startswith("p") and what[1:].replace(".", "").isdigit():
        return "the median of " + element if what == "p50" else f"the {what[1:]}% percentile of {element}"
    return f"the {HISTOGRAM.get(what, what)} of {element}"
