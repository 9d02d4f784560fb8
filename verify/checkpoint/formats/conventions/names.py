"""Names by which the stored parts of quantised matrices are told."""

from __future__ import annotations

STATE = "weight.quant_state.bitsandbytes__"
"""Prefix of the name of the state of bitsandbytes."""
SCALES = {"weight_scale", "weight_scale_inv"}
"""Names of scales."""
HQQ_PARTS = (
    *("scale", "zero", "shape", "nbits", "group_size", "axis", "packing", "unpack_view_dtype", "view_as_float"),
    *("quant_scale", "quant_zero", "compute_dtype", "offload_meta", "encoded_state_dict", "stores_quant_config"),
    *("channel_wise", "optimize", "round_zero"),
)
"""Names of what lies beside the ``W_q`` of HQQ."""
VPTQ_PARTS = (
    *("centroids.weight", "res_centroids.weight", "outlier_centroids.weight", "outlier_indices", "perm"),
    *("weight_scale", "weight_bias"),
)
"""Names of what lies beside the ``indices`` of VPTQ."""
MARLIN_PARTS = ("s", "workspace")
"""Names of what lies beside the ``B`` of Marlin; the second is room that the kernel works in."""
