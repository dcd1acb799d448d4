"""Interleave two ways of doing the same and compare their medians."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["FIGURES", "Figure", "figure", "ratio"]

Way = Callable[[], object]


@dataclass(frozen=True)
class Figure:
    """One figure: what it is called, what it may be at most, and how to measure it."""

    name: str
    ceiling: float
    measure: Callable[[int], float]


FIGURES: dict[str, Figure] = {}


def figure(name: str, *, ceiling: float) -> Callable[[Callable[[int], float]], Callable[[int], float]]:
    """Register a function of the number of rounds that returns ours / peer."""

    def register(measure: Callable[[int], float]) -> Callable[[int], float]:
        FIGURES[name] = Figure(name, ceiling, measure)
        return measure

    return register


def seconds(way: Way) -> float:
    """Return how long one call takes."""
    began = time.perf_counter()
    way()
    return time.perf_counter() - began


def ratio(ours: Way, peer: Way, *, rounds: int) -> float:
    """Return the median time of ``ours`` over that of ``peer``, taken turn by turn."""
    for way in (ours, peer):
        way()
    pairs = [(seconds(ours), seconds(peer)) for _ in range(rounds)]
    return statistics.median(pair[0] for pair in pairs) / statistics.median(pair[1] for pair in pairs)
