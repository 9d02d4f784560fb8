"""Models of known lineage, trained from scratch: the ground truth of this project.

``python -m benchmarks.zoo`` trains, derives and evades everything in
``models.toml`` and writes one Hugging Face style folder per model.
"""
