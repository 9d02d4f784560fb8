"""The evasion study: what it costs to hide a relation from the tests, and to forge one.

``python -m benchmarks.evasion`` attacks small models of the zoo in every way listed in ``evasions``, ``trained`` and
``forgeries``, each with growing strength, and measures what the tests then say and what the attack costs in loss on
held-out text.
"""
