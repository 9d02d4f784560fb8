"""The shares by layer of a report of shares: a strip for each candidate, an interval for each layer of the child."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from ..shares.record import CandidateShare, Estimate, LayerShare, ShareReport
from .drawing import PHONE, Dots, Drawing, Line, Shape, Text, box, moved
from .escape import NAME, spelled

_MOST = 6  # candidates drawn
_LEFT, _RIGHT = 30.0, 8.0
_STRIP, _PITCH, _TOP = 90.0, 140.0, 22.0
_EDGES = -0.5, 1.5  # beyond which intervals are cut


def layer_shares(report: ShareReport) -> Drawing | None:
    """The drawing; None where no layer of any candidate has a share of its own."""
    found = [(n, one) for n, one in enumerate(report.candidates) if _drawn(one)]
    shown = found[:_MOST]
    if not shown:
        return None
    least = min(0.0, *(low for _, one in shown for low, _ in map(_cut, _drawn(one))))
    most = max(1.0, *(high for _, one in shown for _, high in map(_cut, _drawn(one))))
    layers = report.child.architecture.layers
    shapes: list[Shape] = []
    told = []
    for place, (n, one) in enumerate(shown):
        name = f"{report.label(n)}: {spelled(one.model.name, NAME)}"
        shapes += [moved(shape, 0, place * _PITCH) for shape in _strip(name, one, layers, least, most)]
        apart = sum(at.share is not None and at.share.excludes_zero for at in one.layers)
        told.append(f"{name}: {apart} of {len(_drawn(one))} layers exclude 0.")
    height = _TOP + _PITCH * len(shown) - (_PITCH - _STRIP) + 34
    shapes.append(Text((_LEFT, height - 4), "layer of C", "muted"))
    more = f" {len(found) - len(shown)} more candidates are in the table." if len(found) > len(shown) else ""
    caption = (
        "Share of each candidate in each layer of C, beyond the other candidates: a line for the interval, a dot for "
        "what fits best; filled where the interval excludes 0. Dashed: the share of the whole model. All intervals "
        f"of layers hold together with confidence {report.level:.12g}. Those beyond {_EDGES[0]:g} and {_EDGES[1]:g} "
        f"are cut there.{more}"
    )
    return Drawing(
        name="shares",
        title="Share by layer",
        alt=f"{' '.join(told)} The table of layers gives every number.",
        caption=caption,
        width=PHONE,
        height=height,
        shapes=tuple(shapes),
    )


def _drawn(one: CandidateShare) -> list[LayerShare]:
    """The layers with a finite interval."""
    return [at for at in one.layers if at.share is not None and at.share.low is not None]


def _cut(at: LayerShare) -> tuple[float, float]:
    """The ends of an interval, no further out than the edges."""
    assert at.share is not None
    low, high = at.share.interval
    return max(low, _EDGES[0]), min(high, _EDGES[1])


def _strip(name: str, one: CandidateShare, layers: int, least: float, most: float) -> Iterable[Shape]:
    """One candidate, its upper edge at 0."""
    across = (PHONE - _LEFT - _RIGHT) / layers

    def up(value: float) -> float:
        return _TOP + _STRIP * (most - min(max(value, least), most)) / (most - least)

    yield Text((0, 12), name, bold=True)
    yield box(_LEFT, _TOP, PHONE - _LEFT - _RIGHT, _STRIP, "paper")
    for value in (0.0, 1.0):
        yield Line(((_LEFT, up(value)), (PHONE - _RIGHT, up(value))), "ink" if value == 0 else "faint")
        yield Text((_LEFT - 6, up(value) + 4), f"{value:g}", "muted", anchor="end")
    if one.whole is not None and one.whole.estimate is not None:
        at = up(one.whole.estimate)
        yield Line(((_LEFT, at), (PHONE - _RIGHT, at)), "accent", 1.0, dashed=True)
    for at_layer in _drawn(one):
        share, x = at_layer.share, _LEFT + across * (at_layer.layer + 0.5)
        assert share is not None
        low, high = _cut(at_layer)
        yield Line(((x, up(low)), (x, up(high))), "found" if share.excludes_zero else "muted", min(3.0, across / 3))
        yield from _dot(share, x, up, across)
    yield from _ticks(layers, across)


def _dot(share: Estimate, x: float, up: Callable[[float], float], across: float) -> Iterable[Shape]:
    """What fits best, filled where the interval excludes 0."""
    if share.estimate is not None:
        at, radius = (x, up(share.estimate)), min(3.2, max(1.2, across / 3))
        yield Dots((at,), "found" if share.excludes_zero else "muted", radius)
        if not share.excludes_zero:
            yield Dots((at,), "paper", radius * 0.55)


def _ticks(layers: int, across: float) -> Iterable[Shape]:
    """Numbers of layers under a strip, the first and last among them."""
    step = next(step for step in _steps() if layers / step <= 9)
    numbers: Sequence[int] = sorted({*range(0, layers, step), layers - 1})
    if len(numbers) > 2 and numbers[-1] - numbers[-2] < step / 2:
        numbers = [*numbers[:-2], numbers[-1]]
    for number in numbers:
        x = _LEFT + across * (number + 0.5)
        yield Text((x, _TOP + _STRIP + 13), str(number), "muted", anchor="middle")


def _steps() -> Iterator[int]:
    """1, 2, 5, 10 and so on."""
    power = 1
    while True:
        yield from (power, 2 * power, 5 * power)
        power *= 10
