r"""Signs of turned planes: two fair coins for each plane that quarter turns leave free, one where only half turns do.

Setting. A plane of A and one of B have a complex inner product ``z = sum_k (x_a + i y_a)_k conj((x_b + i y_b)_k)``,
``x`` and ``y`` the two rows of a plane, over any number of coordinates. It gives the two numbers ``u = Re z + Im z``
and ``w = Re z - Im z``; both are positive exactly if ``z`` lies within an eighth of a turn of 0.

Lemma (turns). Under independent quarter turns of the planes of one model, and given the orbit, the signs of the
non-zero numbers are independent fair coins, and how many numbers are not zero is fixed. With half turns alone this
holds for one number a plane, ``Re z``.
Proof. A quarter turn of the plane in A multiplies ``z`` by ``i`` (in B, by ``-i``), which takes ``(u, w)`` to ``(w,
-u)``. Of ``(u, w), (w, -u), (-u, -w), (-w, u)`` the signs are all four pairs once, if neither is zero; if one is, the
other has each sign twice, and if both are, ``z`` is zero always. A half turn negates ``z``. Turns of different planes
are independent. ∎

Differences. A mean that the rows of both models have in common would bias every ``z``. Of two planes p and q, which
are turned together, the product of the differences, ``<a_p - a_q, b_p - b_q>``, is multiplied by ``i`` as well, and
no common mean enters it; it costs half of the numbers.

So Theorem (signs) of ``verify.inference.signs`` holds for all numbers together: the number of positive ones is
binomial(N, 1/2). With ``n`` planes and all numbers positive, p = 4^-n: as little as counting the planes within an
eighth of a turn, which is binomial(n, 1/4), and a plane of which one number is positive still counts for half.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Complex = NDArray[np.complex128]


def turns(products: Complex, *, quarter: bool) -> NDArray[np.float64]:
    """The numbers of planes, in any order: two for each if quarter turns are free, else one.

    Parameters
    ----------
    products : complex inner products of planes of A and of B, any shape; 0 for a plane that is dead in either.
    quarter : whether quarter turns leave both models' functions unchanged, not only half turns.

    Returns
    -------
    array
        float64, shape [2 * planes] or [planes].

    Examples
    --------
    >>> turns(np.array([3 + 1j]), quarter=True)
    array([4., 2.])
    """
    z = products.ravel()
    return np.concatenate([z.real + z.imag, z.real - z.imag]) if quarter else z.real.copy()
