"""The training job's hyperparameters: SageMaker hands strings over, here they become numbers within their limits.

Never guesses: an unknown name or a value outside its limits is a `Problem` that says what to write.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from features import Feature
from problems import Problem, did_you_mean, listed

NO_FEATURES = ("", "none")


@dataclass(frozen=True)
class Limits:
    """A number's type, default, and the least and the greatest value it may have."""

    type: type[int] | type[float]
    default: float
    least: float
    greatest: float
    help: str


LIMITS = {
    "num_round": Limits(int, 300, 1, 10_000, "boosting rounds at most"),
    "max_depth": Limits(int, 6, 1, 16, "depth of a tree"),
    "eta": Limits(float, 0.15, 0.001, 1, "learning rate"),
    "subsample": Limits(float, 0.9, 0.1, 1, "share of rows for each tree"),
    "colsample_bytree": Limits(float, 0.7, 0.1, 1, "share of features for each tree"),
    "min_child_weight": Limits(float, 20, 0, 1_000_000, "least sum of hessians in a leaf"),
    "early_stopping_rounds": Limits(int, 10, 1, 10_000, "rounds without a better validation log loss before stopping"),
    "seed": Limits(int, 1, 0, 2**31 - 1, "the same seed, data and thread count give the same model"),
}


def parse_hyperparameters(arguments: Sequence[str]) -> dict[str, Any]:
    """`--name value ...` as the container passes it -> each name of LIMITS as a number, and `exclude_features` as text.

    Values may come in JSON's double quotes: an older SDK sends them so.
    """
    parser = argparse.ArgumentParser(description="Train the model.", allow_abbrev=False)
    for name, limits in LIMITS.items():
        parser.add_argument(f"--{name}", default=str(limits.default), help=f"{limits.help} ({limits.default})")
    parser.add_argument("--exclude_features", default="none", help="features to leave out, joined by + (none)")
    given, unknown = parser.parse_known_args(list(arguments))
    if unknown:
        name = unknown[0].lstrip("-").partition("=")[0]
        known = [*LIMITS, "exclude_features"]
        raise Problem(f"Hyperparameter {name!r} is unknown; there are: {listed(known)}.{did_you_mean(name, known)}")
    numbers = {name: _number(name, getattr(given, name).strip('"'), limits) for name, limits in LIMITS.items()}
    return {**numbers, "exclude_features": given.exclude_features.strip('"')}


def _number(name: str, text: str, limits: Limits) -> float:
    kind = "a whole number" if limits.type is int else "a number"
    wanted = f"write {kind} from {limits.least:g} to {limits.greatest:g}"
    try:
        number = limits.type(text)
    except ValueError:
        raise Problem(f"Hyperparameter {name} is {text!r}: {wanted}.") from None
    if not limits.least <= number <= limits.greatest:
        raise Problem(f"Hyperparameter {name} is {text}: {wanted}.")
    return number


def without(features: Sequence[Feature], exclude_features: str) -> tuple[Feature, ...]:
    """The features but those that `exclude_features` names: `dep_delay+wind_gust`; empty or `none` excludes nothing."""
    if exclude_features in NO_FEATURES:
        return tuple(features)
    excluded, known = exclude_features.split("+"), [feature.name for feature in features]
    for name in excluded:
        if name not in known:
            hint = did_you_mean(name, known)
            raise Problem(f"exclude_features names {name!r}, which is no feature; there are: {listed(known)}.{hint}")
    kept = tuple(feature for feature in features if feature.name not in excluded)
    if not kept:
        raise Problem("exclude_features leaves no feature to train on.")
    return kept
