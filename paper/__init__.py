"""The paper: LaTeX whose every measured number and table is generated from ``benchmarks`` and ``examples``."""
