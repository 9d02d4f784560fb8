"""The library and its peers on the same pairs of models, each by its own command and its own published verdict.

:mod:`.pairs` says which two models are compared and what is true of them, :mod:`.peer` what is asked of a peer, and
a file for each peer how it is called, which of its words mean "related", and where it publishes that. Nothing of a
peer is copied: packages are installed into environments of their own, and the code of others is run where
``--peer NAME=PATH`` says it lies. ``python -m benchmarks.peers`` measures; :mod:`benchmarks.pages.peers` counts.
"""
