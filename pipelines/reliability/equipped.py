"""What the process that forks the cases holds for all of them: a case begins with its work and not with loading."""

from __future__ import annotations

import gc
from collections.abc import Iterable
from contextlib import suppress
from importlib import import_module

import numpy as np

from detectors.artifacts import load_known
from dqm.store.schema import CHAMPION
from dqm.store.store import Store
from features.stream_statistics import step


def equip(store: Store, modules: Iterable[str]) -> None:
    """Import the ``modules`` that the work needs, and load the model that scores.

    No thread is started by it, which a forked process would lack: of the kernels only a serial one is run, so that
    numba is set up. What is held by then is left out of the collections of garbage in the children, which would copy
    it.
    """
    for each in modules:
        with suppress(ImportError):  # names that only the import system knows
            import_module(each)
    stored = store.pointed(CHAMPION)
    if stored is not None:
        load_known((store.path / stored.folder).absolute(), stored.provenance["manifest"])
    step(np.zeros(2))
    gc.collect()
    gc.freeze()
