"""What routing reads: the rows of a router, less what all of them have in common.

Softmax is blind to a vector added to all rows of a router. So rows are centred over the experts; sums over experts
are of sorted numbers, so that they do not depend on the order of the experts to the last bit. Centring is linear and
treats all rows alike: permuting the experts permutes the centred rows. Biases and scales of single experts move
along with their rows, and are not read.
"""

from __future__ import annotations

import numpy as np

from ..checkpoint import Checkpoint
from .layout import router_specs
from .responses import Tokens, centred, less_common
from .scan import Scan
from .sketch import SketchSpec, projection, unit_rows
from .units import Arrays


def router_rows(scan: Scan, checkpoint: Checkpoint, layer: int, sketch: SketchSpec, tokens: Tokens) -> Arrays:
    """Arrays ``routers.{layer}.weights`` and ``.responses``; none in a layer without a router.

    Parameters
    ----------
    scan : reads and digests rows.
    checkpoint : the model.
    layer : number of the layer, from 0.
    sketch : sizes, as of this effort.
    tokens : the anchors as the model sees them.
    """
    shape = checkpoint.architecture
    wanted = {spec.part: spec.name for spec in router_specs(shape, sketch, len(tokens.embedding), layer)}
    if not wanted or not checkpoint.has("router", layer):
        return {}
    rows = less_common(scan.rows("router", layer, np.arange(shape.experts)))
    return {
        wanted["weights"]: unit_rows(rows @ projection(shape.width, sketch.projections)),
        wanted["responses"]: unit_rows(centred(rows @ tokens.reading("mlp", layer))),
    }
