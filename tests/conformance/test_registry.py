"""Model Registry: versions, approval, what an update changes, what lists show by default."""

import pytest

from tests.conformance.account import refusal
from tests.conformance.resources import variant


@pytest.fixture(scope="module")
def group(resources):
    """A group of this module's own."""
    return resources.group()


@pytest.fixture
def package(resources, group):
    """The ARN of a new version with metadata."""
    return resources.package(group, CustomerMetadataProperties={"auc": "0.71", "commit": "abc"})


def _versions(sagemaker, group, **request):
    listed = sagemaker.list_model_packages(ModelPackageGroupName=group, **request)["ModelPackageSummaryList"]
    return [summary["ModelPackageVersion"] for summary in listed]


@pytest.mark.aws(
    "Model registry", "A package created without ModelApprovalStatus waits for approval", "API: CreateModelPackage"
)
def test_a_new_package_waits_for_approval(sagemaker, package):
    assert sagemaker.describe_model_package(ModelPackageName=package)["ModelApprovalStatus"] == "PendingManualApproval"


@pytest.mark.aws("Model registry", "A version has no ModelPackageName, only its ARN", "SDK: tools/constants.py")
def test_a_version_has_no_name_of_its_own(sagemaker, package):
    assert "ModelPackageName" not in sagemaker.describe_model_package(ModelPackageName=package)


@pytest.mark.aws("Model registry", "Versions of a group count up from 1", "Developer guide: Register a Model Version")
def test_versions_count_up(sagemaker, resources):
    group = resources.group()
    arns = [resources.package(group) for _ in range(3)]
    described = [sagemaker.describe_model_package(ModelPackageName=arn) for arn in arns]
    assert [package["ModelPackageVersion"] for package in described] == [1, 2, 3]
    assert all(arn.endswith(f"model-package/{group}/{number}") for number, arn in enumerate(arns, 1))


@pytest.mark.aws(
    "Model registry", "UpdateModelPackage leaves what it does not name as it is", "API: UpdateModelPackage"
)
def test_an_approval_keeps_the_metadata(sagemaker, package):
    sagemaker.update_model_package(
        ModelPackageArn=package, ModelApprovalStatus="Approved", ApprovalDescription="looks good"
    )
    described = sagemaker.describe_model_package(ModelPackageName=package)
    assert described["ModelApprovalStatus"] == "Approved"
    assert described["ApprovalDescription"] == "looks good"
    assert described["CustomerMetadataProperties"] == {"auc": "0.71", "commit": "abc"}
    assert described["InferenceSpecification"]["Containers"][0]["Environment"]["SAGEMAKER_PROGRAM"] == "inference.py"


@pytest.mark.aws(
    "Model registry", "An update of the metadata leaves the approval status as it is", "API: UpdateModelPackage"
)
def test_new_metadata_keep_the_approval(sagemaker, package):
    sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Rejected")
    sagemaker.update_model_package(ModelPackageArn=package, CustomerMetadataProperties={"auc": "0.72", "commit": "d"})
    described = sagemaker.describe_model_package(ModelPackageName=package)
    assert described["ModelApprovalStatus"] == "Rejected"
    assert described["CustomerMetadataProperties"] == {"auc": "0.72", "commit": "d"}


@pytest.mark.aws(
    "Model registry", "CustomerMetadataPropertiesToRemove removes those keys only", "API: UpdateModelPackage"
)
def test_metadata_are_removed_by_key(sagemaker, package):
    sagemaker.update_model_package(ModelPackageArn=package, CustomerMetadataPropertiesToRemove=["commit"])
    described = sagemaker.describe_model_package(ModelPackageName=package)
    assert described["CustomerMetadataProperties"] == {"auc": "0.71"}


@pytest.mark.aws("Model registry", "ModelLifeCycle is kept and shown", "API: UpdateModelPackage")
def test_a_life_cycle_stage_is_kept(sagemaker, package):
    stage = {"Stage": "Production", "StageStatus": "Live", "StageDescription": "since Monday"}
    sagemaker.update_model_package(ModelPackageArn=package, ModelLifeCycle=stage)
    assert sagemaker.describe_model_package(ModelPackageName=package)["ModelLifeCycle"] == stage


@pytest.mark.aws("Model registry", "Packages are listed oldest first by default", "API: ListModelPackages")
def test_packages_are_listed_oldest_first(sagemaker, resources):
    group = resources.group()
    for _ in range(2):
        resources.package(group)
    assert _versions(sagemaker, group) == [1, 2]
    assert _versions(sagemaker, group, SortOrder="Descending") == [2, 1]


@pytest.mark.aws("Model registry", "Packages are listed by their approval status", "API: ListModelPackages")
def test_packages_are_found_by_approval_status(sagemaker, resources):
    group = resources.group()
    resources.package(group)
    resources.package(group, ModelApprovalStatus="Approved")
    assert _versions(sagemaker, group, ModelApprovalStatus="Approved") == [2]
    assert _versions(sagemaker, group, ModelApprovalStatus="PendingManualApproval") == [1]


@pytest.mark.aws("Model registry", "A list without a group shows no versioned package", "API: ListModelPackages")
def test_versioned_packages_are_not_listed_unless_asked_for(sagemaker, package, group):
    def listed(**request):
        pages = sagemaker.get_paginator("list_model_packages").paginate(**request)
        return [item["ModelPackageArn"] for page in pages for item in page["ModelPackageSummaryList"]]

    assert package not in listed()
    assert package in listed(ModelPackageType="Versioned")
    assert package in listed(ModelPackageType="Both")


@pytest.mark.aws("Model registry", "MaxResults pages a list, and NextToken goes on", "API: ListModelPackages")
def test_a_long_list_comes_in_pages(sagemaker, resources):
    group = resources.group()
    for _ in range(3):
        resources.package(group)
    first = sagemaker.list_model_packages(ModelPackageGroupName=group, MaxResults=2)
    rest = sagemaker.list_model_packages(ModelPackageGroupName=group, MaxResults=2, NextToken=first["NextToken"])
    pages = [[item["ModelPackageVersion"] for item in page["ModelPackageSummaryList"]] for page in (first, rest)]
    assert pages == [[1, 2], [3]]
    assert not rest.get("NextToken")


@pytest.mark.aws("Model registry", "The same ClientToken makes one package", "API: CreateModelPackage")
def test_the_same_token_makes_one_package(sagemaker, resources):
    group = resources.group()
    first = resources.package(group, ClientToken="a-token")
    assert resources.package(group, ClientToken="a-token") == first
    assert _versions(sagemaker, group) == [1]


@pytest.mark.aws("Model registry", "A versioned package takes no tags of its own", "API: CreateModelPackage")
def test_a_versioned_package_takes_no_tags(sagemaker, group):
    tags = [{"Key": "k", "Value": "v"}]
    refusal("ValidationException", sagemaker.create_model_package, ModelPackageGroupName=group, Tags=tags)


@pytest.mark.aws("Model registry", "A group's name is taken once", "API: CreateModelPackageGroup")
def test_a_groups_name_is_taken_once(sagemaker, group):
    refusal("ValidationException", sagemaker.create_model_package_group, ModelPackageGroupName=group)


@pytest.mark.aws("Model registry", "A versioned package must be Approved to be deployed", "API: CreateModelPackage")
def test_a_package_that_is_not_approved_is_not_deployed(sagemaker, account, resources, package):
    """Which of the calls refuses it is not documented."""
    name = resources.name("unapproved")

    def deploy():
        sagemaker.create_model(
            ModelName=name, ExecutionRoleArn=account.role, PrimaryContainer={"ModelPackageName": package}
        )
        resources.later(sagemaker.delete_model, ModelName=name)
        resources.endpoint(resources.config(variant(name, count=1)))

    refusal("ValidationException", deploy)


@pytest.mark.aws("Model registry", "An approved package is deployed by its ARN", "Developer guide: Deploy a Model")
def test_an_approved_package_makes_a_model(sagemaker, account, resources, package):
    sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    name, container = resources.name("approved"), {"ModelPackageName": package}
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=account.role, Containers=[container])
    resources.later(sagemaker.delete_model, ModelName=name)
    assert sagemaker.describe_model(ModelName=name)["Containers"][0]["ModelPackageName"] == package
