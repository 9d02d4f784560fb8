"""Timings of the kernels, with pytest-benchmark: ``python -m pytest benchmarks/kernels``."""
