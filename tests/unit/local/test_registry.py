"""The Model Registry merges updates, keeps history by version, and announces what changed."""

import pytest

from local.context import ACCOUNT
from local.errors import AwsError
from tests.unit.local.registry_rig import GROUP, GROUP_ARN, LIVE, described, made, registered


@pytest.fixture
def events():
    return []


@pytest.fixture
def make(events, tmp_path):
    """Make a registry under some reading of what AWS leaves open."""
    return lambda *choices: made(tmp_path, events, *choices)


@pytest.fixture
def registry(make):
    return make()


@pytest.mark.aws(
    "Model registry",
    "A package that is created without ModelApprovalStatus is PendingManualApproval",
    "API: CreateModelPackage",
)
def test_a_package_waits_for_approval_unless_told_otherwise(registry):
    assert described(registry, registered(registry))["ModelApprovalStatus"] == "PendingManualApproval"


@pytest.mark.aws("Model registry", "An update changes only the members it names", "API: UpdateModelPackage")
def test_an_update_of_the_life_cycle_keeps_the_approval(registry):
    arn = registered(registry, ModelApprovalStatus="Approved")
    registry.update_model_package({"ModelPackageArn": arn, "ModelLifeCycle": LIVE})
    assert described(registry, arn)["ModelApprovalStatus"] == "Approved"


def test_an_approval_keeps_the_customer_metadata(registry):
    arn = registered(registry, CustomerMetadataProperties={"git-commit": "abc"})
    registry.update_model_package({"ModelPackageArn": arn, "ModelApprovalStatus": "Approved"})
    assert described(registry, arn)["CustomerMetadataProperties"] == {"git-commit": "abc"}


@pytest.mark.aws(
    "Model registry",
    "CustomerMetadataPropertiesToRemove removes keys, and the others stay",
    "API: UpdateModelPackage",
)
def test_customer_metadata_is_merged_and_keys_can_be_removed(registry):
    arn = registered(registry, CustomerMetadataProperties={"a": "1", "b": "2"})
    registry.update_model_package(
        {
            "ModelPackageArn": arn,
            "CustomerMetadataProperties": {"c": "3"},
            "CustomerMetadataPropertiesToRemove": ["a"],
        }
    )
    assert described(registry, arn)["CustomerMetadataProperties"] == {"b": "2", "c": "3"}


def test_customer_metadata_is_replaced_when_that_is_assumed(make):
    registry = make("customer_metadata_update=replace")
    arn = registered(registry, CustomerMetadataProperties={"a": "1"})
    registry.update_model_package({"ModelPackageArn": arn, "CustomerMetadataProperties": {"c": "3"}})
    assert described(registry, arn)["CustomerMetadataProperties"] == {"c": "3"}


@pytest.mark.aws(
    "Model registry",
    "Every change of a package is an event whose UpdatedModelPackageFields names what changed",
    "Developer guide: Events that Amazon SageMaker AI sends to Amazon EventBridge",
)
def test_an_approval_event_says_that_the_approval_changed(registry, events):
    arn = registered(registry)
    registry.update_model_package({"ModelPackageArn": arn, "ModelApprovalStatus": "Approved"})
    kind, resources, detail = events[-1]
    assert (kind, resources) == ("SageMaker Model Package State Change", [arn])
    assert detail["UpdatedModelPackageFields"] == ["ModelApprovalStatus"]


def test_an_event_of_our_own_metadata_does_not_name_the_approval(registry, events):
    arn = registered(registry, ModelApprovalStatus="Approved")
    registry.update_model_package({"ModelPackageArn": arn, "CustomerMetadataProperties": {"stage": "live"}})
    assert events[-1][2]["UpdatedModelPackageFields"] == ["CustomerMetadataProperties"]


@pytest.mark.parametrize(
    ("choices", "fields"), [((), None), (("created_approved_event=with_fields",), ["ModelApprovalStatus"])]
)
def test_a_package_created_approved_names_the_approval_only_when_that_is_assumed(make, events, choices, fields):
    registered(make(*choices), ModelApprovalStatus="Approved")
    assert events[-1][2].get("UpdatedModelPackageFields") == fields


def test_a_package_created_pending_names_no_change_whatever_is_assumed(make, events):
    registered(make("created_approved_event=with_fields"))
    assert "UpdatedModelPackageFields" not in events[-1][2]


@pytest.mark.aws(
    "Events",
    "A model package event has the package's members, with times to the second",
    "Developer guide: Events that Amazon SageMaker AI sends to Amazon EventBridge",
)
def test_an_event_has_the_packages_members_and_times(registry, events):
    specification = {"Containers": [{"Image": "image", "ModelDataUrl": "s3://b/k"}]}
    arn = registered(registry, InferenceSpecification=specification, CustomerMetadataProperties={"a": "1"})
    registry.update_model_package({"ModelPackageArn": arn, "ModelLifeCycle": LIVE, "ApprovalDescription": "good"})
    detail = events[-1][2]
    assert detail["InferenceSpecification"] == specification
    assert (detail["ModelLifeCycle"], detail["ApprovalDescription"]) == (LIVE, "good")
    assert (detail["ModelPackageGroupName"], detail["ModelPackageVersion"]) == ("flights", 1)
    assert (detail["ModelPackageStatus"], detail["CertifyForMarketplace"]) == ("Completed", False)
    assert detail["CreationTime"] == f"{described(registry, arn)['CreationTime']:%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.aws(
    "Model registry",
    "The same CreateModelPackage with the same ClientToken makes one version",
    "API: CreateModelPackage",
)
def test_a_create_that_is_sent_again_with_its_token_makes_one_version(registry, events):
    assert registered(registry, ClientToken="t") == registered(registry, ClientToken="t")
    assert len(registry.list_model_packages(GROUP)["ModelPackageSummaryList"]) == len(events) == 1


def test_an_update_that_is_sent_again_with_its_token_is_done_once(registry, events):
    arn = registered(registry)
    for status in ("Approved", "Rejected", "Approved"):
        token = {"ClientToken": status, "ModelPackageArn": arn}
        registry.update_model_package({**token, "ModelApprovalStatus": status})
    assert described(registry, arn)["ModelApprovalStatus"] == "Rejected"
    assert len(events) == 3


def test_a_token_of_another_request_is_a_conflict(registry):
    registered(registry, ClientToken="t")
    with pytest.raises(AwsError, match="Token t was used") as caught:
        registered(registry, ClientToken="t", ModelPackageDescription="other")
    assert caught.value.code == "ConflictException"


def test_a_request_that_is_refused_does_not_use_up_its_token(registry):
    with pytest.raises(AwsError):
        registry.create_model_package({"ModelPackageGroupName": "later", "ClientToken": "t"})
    registry.create_model_package_group({"ModelPackageGroupName": "later"})
    assert registry.create_model_package({"ModelPackageGroupName": "later", "ClientToken": "t"})


def test_who_changed_a_package_and_when_is_told(registry):
    arn = registered(registry)
    created = described(registry, arn)
    registry.update_model_package({"ModelPackageArn": arn, "ModelApprovalStatus": "Approved"})
    after = described(registry, arn)
    assert after["LastModifiedTime"] > after["CreationTime"] == created["CreationTime"]
    assert after["LastModifiedBy"]["IamIdentity"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:user/moto"


def test_a_version_number_is_never_given_twice(registry):
    registry.delete_model_package({"ModelPackageName": registered(registry)})
    assert registered(registry).endswith("/2")


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
    package = described(registry, "Alone")
    assert package["ModelPackageArn"] == arn["ModelPackageArn"]
    assert arn["ModelPackageArn"].endswith(":model-package/alone")
    assert "ModelApprovalStatus" not in package
    with pytest.raises(AwsError, match="already exists"):
        registry.create_model_package({"ModelPackageName": "alone"})
    with pytest.raises(AwsError, match="not versioned"):
        registry.update_model_package({"ModelPackageArn": package["ModelPackageArn"]})


def test_a_version_is_found_by_group_and_number_too(registry):
    registered(registry)
    assert described(registry, "flights/1")["ModelPackageVersion"] == 1
