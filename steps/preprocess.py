"""SageMaker Processing: monthly raw files -> train, validation and test by time, the feature schema and the baseline.

Splits are whole months in order, never random, and only the months asked for are read. Bad rows are counted, reported
in data_report.json and logged; a file that cannot be trusted ends the job with a sentence. Never lets a column that is
known only after push-back become a feature (see flights.py).
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

import baseline
import flights
from features import Feature
from months import Window, parse_window, require_order
from problems import Problem, exit_code
from split_files import write_split

SPLITS = ("train", "validation", "test")


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    """The command line of the job."""
    parser = argparse.ArgumentParser(description="Raw months of flights -> train, validation, test and baseline.")
    parser.add_argument("--raw", type=Path, required=True, help="folder with flights/, weather.csv and planes.csv")
    for split in SPLITS:
        parser.add_argument(f"--{split}-months", required=True, help="first and last month, such as 2013-01:2013-08")
    for output in (*SPLITS, "baseline"):
        parser.add_argument(f"--{output}-out", type=Path, required=True)
    return parser.parse_args(arguments)


def preprocess(raw_folder: Path, windows: dict[str, Window], outputs: dict[str, Path]) -> dict[str, Any]:
    """Do the job; `outputs` maps train, validation, test and baseline to folders. Returns what data_report.json holds.

    Raises Problem before anything is written.
    """
    require_order(windows)
    raw = flights.read_raw(raw_folder, {split: window.months for split, window in windows.items()})
    known, labels = flights.labelled(raw.flights)
    columns = flights.push_back_features(known, raw.weather, raw.planes)
    departures = flights.scheduled(known)
    places = {split: _in_time_order(known, split, departures) for split in SPLITS}
    for split in SPLITS:
        _require_both_classes(split, windows[split], labels[places[split]])

    rows = {split: {name: values[places[split]] for name, values in columns.items()} for split in SPLITS}
    for split in SPLITS:
        fixed = {flights.LABEL: labels[places[split]], flights.SCHEDULED: departures[places[split]]}
        write_split(outputs[split] / f"{split}.csv", fixed | rows[split])
    fitted = baseline.fitted(flights.FEATURES, rows["train"])
    report = _report(raw, windows, {split: labels[places[split]] for split in SPLITS})
    _write_baseline(outputs["baseline"], fitted, rows["train"], report)
    return report


def _in_time_order(known: Any, split: str, departures: Any) -> Any:
    places = np.flatnonzero((known["window"] == split).to_numpy())
    return places[np.argsort(departures[places], kind="stable")]


def _require_both_classes(split: str, window: Window, labels: Any) -> None:
    if len(np.unique(labels)) < 2:
        kind = "no late flight" if not labels.any() else "late flights only"
        found = f"{len(labels):,} usable rows, {kind}" if len(labels) else "no usable row"
        raise Problem(f"The {split} months {window} hold {found}: late and punctual flights are both needed.")


def _write_baseline(folder: Path, features: list[Feature], columns: dict[str, Any], report: dict[str, Any]) -> None:
    statistics = baseline.statistics(features, columns)
    contents = {
        "schema.json": baseline.schema(flights.LABEL, features),
        "statistics.json": statistics,
        "constraints.json": baseline.constraints(features, statistics),
        "data_report.json": report,
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _report(raw: flights.Raw, windows: dict[str, Window], labels: dict[str, Any]) -> dict[str, Any]:
    usable = sum(map(len, labels.values()))
    return {
        "files": [
            {"file": table.path.name, "rows": table.rows, "bad_rows": sum(table.bad.values()), "bad": table.bad}
            for table in raw.tables
        ],
        "unlabelled_rows": len(raw.flights) - usable,
        "usable_rows": usable,
        "splits": {
            split: {
                "months": str(window),
                "rows": len(labels[split]),
                "late_share": round(float(labels[split].mean()), 6),
            }
            for split, window in windows.items()
        },
    }


def summary(report: dict[str, Any]) -> list[str]:
    """The report in lines for the job's log."""
    bad = [
        f"{entry['file']}: {count:,} rows dropped, {reason}"
        for entry in report["files"]
        for reason, count in entry["bad"].items()
    ]
    unlabelled = f"{report['unlabelled_rows']:,} flights without a label dropped (cancelled or diverted)"
    splits = [
        f"{split} {found['months']}: {found['rows']:,} flights, {found['late_share']:.1%} late"
        for split, found in report["splits"].items()
    ]
    return [*bad, unlabelled, *splits]


def main() -> None:
    """The job, from its command line."""
    given = parse_arguments(sys.argv[1:])
    windows = {split: parse_window(getattr(given, f"{split}_months"), f"--{split}-months") for split in SPLITS}
    outputs = {output: getattr(given, f"{output}_out") for output in (*SPLITS, "baseline")}
    print(*summary(preprocess(given.raw, windows, outputs)), sep="\n")  # the job's log


if __name__ == "__main__":
    sys.exit(exit_code(main))
