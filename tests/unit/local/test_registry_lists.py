"""Lists of packages and groups: what they have, in which order, page by page."""

from datetime import timedelta

import pytest

from tests.unit.local.registry_rig import GROUP, GROUP_ARN, described, made, registered


@pytest.fixture
def registry(tmp_path):
    return made(tmp_path, [])


@pytest.mark.aws(
    "Model registry",
    "A list is Ascending by CreationTime unless it asks otherwise",
    "API: ListModelPackages",
)
def test_a_list_is_oldest_first_unless_it_asks_otherwise(registry):
    first, second = registered(registry), registered(registry)

    def listed(**members) -> list:
        found = registry.list_model_packages({**GROUP, "ModelPackageType": "Versioned", **members})
        return [summary["ModelPackageArn"] for summary in found["ModelPackageSummaryList"]]

    assert listed() == [first, second]
    assert listed(SortOrder="Descending") == [second, first]


@pytest.mark.aws(
    "Model registry",
    "Without a group and a type a list has unversioned packages only",
    "API: ListModelPackages",
)
@pytest.mark.parametrize(
    ("request_", "names"),
    [
        ({}, ["alone"]),
        ({"ModelPackageType": "Versioned"}, ["flights/1"]),
        ({"ModelPackageType": "Both"}, ["alone", "flights/1"]),
        (GROUP, ["flights/1"]),
        ({"ModelPackageGroupName": GROUP_ARN}, ["flights/1"]),
        ({"ModelPackageType": "Both", "NameContains": "fligh"}, ["flights/1"]),
        ({"ModelPackageType": "Both", "ModelApprovalStatus": "PendingManualApproval"}, ["flights/1"]),
        ({"ModelPackageType": "Both", "SortBy": "Name", "SortOrder": "Descending"}, ["flights/1", "alone"]),
    ],
)
def test_a_list_has_the_packages_that_it_asks_for(registry, request_, names):
    registry.create_model_package({"ModelPackageName": "alone"})
    registered(registry)
    listed = registry.list_model_packages(request_)["ModelPackageSummaryList"]
    assert [summary["ModelPackageArn"].partition("model-package/")[2] for summary in listed] == names


def test_a_list_can_be_bounded_by_time(registry):
    arn = registered(registry)
    when = described(registry, arn)["CreationTime"]

    def listed(**members) -> int:
        return len(registry.list_model_packages({**GROUP, **members})["ModelPackageSummaryList"])

    second = timedelta(seconds=1)
    assert listed(CreationTimeAfter=when - second, CreationTimeBefore=when + second) == 1
    assert listed(CreationTimeAfter=when) == listed(CreationTimeBefore=when) == 0


def test_groups_are_listed_in_pages(registry):
    for name in ("b", "a"):
        registry.create_model_package_group({"ModelPackageGroupName": name})

    def listed(**members) -> list:
        found = registry.list_model_package_groups(members)["ModelPackageGroupSummaryList"]
        return [group["ModelPackageGroupName"] for group in found]

    assert listed() == ["flights", "b", "a"]
    assert listed(SortBy="Name") == ["a", "b", "flights"]
    assert listed(SortBy="Name", MaxResults=2, NextToken="2") == ["flights"]
    assert listed(NameContains="LIGHT") == ["flights"]
    assert listed(CrossAccountFilterOption="CrossAccount") == []


def test_a_list_comes_in_pages(registry):
    arns = [registered(registry) for _ in range(5)]
    first = registry.list_model_packages({**GROUP, "MaxResults": 3})
    rest = registry.list_model_packages({**GROUP, "MaxResults": 3, "NextToken": first["NextToken"]})
    pages = [*first["ModelPackageSummaryList"], *rest["ModelPackageSummaryList"]]
    assert [summary["ModelPackageArn"] for summary in pages] == arns
    assert "NextToken" not in rest


def test_packages_are_described_many_at_a_time_with_an_error_for_each_that_is_not_there(registry):
    arn = registered(registry)
    answer = registry.batch_describe_model_package({"ModelPackageArnList": [arn, f"{arn}9"]})
    assert answer["ModelPackageSummaries"][arn]["ModelPackageVersion"] == 1
    assert answer["BatchDescribeModelPackageErrorMap"][f"{arn}9"]["ErrorCode"] == "ValidationException"
