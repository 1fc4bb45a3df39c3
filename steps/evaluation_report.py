"""report.html: evaluation.json for a person who has to approve. One file, no script, nothing loaded from elsewhere.

Every number is taken from evaluation.json and stands in a `<data>` element: `value` is the number there, digit for
digit, and `title` its place in it. Nothing is computed here but the shapes of charts.
"""

from collections.abc import Mapping
from html import escape
from math import ceil
from typing import Any

from charts import Axes, Series, histogram, legend, line_chart
from report_style import STYLE

TILES = (
    ("AUC", "binary_classification_metrics.auc"),
    ("Log loss", "probability_metrics.log_loss"),
    ("Brier score", "probability_metrics.brier"),
    ("Precision", "binary_classification_metrics.precision"),
    ("Recall", "binary_classification_metrics.recall"),
    ("F1", "binary_classification_metrics.f1"),
)
LOWER_IS_BETTER = ("log_loss", "brier")
SLICE_COLUMNS = (("AUC", "auc"), ("Log loss", "log_loss"), ("Brier", "brier"))
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Model evaluation</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>{style}</style></head><body>
{body}
</body></html>
"""


def report(content: Mapping[str, Any]) -> str:
    """The page for `content`, which `evaluation.evaluation` made."""
    gate = content["gate"]
    verdict = "Passes the gate." if gate["passed"] else "Fails the gate."
    drawn = "".join(draw(content) for draw in (_roc, _calibration, _distribution, _confusion))
    sections = [
        "<h1>Model evaluation</h1>",
        _dataset_line(content),
        _champion_line(content),
        f'<p class="gate{"" if gate["passed"] else " failed"}"><b>{verdict}</b> {escape(gate["reason"])}</p>',
        f'<div class="tiles">{"".join(_tile(content, label, path) for label, path in TILES)}</div>',
        f'<div class="charts">{drawn}</div>',
        *(_slice_table(content, name) for name in content["slices"]),
    ]
    return PAGE.format(style=STYLE, body="\n".join(sections))


def _at(content: Any, path: str) -> Any:
    for key in path.split("."):
        content = content[int(key)] if isinstance(content, list) else content[key]
    return content


def _data(content: Mapping[str, Any], path: str, form: str = ".4f") -> str:
    number = _at(content, path)
    return "n/a" if number is None else f'<data value="{number!r}" title="{escape(path)}">{number:{form}}</data>'


def _count(content: Mapping[str, Any], path: str) -> str:
    return _data(content, path, ",")


def _share(content: Mapping[str, Any], path: str) -> str:
    return _data(content, path, ".1%")


def _dataset_line(content: Mapping[str, Any]) -> str:
    return (
        f'<p class="quiet">{_count(content, "dataset.item_count")} flights of {escape(content["dataset"]["months"])}, '
        f"{_share(content, 'dataset.late_share')} of them more than 15 minutes late. "
        f"At or above {_data(content, 'threshold')} the model says late.</p>"
    )


def _champion_line(content: Mapping[str, Any]) -> str:
    if content["champion"] is None:
        return '<p class="quiet">No model is live in production yet, so there is none to compare with.</p>'
    drop = "champion_comparison.auc_drop"
    return (
        f'<p class="quiet">Compared on the same rows with the champion <code>'
        f"{escape(content['champion']['model_package_arn'])}</code>: champion's AUC less this model's is "
        f"{_data(content, f'{drop}.value', '+.4f')} ± {_data(content, f'{drop}.standard_deviation')}.</p>"
    )


def _tile(content: Mapping[str, Any], label: str, path: str) -> str:
    champion = f"champion {_data(content, f'champion.{path}.value')}" if content["champion"] else ""
    return (
        f'<div class="tile">{label}<strong>{_data(content, f"{path}.value")}</strong>'
        f"<small>± {_data(content, f'{path}.standard_deviation')}</small><small>{champion}</small></div>"
    )


def _card(title: str, text: str, *parts: str) -> str:
    return (
        f'<section class="card"><h2>{escape(title)}</h2><p class="quiet">{escape(text)}</p>{"".join(parts)}</section>'
    )


def _models(content: Mapping[str, Any]) -> list[tuple[str, str, Mapping[str, Any]]]:
    both = [("champion", "champion", content["champion"]), ("this model", "challenger", content)]
    return both if content["champion"] else both[1:]


def _roc(content: Mapping[str, Any]) -> str:
    lines = []
    for name, style, model in _models(content):
        curve = model["binary_classification_metrics"]["receiver_operating_characteristic_curve"]
        points = list(zip(curve["false_positive_rates"], curve["true_positive_rates"], strict=True))
        lines.append(Series(name, style, points))
    axes = Axes("punctual flights called late", "late flights called late")
    chart = line_chart("ROC curve", axes, lines, diagonal=True)
    return _card("ROC curve", "Further above the diagonal is better.", legend(lines), chart)


def _calibration(content: Mapping[str, Any]) -> str:
    lines = [
        Series(name, style, [(point["mean_score"], point["late_share"]) for point in model["calibration"]], dots=True)
        for name, style, model in _models(content)
    ]
    chart = line_chart("Calibration", Axes("predicted probability", "share really late"), lines, diagonal=True)
    return _card("Calibration", "On the diagonal, 30 % predicted means 30 % late.", legend(lines), chart)


def _distribution(content: Mapping[str, Any]) -> str:
    bars = []
    for name in ("punctual", "late"):
        counts = content["score_distribution"][name]
        total = max(1, sum(counts))
        bars.append(Series(name, name, [(place / len(counts), count / total) for place, count in enumerate(counts)]))
    highest = max(share for series in bars for _, share in series.points)
    axes = Axes("predicted probability", "share of the class", y_most=ceil(highest * 10) / 10)
    chart = histogram("Score distribution", axes, bars, content["threshold"], f"threshold {content['threshold']:.4f}")
    return _card("Score distribution", "Each class sums to 1; less overlap is better.", legend(bars), chart)


def _confusion(content: Mapping[str, Any]) -> str:
    cell = "binary_classification_metrics.confusion_matrix"
    rows = "".join(
        f"<tr><td>{name}</td><td>{_count(content, f'{cell}.{label}.0')}</td>"
        f"<td>{_count(content, f'{cell}.{label}.1')}</td></tr>"
        for name, label in (("was punctual", "0"), ("was late", "1"))
    )
    names = ("accuracy", "accuracy_best_constant_classifier", "true_negative_rate", "false_positive_rate", "f0_5", "f2")
    more = "".join(
        f"<tr><td>{name.replace('_', ' ').replace('f0 5', 'F0.5').replace('f2', 'F2')}</td>"
        f"<td>{_data(content, f'binary_classification_metrics.{name}.value')}</td>"
        f"<td>± {_data(content, f'binary_classification_metrics.{name}.standard_deviation')}</td></tr>"
        for name in names
    )
    table = f"<table><tr><th></th><th>called punctual</th><th>called late</th></tr>{rows}</table>"
    return _card("At the threshold", "What the model says against what happened.", table, f"<table>{more}</table>")


def _slice_table(content: Mapping[str, Any], name: str) -> str:
    champion = content["champion"] is not None
    heads = [name, "flights", "late"]
    for label, _ in SLICE_COLUMNS:
        heads += [label, "champion's"] if champion else [label]
    heads.append("mean score")
    rows = [_slice_row(content, f"slices.{name}.{place}", champion) for place in range(len(content["slices"][name]))]
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    table = f'<div class="wide"><table><tr>{head}</tr>{"".join(rows)}</table></div>'
    return _card(f"By {name}", "An AUC needs flights of both kinds; with few flights it says little.", table)


def _slice_row(content: Mapping[str, Any], path: str, champion: bool) -> str:
    cells = [
        escape(str(_at(content, f"{path}.value"))),
        _count(content, f"{path}.rows"),
        _share(content, f"{path}.late_share"),
    ]
    styled = [f"<td>{cell}</td>" for cell in cells]
    for _, metric in SLICE_COLUMNS:
        styled.append(f"<td{_better(content, path, metric, champion)}>{_data(content, f'{path}.{metric}')}</td>")
        if champion:
            styled.append(f"<td>{_data(content, f'{path}.champion.{metric}')}</td>")
    styled.append(f"<td>{_data(content, f'{path}.mean_score')}</td>")
    return f"<tr>{''.join(styled)}</tr>"


def _better(content: Mapping[str, Any], path: str, metric: str, champion: bool) -> str:
    """A class for the cell, when champion and challenger differ visibly."""
    if not champion:
        return ""
    new: float | None = _at(content, f"{path}.{metric}")
    old: float | None = _at(content, f"{path}.champion.{metric}")
    if new is None or old is None or f"{new:.4f}" == f"{old:.4f}":
        return ""
    return ' class="better"' if (new < old) == (metric in LOWER_IS_BETTER) else ' class="worse"'
