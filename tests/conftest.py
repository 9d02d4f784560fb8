"""Machines differ in speed: no test fails for being slow; and what runs beside others keeps to one thread."""

import os

for _library in ("OMP", "OPENBLAS", "MKL"):  # read when numpy loads; threads that wait for small products spin
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

from hypothesis import HealthCheck, settings  # noqa: E402 - it may load numpy

settings.register_profile("verify", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("verify")
