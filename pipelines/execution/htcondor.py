"""Workers as jobs of HTCondor, through dask-jobqueue: what they are asked for, and the job as it is submitted.

Memory, disk and further directives come from Dask's own configuration (``jobqueue.htcondor`` in ``jobqueue.yaml``).
"""

from __future__ import annotations

import shutil
import sys
from typing import Any

from dqm.model.errors import ConfigError

STATUS_PAGE = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}
"""Dask's own page is off; what is left of its web server takes a free port of this machine, seen from nowhere else."""
SUBMIT = "condor_submit"
DEFAULTS = {"memory": "3 GB", "disk": "1 GB"}
"""What one worker of one core asks for where ``jobqueue.yaml`` says nothing."""
ONE_THREAD = "export OMP_NUM_THREADS=1"
"""Every worker computes with one thread, as elsewhere, so that all give equal bits."""


def job_script(scheduler: str, python: str = sys.executable) -> str:
    """One job as ``condor_submit`` gets it, for workers of the Dask scheduler at an address."""
    wanted = _asked()
    from dask_jobqueue import htcondor

    job: Any = htcondor.HTCondorJob  # the package is not annotated
    return str(job(scheduler, name="lumicert", python=python, **wanted).job_script())


def cluster() -> Any:
    """A Dask scheduler in this process that starts its workers as jobs; none yet.

    Raises ``ConfigError`` where dask-jobqueue or HTCondor is not there: its jobs would be waited for for ever.
    """
    wanted = _asked()
    if shutil.which(SUBMIT) is None:
        raise ConfigError(f"there is no {SUBMIT} here; log in where HTCondor takes jobs, or choose another --scheduler")
    from dask_jobqueue import htcondor

    made: Any = htcondor.HTCondorCluster
    return made(scheduler_options={**STATUS_PAGE, **_options()}, **wanted)


def _options() -> dict[str, Any]:
    """What ``jobqueue.yaml`` says of the scheduler, which may open that page."""
    from dask import config

    return dict(config.get("jobqueue.htcondor.scheduler-options", None) or {})


def _asked() -> dict[str, Any]:
    """What every job asks for; raises ``ConfigError`` where dask-jobqueue is not installed."""
    try:
        import dask_jobqueue  # noqa: F401  (its defaults enter Dask's configuration)
        from dask import config
    except ImportError:
        raise ConfigError("dask-jobqueue is not installed; install it with: pip install 'lumicert[dask]'") from None
    wanted = {name: config.get(f"jobqueue.htcondor.{name}", None) or each for name, each in DEFAULTS.items()}
    before = [ONE_THREAD, *(config.get("jobqueue.htcondor.job-script-prologue", None) or [])]
    return {"cores": 1, "processes": 1, "job_script_prologue": before, **wanted}
