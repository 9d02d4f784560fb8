"""A model folder and its OpenSSF signature; ``python -m tests.oms`` signs it anew, by model-signing.

``model.sig`` was written by ``model_signing sign key`` of model-signing 1.1.1, with all its defaults, in an
environment of its own: that package is not needed to run the tests. The key was thrown away.
"""
