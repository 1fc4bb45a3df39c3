"""preprocess: raw months to splits by time, without leakage, with every bad row counted."""

import csv
import json
import shutil

import numpy as np
import pandas as pd
import pytest
import steps_jobs
from hypothesis import given, settings
from hypothesis import strategies as st

import flights
import preprocess
from features import CATEGORY
from months import parse_window
from problems import Problem

AFTER_PUSH_BACK = {"dep_time", "arr_time", "arr_delay", "air_time"}
NAMES = [feature.name for feature in flights.FEATURES]


def run(raw, out, **windows):
    given_windows = {
        split: parse_window(text, f"--{split}-months") for split, text in (steps_jobs.WINDOWS | windows).items()
    }
    return preprocess.preprocess(raw, given_windows, {name: out / name for name in (*steps_jobs.WINDOWS, "baseline")})


def read(folder, split):
    with (folder / split / f"{split}.csv").open(newline="") as file:
        return list(csv.reader(file))


@pytest.fixture
def own_raw(raw, tmp_path):
    """A copy of the raw folder that a test may spoil."""
    return shutil.copytree(raw, tmp_path / "raw")


def rewrite(path, change):
    """Rewrite a raw file row by row: `change(number, row)` gives the new row, the header being number 0."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = [change(number, row) for number, row in enumerate(csv.reader(file))]
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def flights_file(raw, month=2):
    return raw / "flights" / f"flights-2013-{month:02d}.csv"


def outputs(folder):
    return {
        path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*.*")) if path.suffix != ".txt"
    }


def test_each_split_names_label_then_departure_then_features(prepared):
    assert {tuple(read(prepared, split)[0]) for split in steps_jobs.WINDOWS} == {("late", "scheduled", *NAMES)}


@pytest.mark.parametrize(("split", "months"), [("train", {"01", "02", "03"}), ("validation", {"04"}), ("test", {"05"})])
def test_a_split_holds_exactly_its_months(prepared, split, months):
    assert {row[1][5:7] for row in read(prepared, split)[1:]} == months


def test_rows_lie_in_order_of_scheduled_departure(prepared):
    departures = [row[1] for row in read(prepared, "train")[1:]]
    assert departures == sorted(departures)


def test_months_that_no_window_names_are_never_read(own_raw, tmp_path):
    flights_file(own_raw, 5).unlink()
    windows = {"train": "2013-01:2013-01", "validation": "2013-02:2013-02", "test": "2013-03:2013-04"}
    assert run(own_raw, tmp_path / "out", **windows)["splits"]["test"]["rows"] > 0


def test_labels_are_arrivals_more_than_15_minutes_late(raw):
    table = flights.read_flights(flights_file(raw), 2013 * 12 + 1)
    known, labels = flights.labelled(table.frame)
    delays = table.frame["arr_delay"][known.index].to_numpy()
    assert (labels == (delays > 15)).all()


def test_values_come_through_the_files_unchanged(raw, prepared):
    table = flights.read_flights(flights_file(raw, 5), 2013 * 12 + 4)
    known, _ = flights.labelled(table.frame)
    written = pd.read_csv(prepared / "test" / "test.csv")
    assert sorted(written["dep_delay"]) == sorted(known["dep_delay"])


def test_weather_is_that_of_origin_and_hour(prepared, raw):
    weather = {
        (row["origin"], row["time_hour"]): row["temp"] for row in csv.DictReader((raw / "weather.csv").open(newline=""))
    }
    rows = [dict(zip(read(prepared, "test")[0], row, strict=True)) for row in read(prepared, "test")[1:50]]
    # In May New York's clocks are four hours behind UTC.
    keys = [
        (row["origin"], f"{pd.Timestamp(row['scheduled']) + pd.Timedelta(hours=4):%Y-%m-%dT%H:00:00Z}") for row in rows
    ]
    assert [row["temp"] for row in rows] == [weather.get(key, "") for key in keys]


def test_plane_age_is_years_since_the_planes_year(raw):
    table = flights.read_flights(flights_file(raw), 2013 * 12 + 1)
    planes = pd.DataFrame({"tailnum": ["N1", "N2"], "year": [2003.0, 2020.0], "seats": [10.0, 20.0]})
    planes["tailnum"] = planes["tailnum"].astype("category")
    weather = pd.read_csv(raw / "weather.csv", dtype={"origin": "category", "time_hour": "category"})
    few = table.frame.head(3).assign(tailnum=pd.Categorical(["N1", "N2", None]))
    ages = flights.push_back_features(few, weather, planes)["plane_age"]
    np.testing.assert_array_equal(ages, [10.0, np.nan, np.nan])


# Leakage


def test_no_column_known_only_after_push_back_is_read_but_the_label():
    assert {column.name for column in flights.FLIGHT_COLUMNS} & AFTER_PUSH_BACK == {"arr_delay"}


def test_no_feature_is_a_column_known_only_after_push_back():
    assert not set(NAMES) & AFTER_PUSH_BACK


def test_the_label_column_is_gone_before_features_are_made(raw):
    table = flights.read_flights(flights_file(raw), 2013 * 12 + 1)
    assert "arr_delay" not in flights.labelled(table.frame)[0]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_no_arrival_can_change_a_feature(raw, seed):
    table = flights.read_flights(flights_file(raw), 2013 * 12 + 1)
    frame = table.frame[table.frame["arr_delay"].notna()].head(500)
    other = frame.assign(arr_delay=np.random.default_rng(seed).normal(0, 1000, len(frame)))
    weather = pd.read_csv(raw / "weather.csv", dtype={"origin": "category", "time_hour": "category"})
    planes = pd.read_csv(raw / "planes.csv", dtype={"tailnum": "category"})
    before, after = (flights.push_back_features(flights.labelled(each)[0], weather, planes) for each in (frame, other))
    pd.testing.assert_frame_equal(pd.DataFrame(before), pd.DataFrame(after))


def test_whatever_stands_in_columns_known_later_changes_no_byte(own_raw, prepared, tmp_path):
    header = next(csv.reader(flights_file(own_raw).open(newline="")))
    later = [header.index(name) for name in ("dep_time", "arr_time", "air_time", "hour", "minute")]

    def spoilt(number, row):
        return [f"x{number}" if number and place in later else cell for place, cell in enumerate(row)]

    for month in steps_jobs.MONTHS:
        rewrite(flights_file(own_raw, month), spoilt)
    run(own_raw, tmp_path / "out")
    assert outputs(tmp_path / "out") == outputs(prepared)


def test_the_baseline_knows_the_training_window_alone(own_raw, prepared, tmp_path):
    header = next(csv.reader(flights_file(own_raw).open(newline="")))
    place = header.index("carrier")
    for month in (4, 5):
        rewrite(flights_file(own_raw, month), lambda n, row: [*row[:place], "XX", *row[place + 1 :]] if n else row)
    run(own_raw, tmp_path / "out")
    for name in ("schema.json", "statistics.json", "constraints.json"):
        assert (tmp_path / "out/baseline" / name).read_bytes() == (prepared / "baseline" / name).read_bytes()


# Windows


@pytest.mark.parametrize(
    ("windows", "sentence"),
    [
        ({"validation": "2013-03:2013-04"}, "validation months 2013-03:2013-04 begin before the train months"),
        ({"test": "2013-04:2013-05"}, "start test at 2013-05 or later"),
        ({"train": "2013-03:2013-01"}, "ends before it begins"),
        ({"train": "2013-13:2014-01"}, "write the first and the last month"),
        ({"train": "january"}, "--train-months is 'january'"),
    ],
)
def test_windows_out_of_order_are_refused(raw, tmp_path, windows, sentence):
    with pytest.raises(Problem, match=sentence):
        run(raw, tmp_path / "out", **windows)
    assert not (tmp_path / "out").exists()


# Bad data


def spoil_cells(column, text, rows):
    header = []

    def change(number, row):
        if number == 0:
            header.extend(row)
        elif number in rows:
            row[header.index(column)] = text
        return row

    return change


@pytest.mark.parametrize(
    ("column", "text", "reason"),
    [
        ("distance", "far", "distance is not a number"),
        ("distance", "inf", "distance is not a finite number"),
        ("distance", "-3", "distance is not above 0"),
        ("distance", "", "distance is missing"),
        ("carrier", "", "carrier is missing"),
        ("time_hour", "2013-02-01", "time_hour is malformed"),
        ("sched_dep_time", "2575", "sched_dep_time is not a time of day (HHMM)"),
        ("day", "31", "day is not a day of that month"),
        ("month", "3", "month is not of the file's month"),
        ("dep_delay", "late", "dep_delay is not a number"),
    ],
)
def test_a_bad_row_is_dropped_and_counted_under_its_reason(own_raw, column, text, reason):
    rewrite(flights_file(own_raw), spoil_cells(column, text, {5, 9}))
    table = flights.read_flights(flights_file(own_raw), 2013 * 12 + 1)
    assert (table.bad, len(table.frame)) == ({reason: 2}, table.rows - 2)


def test_a_flight_that_is_there_twice_counts_once(own_raw):
    path = flights_file(own_raw)
    path.write_text(path.read_text() + path.read_text().splitlines()[7] + "\n")
    assert flights.read_flights(path, 2013 * 12 + 1).bad == {"flight is there twice": 1}


def test_a_row_with_too_few_fields_is_counted(own_raw):
    rewrite(flights_file(own_raw), lambda number, row: row[:12] if number == 4 else row)
    assert flights.read_flights(flights_file(own_raw), 2013 * 12 + 1).bad == {"row has not 19 fields": 1}


def test_a_byte_that_is_no_utf8_is_counted(own_raw):
    lines = flights_file(own_raw).read_bytes().split(b"\n")
    lines[3] = lines[3].replace(b",LGA,", b",L\xe9A,").replace(b",JFK,", b",J\xe9K,").replace(b",EWR,", b",E\xe9R,")
    flights_file(own_raw).write_bytes(b"\n".join(lines))
    assert flights.read_flights(flights_file(own_raw), 2013 * 12 + 1).bad == {"origin is not UTF-8": 1}


def test_reading_row_by_row_gives_what_reading_at_once_gives(own_raw):
    fast = flights.read_flights(flights_file(own_raw), 2013 * 12 + 1).frame
    path = flights_file(own_raw)
    lines = path.read_text().split("\n")
    path.write_text("\n".join([lines[0], f'"{lines[1][:4]}"{lines[1][4:]}', *lines[2:]]))
    slow = flights.read_flights(path, 2013 * 12 + 1).frame
    assert set(slow.columns) == set(fast.columns)
    pd.testing.assert_frame_equal(slow[fast.columns].astype(object), fast.astype(object))


def missing_column(path):
    rewrite(path, lambda _, row: [*row[:5], *row[6:]])


def mistyped_column(path):
    rewrite(path, lambda number, row: [*row[:15], f"{row[15]} miles", *row[16:]] if number else row)


def cut_in_a_line(path):
    path.write_bytes(path.read_bytes()[:30_013].rsplit(b"\n", 1)[0] + b"\n2013,2,7,1200,1")


def cut_between_lines(path):
    path.write_bytes(b"\n".join(path.read_bytes().split(b"\n")[:900]) + b"\n")


def emptied(path):
    path.write_bytes(b"")


def header_only(path):
    path.write_bytes(path.read_bytes().split(b"\n")[0] + b"\n")


def unclosed_quote(path):
    path.write_text(path.read_text().replace("\n2013", '\n"2013', 1))


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (missing_column, "column 'dep_delay' is missing; found: year, month"),
        (mistyped_column, r"distance is not a number: .* \(line 2 has '\d+ miles'\)"),
        (cut_in_a_line, r"is cut off: line \d+, its last, has 5 of 19 fields"),
        (cut_between_lines, "ends on day .* of 28: a month has to be complete"),
        (emptied, "is empty"),
        (header_only, "has a header and no rows"),
        (unclosed_quote, "is not CSV"),
        (lambda path: path.unlink(), "is missing: the folder holds flights-2013-01.csv"),
    ],
)
def test_a_file_that_cannot_be_trusted_ends_with_a_sentence(own_raw, tmp_path, spoil, sentence):
    spoil(flights_file(own_raw))
    with pytest.raises(Problem, match=sentence) as caught:
        run(own_raw, tmp_path / "out")
    assert "flights-2013-02.csv" in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_month_without_late_flights_cannot_be_a_split(own_raw, tmp_path):
    rewrite(flights_file(own_raw, 4), lambda number, row: [*row[:8], "0", *row[9:]] if number else row)
    with pytest.raises(Problem, match=r"validation months 2013-04:2013-04 hold .* no late flight"):
        run(own_raw, tmp_path / "out")


def test_the_job_fails_with_the_sentence_last(own_raw, tmp_path):
    missing_column(flights_file(own_raw))
    done = steps_jobs.run_step("preprocess.py", *steps_jobs.preprocess_arguments(own_raw, tmp_path / "out"))
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "column 'dep_delay' is missing" in done.stderr.splitlines()[-1]


# Baseline and report


def test_every_raw_flight_is_accounted_for(raw, prepared):
    report = json.loads((prepared / "baseline/data_report.json").read_text())
    flights_rows = sum(entry["rows"] - entry["bad_rows"] for entry in report["files"] if "flights" in entry["file"])
    in_splits = sum(split["rows"] for split in report["splits"].values())
    assert flights_rows == report["usable_rows"] + report["unlabelled_rows"]
    assert report["usable_rows"] == in_splits == sum(len(read(prepared, split)) - 1 for split in steps_jobs.WINDOWS)
    assert report["unlabelled_rows"] > 0


def test_the_log_tells_what_was_dropped(prepared):
    assert "flights without a label dropped" in (prepared / "log.txt").read_text()


def test_the_schema_lists_features_with_types_and_sorted_categories(prepared):
    schema = json.loads((prepared / "baseline/schema.json").read_text())
    assert (schema["label"], [feature["name"] for feature in schema["features"]]) == ("late", NAMES)
    categories = {each["name"]: each["categories"] for each in schema["features"] if each["type"] == CATEGORY}
    assert categories["origin"] == ["EWR", "JFK", "LGA"]
    assert categories["carrier"] == sorted({row[NAMES.index("carrier") + 2] for row in read(prepared, "train")[1:]})


def test_statistics_are_those_of_the_training_file(prepared):
    statistics = json.loads((prepared / "baseline/statistics.json").read_text())
    frame = pd.read_csv(prepared / "train" / "train.csv", keep_default_na=False, na_values=[""])
    described = {entry["name"]: entry for entry in statistics["features"]}
    assert (statistics["version"], statistics["dataset"]["item_count"]) == (0.0, len(frame))
    temperature = described["temp"]["numerical_statistics"]
    assert temperature["mean"] == pytest.approx(frame["temp"].mean())
    assert temperature["common"]["num_missing"] == frame["temp"].isna().sum()
    buckets = temperature["distribution"]["kll"]["buckets"]
    assert sum(bucket["count"] for bucket in buckets) == temperature["common"]["num_present"]
    first = described["carrier"]["string_statistics"]["distribution"]["categorical"]["buckets"][0]
    assert first == {"value": frame["carrier"].mode()[0], "count": frame["carrier"].value_counts().max()}


def test_the_training_rows_satisfy_the_constraints(prepared):
    constraints = json.loads((prepared / "baseline/constraints.json").read_text())
    frame = pd.read_csv(prepared / "train" / "train.csv", keep_default_na=False, na_values=[""])
    for constraint in constraints["features"]:
        column = frame[constraint["name"]]
        assert constraint["completeness"] == pytest.approx(column.notna().mean())
        if "num_constraints" in constraint:
            assert constraint["num_constraints"]["is_non_negative"] == (column.min() >= 0)
        else:
            assert constraint["string_constraints"]["domains"] == sorted(set(column))


def test_two_runs_write_the_same_bytes(raw, prepared, tmp_path):
    run(raw, tmp_path / "out")
    assert outputs(tmp_path / "out") == outputs(prepared)


def test_features_that_a_join_brings_are_the_nullable_ones(prepared):
    missing = {
        name for row in read(prepared, "train")[1:] for name, cell in zip(NAMES, row[2:], strict=True) if not cell
    }
    nullable = {feature.name for feature in flights.FEATURES if feature.nullable}
    assert missing <= nullable
    assert not nullable & set(NAMES[:9])
