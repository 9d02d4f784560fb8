"""Stands for the ``safetensors`` package in a browser, for which its compiled part is not published.

The same bytes in and out, and the same refusals: tests/test_checker.py compares them with the package's.
"""


class SafetensorError(Exception):
    """A file is not what the format demands."""
