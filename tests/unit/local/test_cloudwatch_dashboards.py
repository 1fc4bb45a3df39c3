"""Dashboards: kept as they were put, and refused when CloudWatch could not draw them."""

import json
from typing import Any

import pytest
from cloudwatch_rig import rig

from local.errors import AwsError

__all__ = ["rig"]

METRIC = {"type": "metric", "x": 0, "y": 0, "width": 12, "height": 6, "properties": {"metrics": [["N", "M"]]}}


def put(rig, name: str = "release", *widgets: Any) -> Any:
    body = json.dumps({"widgets": list(widgets) or [METRIC]})
    return rig.cloudwatch.put_dashboard({"DashboardName": name, "DashboardBody": body})


@pytest.mark.aws("Metrics", "A dashboard is answered as it was put", "API: GetDashboard")
def test_a_dashboard_is_kept_as_it_was_put_and_replaced_when_put_again(rig):
    assert put(rig) == {"DashboardValidationMessages": []}
    text = {"type": "text", "properties": {"markdown": "# hello"}}
    put(rig, "release", text)
    found = rig.cloudwatch.get_dashboard({"DashboardName": "release"})
    assert found["DashboardArn"] == "arn:aws:cloudwatch::111122223333:dashboard/release"
    assert json.loads(found["DashboardBody"]) == {"widgets": [text]}


def test_dashboards_are_listed_by_prefix(rig):
    for name in ("b-2", "a", "b-1"):
        put(rig, name)
    entries = rig.cloudwatch.list_dashboards({"DashboardNamePrefix": "b"})["DashboardEntries"]
    assert [entry["DashboardName"] for entry in entries] == ["b-1", "b-2"]
    assert entries[0]["Size"] == len(json.dumps({"widgets": [METRIC]}))


def test_all_named_dashboards_are_deleted_or_none(rig):
    put(rig, "a")
    with pytest.raises(AwsError, match="ghost") as caught:
        rig.cloudwatch.delete_dashboards({"DashboardNames": ["a", "ghost"]})
    assert (caught.value.code, caught.value.status) == ("DashboardNotFoundError", 404)
    rig.cloudwatch.delete_dashboards({"DashboardNames": ["a"]})
    assert rig.cloudwatch.list_dashboards({})["DashboardEntries"] == []


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("{", "it is not JSON"),
        ("[" * 100_000, "it is not JSON"),
        ("[]", "/widgets should be an array"),
        ('{"widgets": {}}', "/widgets should be an array"),
        ({"type": "chart"}, "/widgets/0/type should be one of metric"),
        ({**METRIC, "width": 25}, "/widgets/0/width should be a whole number from 1 to 24"),
        ({"type": "metric"}, "/widgets/0/properties should be an object"),
        ({"type": "metric", "properties": {}}, "/widgets/0/properties should have metrics or annotations"),
        ({"type": "metric", "properties": {"metrics": 1}}, "/widgets/0/properties/metrics should be an array"),
        ({"type": "text", "properties": {}}, "/widgets/0/properties should have markdown"),
    ],
)
def test_a_body_that_could_not_be_drawn_is_refused_with_the_path(rig, body, problem):
    text = body if isinstance(body, str) else json.dumps({"widgets": [body]})
    with pytest.raises(AwsError, match=problem) as caught:
        rig.cloudwatch.put_dashboard({"DashboardName": "d", "DashboardBody": text})
    assert caught.value.code == "DashboardInvalidInputError"


def test_a_name_with_other_characters_is_refused(rig):
    with pytest.raises(AwsError, match="letters, digits"):
        put(rig, "my dashboard")
