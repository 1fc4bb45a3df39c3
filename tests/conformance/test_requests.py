"""Requests that are refused before anything happens: the code that programs branch on, the member that people look for.

The wording beyond that is AWS's to change.
"""

import pytest

from tests.conformance.account import refusal

DEPLOYMENT = {"TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}}


def _update(**policy):
    request = {"EndpointName": "e", "EndpointConfigName": "c"}
    return {**request, "DeploymentConfig": {"BlueGreenUpdatePolicy": {**DEPLOYMENT, **policy}}}


@pytest.mark.aws("Requests", "A required member that is missing is a ValidationException that names it", "API: Errors")
@pytest.mark.parametrize(
    ("operation", "request_", "member"),
    [
        ("create_endpoint", {"EndpointName": "e"}, "endpointConfigName"),
        ("create_endpoint_config", {"EndpointConfigName": "c"}, "productionVariants"),
        ("create_model_package_group", {}, "modelPackageGroupName"),
        ("update_endpoint", _update(TrafficRoutingConfiguration={"Type": "ALL_AT_ONCE"}), "waitIntervalInSeconds"),
    ],
)
def test_a_missing_member_is_named(account, operation, request_, member):
    call = getattr(account.client("sagemaker", checked=False), operation)
    assert member.lower() in refusal("ValidationException", call, **request_).lower()


@pytest.mark.aws(
    "Requests", "A value beyond the bounds, the enum or the pattern of its member is refused by name", "API: Errors"
)
@pytest.mark.parametrize(
    ("operation", "request_", "member"),
    [
        ("update_endpoint", _update(MaximumExecutionTimeoutInSeconds=28801), "maximumExecutionTimeoutInSeconds"),
        ("update_endpoint", _update(MaximumExecutionTimeoutInSeconds=599), "maximumExecutionTimeoutInSeconds"),
        ("update_endpoint", _update(TerminationWaitInSeconds=3601), "terminationWaitInSeconds"),
        (
            "update_endpoint",
            _update(TrafficRoutingConfiguration={"Type": "SIDEWAYS", "WaitIntervalInSeconds": 0}),
            "type",
        ),
        ("describe_endpoint", {"EndpointName": "no_underscores"}, "endpointName"),
        ("describe_endpoint", {"EndpointName": "e" * 64}, "endpointName"),
        ("list_endpoints", {"MaxResults": 101}, "maxResults"),
        (
            "update_model_package",
            {
                "ModelPackageArn": "arn:aws:sagemaker:us-east-1:111122223333:model-package/g/1",
                "ModelApprovalStatus": "Archived",
            },
            "modelApprovalStatus",
        ),
        ("create_endpoint_config", {"EndpointConfigName": "c", "ProductionVariants": []}, "productionVariants"),
    ],
)
def test_a_value_out_of_bounds_is_named(account, operation, request_, member):
    call = getattr(account.client("sagemaker", checked=False), operation)
    assert member.lower() in refusal("ValidationException", call, **request_).lower()


@pytest.mark.aws("Requests", "Every violation of a request is listed, with their number", "API: Errors")
def test_several_violations_are_told_together(account):
    call = account.client("sagemaker", checked=False).create_endpoint
    said = refusal("ValidationException", call, EndpointName="no_underscores", EndpointConfigName="nor.dots")
    assert "2 validation errors detected" in said


@pytest.mark.aws(
    "Requests",
    "Hosting answers ValidationException for what does not exist, pipelines and experiments ResourceNotFound",
    "API: DescribeEndpoint, DescribePipeline, DescribeInferenceExperiment",
)
@pytest.mark.parametrize(
    ("code", "operation", "request_"),
    [
        ("ValidationException", "describe_endpoint", {"EndpointName": "nobody"}),
        ("ValidationException", "describe_endpoint_config", {"EndpointConfigName": "nobody"}),
        ("ValidationException", "describe_model", {"ModelName": "nobody"}),
        ("ValidationException", "describe_model_package_group", {"ModelPackageGroupName": "nobody"}),
        ("ValidationException", "update_endpoint", {"EndpointName": "nobody", "EndpointConfigName": "nobody"}),
        ("ValidationException", "delete_endpoint", {"EndpointName": "nobody"}),
        ("ResourceNotFound", "describe_pipeline", {"PipelineName": "nobody"}),
        ("ResourceNotFound", "start_pipeline_execution", {"PipelineName": "nobody"}),
    ],
)
def test_what_does_not_exist_has_its_own_error(sagemaker, code, operation, request_):
    refusal(code, getattr(sagemaker, operation), **request_)
