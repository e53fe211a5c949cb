"""A contestant that tells what its process was held to."""

import os

from fakes import Honest


class ThreadsTold(Honest):
    """Tells settings and cores."""

    def facts(self):
        names = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "XPNET_NUM_THREADS")
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
        return {"settings": {name: os.environ[name] for name in names}, "cores": cores}
