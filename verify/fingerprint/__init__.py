"""Fingerprints of checkpoints: small, publishable, and the only input of the tests."""

from ..base.callable_module import make_callable
from ..base.lazy import lazily

with lazily(__name__):
    from .anchors import ANCHORS, LEAST_ANCHORS, Pairing, known_tokens, shared_anchors
    from .build import fingerprint
    from .copies import may_be_copies, with_file_digests
    from .cut import on_anchors, on_shared_anchors, reduced
    from .file import check_target, is_fingerprint, may_be_fingerprint, record_text
    from .layout import (
        COMPONENTS,
        SAMPLED,
        STATE,
        ArraySpec,
        Axis,
        Bundle,
        Component,
        bundles,
        components,
        gains_name,
        kept_channels,
        kept_dimensions,
        kept_latent,
        kept_plain,
        kept_planes,
        key_size,
        mlp_roles,
        specs,
        table,
        turned_heads,
    )
    from .record import DeadCount, Fingerprint, FingerprintRecord, Notes, PartRecord, ReadFrom, Signed, StrangeTensor
    from .rows import plain_channels, planes
    from .same import check_same, difference, identical, nothing_differs, same_weights, stated_weights
    from .sketch import EFFORTS, Effort, SketchSpec, chosen_indices, projection, unit_rows
    from .unused import in_frozen_order, keys_of_names

__all__ = [
    "ANCHORS",
    "COMPONENTS",
    "EFFORTS",
    "LEAST_ANCHORS",
    "SAMPLED",
    "STATE",
    "ArraySpec",
    "Axis",
    "Bundle",
    "Component",
    "DeadCount",
    "Effort",
    "Fingerprint",
    "FingerprintRecord",
    "Notes",
    "Pairing",
    "PartRecord",
    "ReadFrom",
    "Signed",
    "SketchSpec",
    "StrangeTensor",
    "bundles",
    "check_same",
    "check_target",
    "chosen_indices",
    "components",
    "difference",
    "fingerprint",
    "gains_name",
    "identical",
    "in_frozen_order",
    "is_fingerprint",
    "kept_channels",
    "kept_dimensions",
    "kept_latent",
    "kept_plain",
    "kept_planes",
    "key_size",
    "keys_of_names",
    "known_tokens",
    "may_be_copies",
    "may_be_fingerprint",
    "mlp_roles",
    "nothing_differs",
    "on_anchors",
    "on_shared_anchors",
    "plain_channels",
    "planes",
    "projection",
    "record_text",
    "reduced",
    "same_weights",
    "shared_anchors",
    "specs",
    "stated_weights",
    "table",
    "turned_heads",
    "unit_rows",
    "with_file_digests",
]

make_callable(__name__)
