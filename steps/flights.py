"""The raw flights, weather and planes: which columns may be read, what a good row is, and what is known at push-back.

The allow-list below is the only way a column enters: what is known only after push-back (arr_time, air_time, ...) is
not on it, and arr_delay leaves as the label before features are made. To use other data, rewrite this file.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features import CATEGORY, NUMBER, Feature
from months import month_name
from problems import Problem
from raw_csv import TEXT, Column, Mask, Table, read_table

LABEL = "late"
LATE_MINUTES = 15
SCHEDULED = "scheduled"

_HOUR = r"\d{4}-\d\d-\d\dT\d\d:00:00Z"
_WEATHER = ("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib")

FLIGHT_COLUMNS = (
    *(Column(name, required=True) for name in ("year", "month", "day", "sched_dep_time", "sched_arr_time", "distance")),
    Column("flight", required=True),
    Column("dep_delay"),
    Column("arr_delay"),
    *(Column(name, TEXT, required=True) for name in ("carrier", "origin", "dest")),
    Column("tailnum", TEXT),
    Column("time_hour", TEXT, required=True, pattern=_HOUR),
)
WEATHER_COLUMNS = (
    Column("origin", TEXT, required=True),
    Column("time_hour", TEXT, required=True, pattern=_HOUR),
    *(Column(name) for name in _WEATHER),
)
PLANE_COLUMNS = (Column("tailnum", TEXT, required=True), Column("year"), Column("seats"))

# In the model's order. What a join brings may be missing; what the flight itself says may not.
# sched_dep and sched_arr are minutes of the local day; sched_duration is their difference, so it contains the time
# zones, which are the same for every flight of a route. Weather is as observed at the origin in the hour of scheduled
# departure. weekday counts from Monday, 0.
FEATURES = (
    *(Feature(name, NUMBER) for name in ("dep_delay", "sched_dep", "sched_arr", "sched_duration", "weekday")),
    *(Feature(name, CATEGORY) for name in ("carrier", "origin", "dest")),
    Feature("distance", NUMBER),
    *(Feature(name, NUMBER, nullable=True) for name in (*_WEATHER, "plane_age", "seats")),
)


@dataclass(frozen=True)
class Raw:
    """The good rows of every file that was asked for. `flights` has a `window` column: which split a row belongs to."""

    flights: Any
    weather: Any
    planes: Any
    tables: tuple[Table, ...]


def read_raw(folder: Path, months: dict[str, range]) -> Raw:
    """Read the months of every window (year * 12 + month - 1), and no other file of flights."""
    flights = [
        (name, read_flights(folder / "flights" / f"flights-{month_name(month)}.csv", month))
        for name, window in months.items()
        for month in window
    ]
    weather = _read_keyed(folder / "weather.csv", WEATHER_COLUMNS, ["origin", "time_hour"])
    planes = _read_keyed(folder / "planes.csv", PLANE_COLUMNS, ["tailnum"])
    together = _concatenate([table.frame.assign(window=name) for name, table in flights])
    return Raw(together, weather.frame, planes.frame, (*(table for _, table in flights), weather, planes))


def read_flights(path: Path, month: int) -> Table:
    """One month's flights, without the rows that cannot be."""
    table = read_table(path, FLIGHT_COLUMNS)
    wrong_month = "is not of the file's month"
    table.drop(table.frame["year"].to_numpy() * 12 + table.frame["month"].to_numpy() - 1 != month, "month", wrong_month)
    days_in_month = pd.Period(month_name(month)).days_in_month
    table.drop(~_whole_between(table.frame["day"], 1, days_in_month), "day", "is not a day of that month")
    for name in ("sched_dep_time", "sched_arr_time"):
        clock = table.frame[name]
        table.drop(~_whole_between(clock, 0, 2400) | (clock.to_numpy() % 100 > 59), name, "is not a time of day (HHMM)")
    table.drop(table.frame["distance"].to_numpy() <= 0, "distance", "is not above 0")
    table.drop(table.frame.duplicated(["time_hour", "carrier", "flight"]).to_numpy(), "flight", "is there twice")
    table.require_mostly_good()
    if (last := int(table.frame["day"].max())) < days_in_month:
        raise Problem(
            f"{path} ends on day {last} of {days_in_month}: a month has to be complete. Upload the file again."
        )
    return table


def _whole_between(values: Any, low: int, high: int) -> Mask:
    numbers = values.to_numpy()
    inside: Mask = (numbers >= low) & (numbers <= high) & (numbers % 1 == 0)
    return inside


def _read_keyed(path: Path, columns: tuple[Column, ...], key: list[str]) -> Table:
    table = read_table(path, columns)
    table.drop(table.frame.duplicated(key).to_numpy(), key[-1], "is there twice")
    table.require_mostly_good()
    return table


def _concatenate(frames: list[Any]) -> Any:
    columns = {}
    for name in frames[0].columns:
        parts = [frame[name] for frame in frames]
        if isinstance(parts[0].dtype, pd.CategoricalDtype):
            columns[name] = pd.api.types.union_categoricals([part.array for part in parts])
        else:
            columns[name] = np.concatenate([part.to_numpy() for part in parts])
    return pd.DataFrame(columns)


def labelled(flights: Any) -> tuple[Any, Any]:
    """(flights that departed and arrived, without arr_delay; whether each arrived more than 15 minutes late, as 0/1).

    A flight that was cancelled or diverted has no truth to learn from.
    """
    known = flights[flights["arr_delay"].notna() & flights["dep_delay"].notna()]
    return known.drop(columns="arr_delay"), (known["arr_delay"].to_numpy() > LATE_MINUTES).astype(np.int8)


def scheduled(flights: Any) -> Any:
    """Local scheduled departure, datetime64[m]."""
    year, month, day = (flights[name].to_numpy().astype(np.int64) for name in ("year", "month", "day"))
    dates = (year * 12 + month - 1 - 1970 * 12).astype("datetime64[M]").astype("datetime64[D]") + (day - 1)
    return dates.astype("datetime64[m]") + _minutes(flights["sched_dep_time"]).astype(np.int64)


def push_back_features(flights: Any, weather: Any, planes: Any) -> dict[str, Any]:
    """FEATURES as columns, in order: arrays of numbers, and pandas Categoricals."""
    departure, arrival = _minutes(flights["sched_dep_time"]), _minutes(flights["sched_arr_time"])
    columns = {
        "dep_delay": flights["dep_delay"].to_numpy(),
        "sched_dep": departure,
        "sched_arr": arrival,
        "sched_duration": (arrival - departure) % 1440,
        "weekday": _weekday(scheduled(flights)),
        "carrier": flights["carrier"].array,
        "origin": flights["origin"].array,
        "dest": flights["dest"].array,
        "distance": flights["distance"].to_numpy(),
    }
    observed = _lookup(flights[["origin", "time_hour"]], weather[["origin", "time_hour"]])
    columns |= {name: _taken(weather[name], observed) for name in _WEATHER}
    plane = _lookup(flights[["tailnum"]], planes[["tailnum"]])
    age = flights["year"].to_numpy() - _taken(planes["year"], plane)
    columns |= {"plane_age": np.where(age < 0, np.nan, age), "seats": _taken(planes["seats"], plane)}
    return {feature.name: columns[feature.name] for feature in FEATURES}


def _weekday(moments: Any) -> Any:
    thursday = 3  # what 1970-01-01, day 0, was
    return ((moments.astype("datetime64[D]").astype(np.int64) + thursday) % 7).astype(np.float64)


def _minutes(clock: Any) -> Any:
    hhmm = clock.to_numpy()
    return hhmm // 100 * 60 + hhmm % 100


def _lookup(left: Any, right: Any) -> Any:
    """For each row of `left` the place of the row of `right` with the same key, or -1."""
    left_key, right_key = np.zeros(len(left), np.int64), np.zeros(len(right), np.int64)
    for name in right.columns:
        known = right[name].array
        codes = known.categories.get_indexer(left[name].array.categories)
        size = len(known.categories)
        left_codes = np.append(codes, -1)[left[name].array.codes]
        left_key = np.where((left_codes < 0) | (left_key < 0), -1, left_key * size + left_codes)
        right_key = right_key * size + known.codes
    return pd.Index(right_key).get_indexer(left_key)


def _taken(values: Any, places: Any) -> Any:
    return np.append(values.to_numpy(), np.nan)[places]
