"""The Model Registry merges updates, keeps history by version, and announces what changed."""

from pathlib import Path

import pytest

from local.clock import Clock
from local.context import Context
from local.errors import AwsError
from local.registry import Registry

GROUP = {"ModelPackageGroupName": "flights"}


@pytest.fixture
def events() -> list:
    return []


@pytest.fixture
def registry(events, tmp_path: Path) -> Registry:
    context = Context(
        Clock(), "us-east-1", "111122223333", tmp_path, "http://127.0.0.1:1", lambda *event: events.append(event)
    )
    registry = Registry(context, {})
    registry.create_model_package_group(GROUP)
    return registry


def _registered(registry: Registry, **members) -> str:
    return registry.create_model_package({**GROUP, **members})["ModelPackageArn"]


def _described(registry: Registry, arn: str) -> dict:
    return registry.describe_model_package({"ModelPackageName": arn})


@pytest.mark.aws(
    "Model registry",
    "A package that is created without ModelApprovalStatus is PendingManualApproval",
    "API: CreateModelPackage",
)
def test_a_package_waits_for_approval_unless_told_otherwise(registry):
    assert _described(registry, _registered(registry))["ModelApprovalStatus"] == "PendingManualApproval"


def test_an_update_of_the_life_cycle_keeps_the_approval(registry):
    arn = _registered(registry, ModelApprovalStatus="Approved")
    registry.update_model_package(
        {"ModelPackageArn": arn, "ModelLifeCycle": {"Stage": "Production", "StageStatus": "Live"}}
    )
    assert _described(registry, arn)["ModelApprovalStatus"] == "Approved"


def test_an_approval_keeps_the_customer_metadata(registry):
    arn = _registered(registry, CustomerMetadataProperties={"git-commit": "abc"})
    registry.update_model_package({"ModelPackageArn": arn, "ModelApprovalStatus": "Approved"})
    assert _described(registry, arn)["CustomerMetadataProperties"] == {"git-commit": "abc"}


def test_customer_metadata_is_merged_and_keys_can_be_removed(registry):
    arn = _registered(registry, CustomerMetadataProperties={"a": "1", "b": "2"})
    registry.update_model_package(
        {
            "ModelPackageArn": arn,
            "CustomerMetadataProperties": {"c": "3"},
            "CustomerMetadataPropertiesToRemove": ["a"],
        }
    )
    assert _described(registry, arn)["CustomerMetadataProperties"] == {"b": "2", "c": "3"}


def test_an_approval_event_says_that_the_approval_changed(registry, events):
    arn = _registered(registry)
    registry.update_model_package({"ModelPackageArn": arn, "ModelApprovalStatus": "Approved"})
    kind, resources, detail = events[-1]
    assert (kind, resources) == ("SageMaker Model Package State Change", [arn])
    assert detail["UpdatedModelPackageFields"] == ["ModelApprovalStatus"]


def test_an_event_of_our_own_metadata_does_not_name_the_approval(registry, events):
    arn = _registered(registry, ModelApprovalStatus="Approved")
    registry.update_model_package({"ModelPackageArn": arn, "CustomerMetadataProperties": {"stage": "live"}})
    assert events[-1][2]["UpdatedModelPackageFields"] == ["CustomerMetadataProperties"]


def test_a_list_is_oldest_first_unless_it_asks_otherwise(registry):
    first, second = _registered(registry), _registered(registry)

    def listed(**members) -> list:
        found = registry.list_model_packages({**GROUP, "ModelPackageType": "Versioned", **members})
        return [summary["ModelPackageArn"] for summary in found["ModelPackageSummaryList"]]

    assert listed() == [first, second]
    assert listed(SortOrder="Descending") == [second, first]


def test_a_list_comes_in_pages(registry):
    arns = [_registered(registry) for _ in range(5)]
    first = registry.list_model_packages({**GROUP, "MaxResults": 3})
    rest = registry.list_model_packages({**GROUP, "MaxResults": 3, "NextToken": first["NextToken"]})
    pages = [*first["ModelPackageSummaryList"], *rest["ModelPackageSummaryList"]]
    assert [summary["ModelPackageArn"] for summary in pages] == arns
    assert rest["NextToken"] is None


def test_a_version_number_is_never_given_twice(registry):
    registry.delete_model_package({"ModelPackageName": _registered(registry)})
    assert _registered(registry).endswith("/2")


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("create_model_package_group", GROUP),
        ("describe_model_package_group", {"ModelPackageGroupName": "nobody"}),
        ("describe_model_package", {"ModelPackageName": "arn:nobody"}),
        ("create_model_package", {"ModelPackageGroupName": "nobody"}),
        ("create_model_package", {**GROUP, "Tags": [{"Key": "a", "Value": "b"}]}),
        ("create_model_package", {}),
    ],
)
def test_what_aws_refuses_is_refused(registry, operation, request_):
    with pytest.raises(AwsError) as caught:
        getattr(registry, operation)(request_)
    assert caught.value.code == "ValidationException"
