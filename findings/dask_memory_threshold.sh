#!/usr/bin/env bash
# Workers that dask starts take the memory of every temporary array of numpy from the system anew.
#
# Packages: distributed 2026.8.0, dask 2026.8.0, numpy 2.4.6; Python 3.11, Linux with glibc.
#
# The guess: the same loop over temporaries of 1 MiB has a fault of a page now and then, here and in a worker: glibc
#   keeps what is freed, and raises its threshold for mapped memory as it sees arrays freed.
# The behaviour: dask starts its workers with MALLOC_TRIM_THRESHOLD_=65536. Set to whatever value, that variable also
#   ends the raising of the other threshold, which stays at 128 KiB, so each larger array is mapped and unmapped by
#   itself: 257 faults for each. With both variables set in the environment, which dask leaves as they are, and both
#   large, there are none.
#
# Output seen:
#   faults for each of 1000 temporaries: here 0, in a worker 257, in a worker with both thresholds set 0
#
# Exits non-zero if this is no longer so. Needs about 200 MB of disk for the packages, which are removed at the end.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check distributed==2026.8.0 dask==2026.8.0 numpy==2.4.6
cat >faults.py <<'PYTHON'
import resource
import sys

import numpy as np
from distributed import Client, LocalCluster

TIMES = 1000


def faults():
    """Page faults for each temporary of 1 MiB, once the first few were freed."""
    x = np.ones(1 << 17)
    for _ in range(3):
        x + x
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(TIMES):
        x + x
    return (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / TIMES


def in_a_worker():
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        return client.submit(faults).result()


if __name__ == "__main__":
    print(round({"here": faults, "worker": in_a_worker}[sys.argv[1]]()))
PYTHON
unset MALLOC_TRIM_THRESHOLD_ MALLOC_MMAP_THRESHOLD_
here=$(env/bin/python faults.py here)
worker=$(env/bin/python faults.py worker 2>>log)
export MALLOC_TRIM_THRESHOLD_=536870912 MALLOC_MMAP_THRESHOLD_=33554432
mended=$(env/bin/python faults.py worker 2>>log)
echo "faults for each of 1000 temporaries: here $here, in a worker $worker, in a worker with both thresholds set $mended"
test "$here" -eq 0
test "$worker" -gt 200
test "$mended" -eq 0
