"""Figures as PNG or SVG, by matplotlib: the extra ``plots``; nothing else of the room needs it.

Colours are of Okabe and Ito's palette and of cividis, which colour-blind readers tell apart; what a colour
says, a shape or a line style says too. The same data draw the same bytes.
"""

import io
import math
from collections.abc import Callable, Sequence
from importlib import import_module
from itertools import pairwise
from textwrap import wrap
from typing import Any, Final, Literal

from evolution.errors import InvalidInput, NotInstalled
from evolution.figures.frontier import NANO, FrontierFigure, FrontierPoint
from evolution.figures.spend import SpendFigure
from evolution.figures.tree import TreeFigure
from evolution.records import Operator

Format = Literal["png", "svg"]
Page = Any
"""A ``matplotlib.figure.Figure``: its types are unknown in parts, and it need not be installed."""
AnyFigure = FrontierFigure | TreeFigure | SpendFigure

BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#8A8A8A"
LABELS_MAX: Final = 12
"""So many agents are named in a picture; more would hide each other."""
TREE_LABELS_MAX: Final = 10
PIXELS_PER_INCH: Final = 150
NAME_LENGTH: Final = 24
NAME_BEGIN: Final = 8
NAME_END: Final = 14
MIXTURES: Final = 40
LETTERS_PER_INCH: Final = 9
POINT_PIXELS: Final = 3.0
POINTS_MAX: Final = 3_000
SIDES: Final = (
    ((6, 4), "left"),
    ((6, -10), "left"),
    ((-6, 4), "right"),
    ((-6, -10), "right"),
    ((0, 7), "center"),
    ((0, -13), "center"),
)
"""Where a name may stand beside its point, the best first; in printer's points."""
DECADES_FOR_LOG: Final = 20.0
"""Costs that differ by more than this factor are drawn on a logarithmic axis."""
_STYLE: Final[dict[str, Any]] = {
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "svg.hashsalt": "costgraph",
    "svg.fonttype": "none",
    "figure.facecolor": "white",
}


def draw(figure: AnyFigure, image: Format = "png") -> bytes:
    """The picture's bytes. Raises ``NotInstalled`` without matplotlib, ``InvalidInput`` without an agent."""
    if image not in {"png", "svg"}:
        raise InvalidInput(f"format {image!r} is none of png, svg", field="format")
    try:
        mpl: Any = import_module("matplotlib")
        make_page: Any = import_module("matplotlib.figure").Figure
    except ImportError:
        raise NotInstalled(
            "drawing needs matplotlib: pip install 'costgraph[plots]' (the figure's data need nothing)"
        ) from None
    with mpl.rc_context({**mpl.rcParamsDefault, **_STYLE, "backend": "agg"}):
        page: Page = make_page(layout="constrained")
        match figure:
            case FrontierFigure():
                _frontier(page, figure)
            case TreeFigure():
                _tree(page, figure)
            case SpendFigure():
                _spend(page, figure)
        out = io.BytesIO()
        # Without a date the same figure is the same file.
        plain = {"Date": None} if image == "svg" else {}
        page.savefig(out, format=image, dpi=PIXELS_PER_INCH, metadata=plain)
    return out.getvalue()


def _frontier(page: Page, figure: FrontierFigure) -> None:
    if not figure.points and not figure.unplaced:
        raise InvalidInput("there is no agent to draw", field="points")
    page.set_size_inches(8.0, 5.2)
    axes: Any = page.subplots()
    unknown = [each for each in figure.unplaced if each.effectiveness is not None]
    costs = [each.mean_cost for each in figure.points]
    wide = len(costs) > 1 and min(costs) > 0 and max(costs) / min(costs) > DECADES_FOR_LOG
    if wide:
        axes.set_xscale("log")
    few = len(figure.points) <= 40  # noqa: PLR2004 - more error bars hide the points
    others = [each for each in figure.points if not each.on_frontier]
    for group, colour, marker, size, name in (
        (others, GREY, "o", 22, "dominated"),
        ([each for each in figure.frontier if not each.on_hull], BLUE, "s", 38, "frontier"),
        (list(figure.hull), RED, "D", 42, "frontier and hull: no mixture is better"),
    ):
        _bars(axes, [each for each in group if few or each.on_frontier], colour)
        if group:
            axes.scatter(
                [each.mean_cost for each in group],
                [each.effectiveness for each in group],
                s=size,
                c=colour,
                marker=marker,
                alpha=0.55 if colour == GREY else 1.0,
                linewidths=0.6,
                edgecolors="white",
                zorder=3,
                label=f"{name} ({len(group)})",
            )
    if front := figure.frontier:
        right = max(costs)
        xs, ys = [each.mean_cost for each in front], [each.effectiveness for each in front]
        axes.step([*xs, right], [*ys, ys[-1]], where="post", color=BLUE, linewidth=1.1, zorder=2)
        mixed = _mixtures(figure.hull)
        axes.plot(
            [cost for cost, _ in mixed],
            [effective for _, effective in mixed],
            color=RED,
            linestyle=(0, (4, 2)),
            linewidth=1.1,
            zorder=2,
        )
    if unknown:
        _rug(axes, [each.effectiveness or 0.0 for each in unknown], len(unknown))
    axes.set_xlabel(f"mean cost per evaluation ({figure.currency}{', log scale' if wide else ''})")
    axes.set_ylabel("effectiveness (mean score, 0 to 1)")
    _title(page, axes, figure.title or "Cost and effectiveness")
    if figure.points:
        axes.legend(loc="best", fontsize=8)
    _names(
        page,
        axes,
        [(each.mean_cost, each.effectiveness, each.agent_id) for each in _named(figure)],
        [(each.mean_cost, each.effectiveness) for each in figure.points],
    )


def _mixtures(corners: Sequence[FrontierPoint]) -> list[tuple[float, float]]:
    """What it costs and gives to send parts of the work to two neighbours; curved where cost is log."""
    return [
        (
            left.mean_cost + part * (right.mean_cost - left.mean_cost),
            left.effectiveness + part * (right.effectiveness - left.effectiveness),
        )
        for left, right in pairwise(corners)
        for part in (step / MIXTURES for step in range(MIXTURES + 1))
    ]


def _title(page: Page, axes: Any, title: str, note: str = "") -> None:
    """A title that fits, and beneath it a note."""
    width = int(page.get_size_inches()[0] * LETTERS_PER_INCH)
    lines = wrap(title, width) or [""]
    axes.set_title("\n".join([*lines, *([note] if note else [])]))


def _named(figure: FrontierFigure) -> Sequence[FrontierPoint]:
    """The hull's corners first, then the rest of the frontier, as many as can be read."""
    ranked = [*figure.hull, *(each for each in figure.frontier if not each.on_hull)]
    return ranked[:LABELS_MAX]


def _bars(axes: Any, group: Sequence[FrontierPoint], colour: str) -> None:
    known = [(each, each.low, each.high) for each in group if each.low is not None and each.high is not None]
    if known:
        axes.errorbar(
            [each.mean_cost for each, _, _ in known],
            [each.effectiveness for each, _, _ in known],
            yerr=[
                [max(each.effectiveness - low, 0.0) for each, low, _ in known],
                [max(high - each.effectiveness, 0.0) for each, _, high in known],
            ],
            fmt="none",
            ecolor=colour,
            elinewidth=0.8,
            alpha=0.35,
            zorder=1,
        )


def _rug(axes: Any, values: Sequence[float], count: int) -> None:
    """Agents of unknown cost in a strip of their own beside the cost axis: they have no place on it."""
    strip: Any = axes.inset_axes([1.02, 0.0, 0.06, 1.0], sharey=axes)
    strip.scatter([0.5] * len(values), values, marker="x", s=26, c=ORANGE, linewidths=1.2, clip_on=False)
    strip.set_xlim(0, 1)
    strip.set_xticks([])
    strip.tick_params(labelleft=False, left=False)
    strip.set_facecolor("#F5F5F5")
    strip.spines["left"].set_visible(False)
    strip.spines["bottom"].set_visible(False)
    strip.grid(visible=False)
    strip.set_xlabel(f"cost\nunknown\n({count})", fontsize=8, color="#7A5200")


def _tree(page: Page, figure: TreeFigure) -> None:
    if not figure.nodes:
        raise InvalidInput("there is no agent to draw", field="nodes")
    generations = {node.generation for node in figure.nodes}
    page.set_size_inches(
        min(max(6.5, 1.0 * (max(generations) - min(generations) + 1) + 2.5), 16.0),
        min(max(4.0, 0.11 * figure.rows + 1.5), 24.0),
    )
    axes: Any = page.subplots()
    size = 46 if figure.rows <= 40 else 26 if figure.rows <= 150 else 12  # noqa: PLR2004 - legible at each
    for edge in figure.edges:
        parent, child = figure.nodes[edge.parent], figure.nodes[edge.child]
        dashed = not edge.first
        axes.plot(
            [parent.column, child.column],
            [parent.row, child.row],
            color=BLUE if dashed else "#B5B5B5",
            linestyle=":" if child.operator is Operator.MIGRANT else "--" if dashed else "-",
            linewidth=0.9,
            zorder=1,
        )
    known = [node for node in figure.nodes if node.value is not None]
    for marker, chosen in (("o", False), ("v", True)):
        group = [node for node in known if node.failed is chosen]
        if group:
            dots = axes.scatter(
                [node.column for node in group],
                [node.row for node in group],
                c=[node.value for node in group],
                cmap="cividis",
                vmin=0.0,
                vmax=1.0,
                s=size,
                marker=marker,
                edgecolors="#333333",
                linewidths=0.5,
                zorder=3,
                label="no success" if chosen else None,
            )
            if not chosen or len(group) == len(known):
                bar: Any = page.colorbar(dots, ax=axes, shrink=min(1.0, 4.0 / page.get_size_inches()[1]))
                bar.set_label(f"{figure.value_name} (0 to 1)")
    if unknown := [node for node in figure.nodes if node.value is None]:
        axes.scatter(
            [node.column for node in unknown],
            [node.row for node in unknown],
            s=size,
            marker="D",
            facecolors="white",
            edgecolors=ORANGE,
            linewidths=1.1,
            zorder=3,
            label=f"{figure.value_name} unknown ({len(unknown)})",
        )
    _tree_axes(page, axes, figure)
    best = sorted(known, key=lambda node: (-(node.value or 0.0), node.agent_id))[:TREE_LABELS_MAX]
    _names(
        page,
        axes,
        [(node.column, node.row, node.agent_id) for node in best],
        [(node.column, node.row) for node in figure.nodes],
    )


def _tree_axes(page: Page, axes: Any, figure: TreeFigure) -> None:
    make_line: Any = import_module("matplotlib.lines").Line2D
    handles, names = axes.get_legend_handles_labels()
    for style, colour, name, there in (
        ("--", BLUE, "further parent", any(not edge.first for edge in figure.edges)),
        (":", "#B5B5B5", "migrant", any(node.operator is Operator.MIGRANT for node in figure.nodes)),
    ):
        if there:
            handles.append(make_line([], [], color=colour, linestyle=style, linewidth=0.9))
            names.append(name)
    if handles:
        page.legend(handles, names, loc="outside lower left", ncols=4, fontsize=8)
    axes.xaxis.set_major_locator(import_module("matplotlib.ticker").MaxNLocator(integer=True))
    axes.set_ylim(figure.rows - 0.3, -0.7)
    axes.set_yticks([])
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    missing = f", {figure.dangling} parents not in the archive" if figure.dangling else ""
    axes.set_xlabel("generation")
    axes.set_ylabel(f"{len(figure.nodes)} agents{missing}")
    _title(page, axes, figure.title or f"Lineage by {figure.value_name}")


def _spend(page: Page, figure: SpendFigure) -> None:
    if not figure.generations:
        raise InvalidInput("there is no generation to draw", field="generations")
    page.set_size_inches(min(max(6.5, 0.45 * len(figure.generations) + 3.0), 16.0), 5.4)
    axes, running = page.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    places = list(range(len(figure.generations)))
    bottom = [0.0] * len(places)
    parts: tuple[tuple[str, str, str, Callable[[Any], int]], ...] = (
        ("building", BLUE, "", lambda each: each.build_nano),
        ("evaluating", ORANGE, "//", lambda each: each.evaluate_nano),
        ("serving", GREEN, "..", lambda each: each.serve_nano),
    )
    for name, colour, hatch, of in parts:
        heights = [of(each) / NANO for each in figure.generations]
        if any(heights):
            axes.bar(places, heights, 0.75, bottom, color=colour, hatch=hatch, edgecolor="white", label=name)
            bottom = [low + height for low, height in zip(bottom, heights, strict=True)]
    top = max(bottom) or 1.0
    for place, each in enumerate(figure.generations):
        if each.unknown:
            text = f"+{each.unknown}\nunknown"
            axes.annotate(
                text,
                (place, bottom[place]),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                fontsize=7,
                color="#7A5200",
            )
    axes.set_ylim(0, top * 1.18)
    axes.set_ylabel(f"spent per generation ({figure.currency})")
    total = [math.fsum(bottom[: i + 1]) for i in places]
    running.plot(places, total, color="#333333", marker="o", markersize=3.5, drawstyle="steps-post")
    running.set_ylim(0, (total[-1] or 1.0) * 1.1)
    running.set_ylabel(f"in all ({figure.currency})")
    running.set_xlabel("generation")
    words = ["outside" if each.generation is None else str(each.generation) for each in figure.generations]
    if len(words) <= 30:  # noqa: PLR2004 - a word under each bar
        running.set_xticks(places, words)
    else:
        running.xaxis.set_major_locator(import_module("matplotlib.ticker").MaxNLocator(integer=True))
    short = f"{figure.unknown} costs unknown, not counted" if figure.unknown else ""
    _title(page, axes, figure.title or "Spend per generation", short)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="upper left", ncols=3, fontsize=8)


def _names(
    page: Page,
    axes: Any,
    places: Sequence[tuple[float, float, str]],
    points: Sequence[tuple[float, float]],
) -> None:
    """Name points beside them, each where it covers neither a name nor a point; else not at all."""
    make_box: Any = import_module("matplotlib.transforms").Bbox
    page.draw_without_rendering()
    around = POINT_PIXELS
    spots = axes.transData.transform(points[:POINTS_MAX])
    taken: list[Any] = [
        make_box([[x - around, y - around], [x + around, y + around]]) for x, y in spots.tolist()
    ]
    box = axes.get_window_extent()
    for x, y, name in places:
        text = name if len(name) <= NAME_LENGTH else f"{name[:NAME_BEGIN]}…{name[-NAME_END:]}"
        for shift, side in SIDES:
            label: Any = axes.annotate(
                text, (x, y), xytext=shift, textcoords="offset points", ha=side, fontsize=7, zorder=5
            )
            place = label.get_window_extent()
            inside = box.x0 <= place.x0 and place.x1 <= box.x1 and box.y0 <= place.y0 and place.y1 <= box.y1
            if inside and not any(place.overlaps(other) for other in taken):
                # Lines may pass beneath it.
                label.set_bbox({"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 0.5})
                taken.append(place)
                break
            label.remove()
