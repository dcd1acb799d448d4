"""A result as a picture: the mean of each group with its standard deviation."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from textwrap import fill, shorten
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from smartmodels.reports.declaring import Measure
from smartmodels.reports.results import ReportResult

__all__ = ["plot"]

# Okabe and Ito's colours, which people with any kind of colour vision can tell apart.
_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C8C8C", "#F0E442")
_BARS_MAX = 60
_LABEL_MAX, _LINE_MAX = 60, 24
_INK, _FAINT = "#222222", "#666666"
_NOTHING = "(none)"


@dataclass(frozen=True, slots=True)
class _Bar:
    category: str
    colour: str
    mean: float
    sd: float
    n: int


def plot(result: ReportResult) -> bytes:
    """Return a PNG: a group of bars per value of the first dimension, a colour per value of the others.

    The same result gives the same bytes.
    """
    measure = result.report.measures[0]
    bars = _bars(result, measure)
    shown = bars[:_BARS_MAX]
    figure = Figure(figsize=(9, max(3.0, 1.6 + 0.34 * len(shown))), dpi=120, layout="constrained")
    canvas: Any = FigureCanvasAgg(figure)
    by = " and ".join(dimension.label.lower() for dimension in result.group_by)
    title = f"{result.report.title} by {by}" if by else result.report.title
    figure.suptitle(title, x=0.01, ha="left", fontsize=13, fontweight="bold", color=_INK)
    axes = figure.add_subplot()
    _draw(axes, shown, measure)
    _legend(axes, result, shown)
    _frame(axes, measure, left_out=len(bars) - len(shown))
    content = BytesIO()
    with warnings.catch_warnings():
        # Scripts that the font lacks are drawn as boxes.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        canvas.print_png(content, metadata={"Software": None})
    return content.getvalue()


def _bars(result: ReportResult, measure: Measure) -> list[_Bar]:
    dimensions = [dimension.name for dimension in result.group_by]
    n, mean, sd, *_ = result.report.columns_of(measure)
    return [
        _Bar(
            category=_text(row[dimensions[0]]) if dimensions else "all",
            colour=" / ".join(_text(row[name]) for name in dimensions[1:]),
            mean=float(row[mean]),
            sd=float(row[sd] or 0),
            n=int(row[n]),
        )
        for row in result.rows()
        if row[mean] is not None
    ]


def _text(value: Any) -> str:
    text = _NOTHING if value in (None, "") else str(value)
    # A dollar sign would begin a formula.
    return shorten(text, _LABEL_MAX, placeholder="...").replace("$", r"\$")


def _colours(bars: Sequence[_Bar]) -> dict[str, str]:
    kinds = sorted({bar.colour for bar in bars})
    return {kind: _COLOURS[number % len(_COLOURS)] for number, kind in enumerate(kinds)}


def _draw(axes: Any, bars: Sequence[_Bar], measure: Measure) -> None:
    """Draw the bars from top to bottom, with a gap between categories."""
    colours = _colours(bars)
    ticks: dict[str, list[float]] = {}
    place = -1.0
    for number, bar in enumerate(bars):
        place += 1.0 if not number or bar.category == bars[number - 1].category else 1.5
        ticks.setdefault(bar.category, []).append(place)
        axes.barh(place, bar.mean, height=0.82, color=colours[bar.colour], zorder=2)
        axes.errorbar(bar.mean, place, xerr=bar.sd, color=_INK, linewidth=1, capsize=2.5, zorder=3)
        places = 0 if abs(bar.mean) >= 100 else 2
        text = f"{bar.mean:,.{places}f} {measure.unit}".rstrip() + f"  (n = {bar.n:,})"
        axes.annotate(
            text, (bar.mean + bar.sd, place), xytext=(6, 0), textcoords="offset points", va="center",
            fontsize=8, color=_FAINT,
        )  # fmt: skip
    middles = [sum(places) / len(places) for places in ticks.values()]
    axes.set_yticks(middles, [fill(category, _LINE_MAX) for category in ticks])
    axes.invert_yaxis()


def _legend(axes: Any, result: ReportResult, bars: Sequence[_Bar]) -> None:
    if len(result.group_by) < 2 or not bars:
        return
    colours = _colours(bars)
    axes.legend(
        [Patch(color=colour) for colour in colours.values()], list(colours), loc="upper left",
        bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=9, borderaxespad=0.2, alignment="left",
        title=" / ".join(dimension.label for dimension in result.group_by[1:]), title_fontsize=9,
    )  # fmt: skip


def _frame(axes: Any, measure: Measure, *, left_out: int) -> None:
    unit = f" ({measure.unit})" if measure.unit else ""
    more = f"; {left_out} more groups are in the table" if left_out else ""
    note = f"{measure.label}{unit}, mean and standard deviation{more}"
    axes.set_xlabel(note, loc="left", fontsize=9, color=_FAINT, labelpad=8)
    if axes.patches:
        # Room for the texts at the ends of the bars.
        axes.margins(x=0.28, y=0.02)
        axes.xaxis.set_major_formatter("{x:,g}")
    else:
        axes.text(0.5, 0.5, "No values", transform=axes.transAxes, ha="center", color=_FAINT)
        axes.set_xticks([])
    axes.tick_params(length=0, labelsize=9, labelcolor=_INK)
    axes.grid(axis="x", color="#E2E2E2", linewidth=0.8, zorder=0)
    axes.spines[:].set_visible(False)
