"""Sound inputs of every reader, changed at random: each ends in a result or one sentence, in bounded time and memory.

``change`` makes a damaged file of a sound one, ``readers`` has the sound ones and how each is read, ``outcome`` tries
one. ``python -m benchmarks.fuzz`` runs many; ``tests/test_fuzz.py`` runs some, and all that were once a fault.
"""
