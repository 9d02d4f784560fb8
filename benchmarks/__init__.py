"""Studies too long for the tests, and comparisons with peers; run from the repository root."""
