"""The Model Registry merges updates, keeps history by version, and announces what changed."""

from datetime import timedelta
from pathlib import Path

import pytest

from local.clock import Clock
from local.context import ACCOUNT, Context
from local.errors import AwsError
from local.registry import Registry
from local.tags import Tags
from local.unverified import assume

GROUP = {"ModelPackageGroupName": "flights"}
GROUP_ARN = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:model-package-group/flights"
LIVE = {"Stage": "Production", "StageStatus": "Live"}


@pytest.fixture
def events() -> list:
    return []


@pytest.fixture
def make(events, tmp_path: Path):
    """Make a registry in which the group exists, under some reading of what AWS leaves open."""

    def _make(*choices: str) -> Registry:
        emit = lambda *event: events.append(event)  # noqa: E731
        where = (tmp_path, "http://127.0.0.1:1")
        context = Context(Clock(), "us-east-1", ACCOUNT, *where, emit, unverified=assume(choices))
        registry = Registry(context, Tags().by_arn)
        registry.create_model_package_group(GROUP)
        return registry

    return _make


@pytest.fixture
def registry(make) -> Registry:
    return make()


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


@pytest.mark.aws("Model registry", "An update changes only the members it names", "API: UpdateModelPackage")
def test_an_update_of_the_life_cycle_keeps_the_approval(registry):
    arn = _registered(registry, ModelApprovalStatus="Approved")
    registry.update_model_package({"ModelPackageArn": arn, "ModelLifeCycle": LIVE})
    assert _described(registry, arn)["ModelApprovalStatus"] == "Approved"


def test_an_approval_keeps_the_customer_metadata(registry):
    arn = _registered(registry, CustomerMetadataProperties={"git-commit": "abc"})
    registry.update_model_package({"ModelPackageArn": arn, "ModelApprovalStatus": "Approved"})
    assert _described(registry, arn)["CustomerMetadataProperties"] == {"git-commit": "abc"}


@pytest.mark.aws(
    "Model registry",
    "CustomerMetadataPropertiesToRemove removes keys, and the others stay",
    "API: UpdateModelPackage",
)
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


def test_customer_metadata_is_replaced_when_that_is_assumed(make):
    registry = make("customer_metadata_update=replace")
    arn = _registered(registry, CustomerMetadataProperties={"a": "1"})
    registry.update_model_package({"ModelPackageArn": arn, "CustomerMetadataProperties": {"c": "3"}})
    assert _described(registry, arn)["CustomerMetadataProperties"] == {"c": "3"}


@pytest.mark.aws(
    "Model registry",
    "Every change of a package is an event whose UpdatedModelPackageFields names what changed",
    "Developer guide: Events that Amazon SageMaker AI sends to Amazon EventBridge",
)
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


@pytest.mark.parametrize(
    ("choices", "fields"), [((), None), (("created_approved_event=with_fields",), ["ModelApprovalStatus"])]
)
def test_a_package_created_approved_names_the_approval_only_when_that_is_assumed(make, events, choices, fields):
    _registered(make(*choices), ModelApprovalStatus="Approved")
    assert events[-1][2].get("UpdatedModelPackageFields") == fields


def test_a_package_created_pending_names_no_change_whatever_is_assumed(make, events):
    _registered(make("created_approved_event=with_fields"))
    assert "UpdatedModelPackageFields" not in events[-1][2]


@pytest.mark.aws(
    "Events",
    "A model package event has the package's members, with times to the second",
    "Developer guide: Events that Amazon SageMaker AI sends to Amazon EventBridge",
)
def test_an_event_has_the_packages_members_and_times(registry, events):
    specification = {"Containers": [{"Image": "image", "ModelDataUrl": "s3://b/k"}]}
    arn = _registered(registry, InferenceSpecification=specification, CustomerMetadataProperties={"a": "1"})
    registry.update_model_package({"ModelPackageArn": arn, "ModelLifeCycle": LIVE, "ApprovalDescription": "good"})
    detail = events[-1][2]
    assert detail["InferenceSpecification"] == specification
    assert (detail["ModelLifeCycle"], detail["ApprovalDescription"]) == (LIVE, "good")
    assert (detail["ModelPackageGroupName"], detail["ModelPackageVersion"]) == ("flights", 1)
    assert (detail["ModelPackageStatus"], detail["CertifyForMarketplace"]) == ("Completed", False)
    assert detail["CreationTime"] == f"{_described(registry, arn)['CreationTime']:%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.aws(
    "Model registry",
    "The same CreateModelPackage with the same ClientToken makes one version",
    "API: CreateModelPackage",
)
def test_a_create_that_is_sent_again_with_its_token_makes_one_version(registry, events):
    assert _registered(registry, ClientToken="t") == _registered(registry, ClientToken="t")
    assert len(registry.list_model_packages(GROUP)["ModelPackageSummaryList"]) == len(events) == 1


def test_an_update_that_is_sent_again_with_its_token_is_done_once(registry, events):
    arn = _registered(registry)
    for status in ("Approved", "Rejected", "Approved"):
        token = {"ClientToken": status, "ModelPackageArn": arn}
        registry.update_model_package({**token, "ModelApprovalStatus": status})
    assert _described(registry, arn)["ModelApprovalStatus"] == "Rejected"
    assert len(events) == 3


def test_a_token_of_another_request_is_a_conflict(registry):
    _registered(registry, ClientToken="t")
    with pytest.raises(AwsError, match="Token t was used") as caught:
        _registered(registry, ClientToken="t", ModelPackageDescription="other")
    assert caught.value.code == "ConflictException"


def test_a_request_that_is_refused_does_not_use_up_its_token(registry):
    with pytest.raises(AwsError):
        registry.create_model_package({"ModelPackageGroupName": "later", "ClientToken": "t"})
    registry.create_model_package_group({"ModelPackageGroupName": "later"})
    assert registry.create_model_package({"ModelPackageGroupName": "later", "ClientToken": "t"})


def test_who_changed_a_package_and_when_is_told(registry):
    arn = _registered(registry)
    created = _described(registry, arn)
    registry.update_model_package({"ModelPackageArn": arn, "ModelApprovalStatus": "Approved"})
    described = _described(registry, arn)
    assert described["LastModifiedTime"] > described["CreationTime"] == created["CreationTime"]
    assert described["LastModifiedBy"]["IamIdentity"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:user/moto"


@pytest.mark.aws(
    "Model registry",
    "A list is Ascending by CreationTime unless it asks otherwise",
    "API: ListModelPackages",
)
def test_a_list_is_oldest_first_unless_it_asks_otherwise(registry):
    first, second = _registered(registry), _registered(registry)

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
    _registered(registry)
    listed = registry.list_model_packages(request_)["ModelPackageSummaryList"]
    assert [summary["ModelPackageArn"].partition("model-package/")[2] for summary in listed] == names


def test_a_list_can_be_bounded_by_time(registry):
    arn = _registered(registry)
    when = _described(registry, arn)["CreationTime"]

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
    arns = [_registered(registry) for _ in range(5)]
    first = registry.list_model_packages({**GROUP, "MaxResults": 3})
    rest = registry.list_model_packages({**GROUP, "MaxResults": 3, "NextToken": first["NextToken"]})
    pages = [*first["ModelPackageSummaryList"], *rest["ModelPackageSummaryList"]]
    assert [summary["ModelPackageArn"] for summary in pages] == arns
    assert "NextToken" not in rest


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
        ("create_model_package", {**GROUP, "ModelPackageName": "both"}),
        ("create_model_package", {"ModelPackageName": "p", "ModelApprovalStatus": "Approved"}),
        ("create_model_package", {**GROUP, "ModelCard": {"ModelCardContent": "no JSON"}}),
        ("create_model_package_group", {"ModelPackageGroupName": "FLIGHTS"}),
        ("get_model_package_group_policy", GROUP),
        ("delete_model_package_group_policy", GROUP),
        ("put_model_package_group_policy", {**GROUP, "ResourcePolicy": "{"}),
        ("put_model_package_group_policy", {"ModelPackageGroupName": "nobody", "ResourcePolicy": "{}"}),
        ("update_model_package", {"ModelPackageArn": f"{GROUP_ARN.replace('-group', '')}/9"}),
        ("delete_model_package", {"ModelPackageName": "flights/9"}),
    ],
)
def test_what_aws_refuses_is_refused(registry, operation, request_):
    with pytest.raises(AwsError) as caught:
        getattr(registry, operation)(request_)
    assert caught.value.code == "ValidationException"


def test_an_unversioned_package_has_a_name_tags_and_no_approval(registry):
    arn = registry.create_model_package({"ModelPackageName": "Alone", "Tags": [{"Key": "a", "Value": "b"}]})
    described = _described(registry, "Alone")
    assert described["ModelPackageArn"] == arn["ModelPackageArn"]
    assert arn["ModelPackageArn"].endswith(":model-package/alone")
    assert "ModelApprovalStatus" not in described
    with pytest.raises(AwsError, match="already exists"):
        registry.create_model_package({"ModelPackageName": "alone"})
    with pytest.raises(AwsError, match="not versioned"):
        registry.update_model_package({"ModelPackageArn": described["ModelPackageArn"]})


def test_packages_are_described_many_at_a_time_with_an_error_for_each_that_is_not_there(registry):
    arn = _registered(registry)
    answer = registry.batch_describe_model_package({"ModelPackageArnList": [arn, f"{arn}9"]})
    assert answer["ModelPackageSummaries"][arn]["ModelPackageVersion"] == 1
    assert answer["BatchDescribeModelPackageErrorMap"][f"{arn}9"]["ErrorCode"] == "ValidationException"


@pytest.mark.aws(
    "Model registry", "A group's resource policy is put, got and deleted", "API: PutModelPackageGroupPolicy"
)
def test_a_groups_policy_is_kept_until_it_is_deleted(registry):
    policy = '{"Version": "2012-10-17", "Statement": []}'
    put = registry.put_model_package_group_policy({**GROUP, "ResourcePolicy": policy})
    assert put == {"ModelPackageGroupArn": GROUP_ARN}
    assert registry.get_model_package_group_policy(GROUP) == {"ResourcePolicy": policy}
    registry.delete_model_package_group_policy(GROUP)
    with pytest.raises(AwsError, match=f"Cannot find resource policy for: {GROUP_ARN}"):
        registry.get_model_package_group_policy(GROUP)


@pytest.mark.aws("Model registry", "A group that has packages cannot be deleted", "API: DeleteModelPackageGroup")
def test_a_group_is_deleted_when_it_is_empty_only(registry):
    arn = _registered(registry)
    with pytest.raises(AwsError, match="it has model packages") as caught:
        registry.delete_model_package_group(GROUP)
    assert caught.value.code == "ConflictException"
    registry.delete_model_package({"ModelPackageName": arn})
    registry.delete_model_package_group({"ModelPackageGroupName": GROUP_ARN})
    with pytest.raises(AwsError, match="does not exist"):
        registry.describe_model_package_group(GROUP)


def test_a_version_is_found_by_group_and_number_too(registry):
    _registered(registry)
    assert _described(registry, "flights/1")["ModelPackageVersion"] == 1


@pytest.mark.aws("Model registry", "A version has no tags of its own: it uses its group's", "API: CreateModelPackage")
def test_a_version_takes_no_tags_and_a_group_does(registry):
    tags, tag = Tags(), [{"Key": "team", "Value": "flights"}]
    with pytest.raises(AwsError, match="tag that"):
        tags.add_tags({"ResourceArn": _registered(registry), "Tags": tag})
    assert tags.add_tags({"ResourceArn": GROUP_ARN, "Tags": tag}) == {"Tags": tag}


def test_tags_are_at_most_fifty_and_none_of_awss(registry):
    tags = Tags()
    tags.add_tags({"ResourceArn": GROUP_ARN, "Tags": [{"Key": str(i), "Value": ""} for i in range(50)]})
    for key, said in (("more", "51 tags"), ("aws:own", "reserved for AWS")):
        with pytest.raises(AwsError, match=said):
            tags.add_tags({"ResourceArn": GROUP_ARN, "Tags": [{"Key": key, "Value": ""}]})
    assert len(tags.list_tags({"ResourceArn": GROUP_ARN})["Tags"]) == 50
