"""Sound inputs of every reader, changed at random: each ends in a result or in one sentence, in bounded time and memory.

``change`` makes a damaged file of a sound one, ``readers`` has the sound ones and how each is read, ``outcome`` tries
one. ``python -m benchmarks.fuzz`` runs many, and ``tests/test_fuzz.py`` some of them, and those that were once a fault.
"""
