"""Components and models that every test with a symmetry null is tried on."""

from tests.strategies import architecture, random_arrays
from verify import Fingerprint


def with_rows(model: Fingerprint, change) -> Fingerprint:
    """The same model with each array replaced by ``change(name, array)``; same architecture."""
    return Fingerprint(model.record, {name: change(name, array.copy()) for name, array in model.arrays.items()})


def with_shared_blocks(rng):
    """All layers and heads are copies of the first: one arrangement, not several."""
    arrays = random_arrays(rng, architecture())
    for name, x in arrays.items():
        component, *rest = name.split(".")
        if component not in ("stream", "unused"):
            first = arrays[".".join([component, "0", *rest[1:]])]
            x[:] = first if component == "units" or "mlp" in name else first[:1]
    return arrays
