"""Tests in a real browser, outside the default run; each tells how to run it."""
