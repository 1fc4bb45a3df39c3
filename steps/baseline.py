"""What the training window looked like: the feature schema, and Model Monitor's statistics and constraints.

Computed from the training rows alone, so that nothing of validation or test reaches the model or its guardrails.
Formats: "Schema for Statistics (statistics.json)" and "Schema for Constraints (constraints.json)" of the SageMaker
Developer Guide. The optional KLL sketch is left out; its buckets are there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from features import CATEGORY, Feature

BUCKETS = 10


def fitted(features: Sequence[Feature], columns: Mapping[str, Any]) -> list[Feature]:
    """The features with the categories that the training rows hold, sorted."""
    return [
        replace(feature, categories=tuple(sorted(_present(columns[feature.name]))))
        if feature.type == CATEGORY
        else feature
        for feature in features
    ]


def _present(values: Any) -> list[str]:
    return [str(text) for text in values.remove_unused_categories().categories]


def schema(label: str, features: Sequence[Feature]) -> dict[str, Any]:
    """schema.json."""
    return {"label": label, "features": [feature.to_json() for feature in features]}


def statistics(features: Sequence[Feature], columns: Mapping[str, Any]) -> dict[str, Any]:
    """statistics.json."""
    rows = len(columns[features[0].name])
    described = [
        _of_text(feature.name, columns[feature.name])
        if feature.type == CATEGORY
        else _of_numbers(feature.name, columns[feature.name])
        for feature in features
    ]
    return {"version": 0.0, "dataset": {"item_count": rows}, "features": described}


def _of_numbers(name: str, values: Any) -> dict[str, Any]:
    present = values[~np.isnan(values)]
    numbers: dict[str, Any] = {"common": {"num_present": len(present), "num_missing": len(values) - len(present)}}
    whole = bool((present % 1 == 0).all())
    if len(present):
        counts, edges = np.histogram(present, bins=BUCKETS)
        numbers |= {
            "mean": float(present.mean()),
            "sum": float(present.sum()),
            "std_dev": float(present.std()),
            "min": float(present.min()),
            "max": float(present.max()),
            "distribution": {
                "kll": {
                    "buckets": [
                        {"lower_bound": float(low), "upper_bound": float(high), "count": float(count)}
                        for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True)
                    ]
                }
            },
        }
    return {"name": name, "inferred_type": "Integral" if whole else "Fractional", "numerical_statistics": numbers}


def _of_text(name: str, values: Any) -> dict[str, Any]:
    used = values.remove_unused_categories()
    counts = np.bincount(used.codes[used.codes >= 0], minlength=len(used.categories))
    missing = int((used.codes < 0).sum())
    buckets = sorted(zip(used.categories, counts.tolist(), strict=True), key=lambda bucket: (-bucket[1], bucket[0]))
    return {
        "name": name,
        "inferred_type": "String",
        "string_statistics": {
            "common": {"num_present": len(values) - missing, "num_missing": missing},
            "distinct_count": float(len(used.categories)),
            "distribution": {
                "categorical": {"buckets": [{"value": str(value), "count": float(count)} for value, count in buckets]}
            },
        },
    }


def constraints(features: Sequence[Feature], described: Mapping[str, Any]) -> dict[str, Any]:
    """constraints.json that the training rows of `described` (statistics.json) satisfy."""
    found = {entry["name"]: entry for entry in described["features"]}
    return {
        "version": 0.0,
        "features": [_constraint(feature, found[feature.name]) for feature in features],
        "monitoring_config": {
            "evaluate_constraints": "Enabled",
            "emit_metrics": "Enabled",
            "datatype_check_threshold": 1.0,
            "domain_content_threshold": 1.0,
            "distribution_constraints": {
                "perform_comparison": "Enabled",
                "comparison_threshold": 0.1,
                "comparison_method": "Robust",
            },
        },
    }


def _constraint(feature: Feature, entry: Mapping[str, Any]) -> dict[str, Any]:
    numbers = entry.get("numerical_statistics")
    common = (numbers or entry["string_statistics"])["common"]
    constraint = {
        "name": feature.name,
        "inferred_type": entry["inferred_type"],
        "completeness": common["num_present"] / max(1, common["num_present"] + common["num_missing"]),
    }
    if numbers is None:
        return constraint | {"string_constraints": {"domains": list(feature.categories)}}
    return constraint | {"num_constraints": {"is_non_negative": numbers.get("min", 0.0) >= 0}}
