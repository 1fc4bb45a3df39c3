"""SageMaker's events as EventBridge hands them on: approvals, endpoints, deployments."""

import pytest

from tests.conformance.queues import Queue

SOURCE = {"source": ["aws.sagemaker"]}
PACKAGE = {**SOURCE, "detail-type": ["SageMaker Model Package State Change"]}
ENDPOINT = {**SOURCE, "detail-type": ["SageMaker Endpoint State Change"]}


@pytest.fixture(scope="module")
def group(resources):
    """A group of this module's own."""
    return resources.group()


@pytest.mark.aws(
    "Events",
    "An approval is an event of the package, whose UpdatedModelPackageFields say what changed",
    "Developer guide: EventBridge events",
)
def test_an_approval_is_an_event(resources, sagemaker, group):
    detail = {
        "ModelPackageGroupName": [group],
        "ModelApprovalStatus": ["Approved"],
        "UpdatedModelPackageFields": ["ModelApprovalStatus"],
    }
    queue, package = Queue(resources, {**PACKAGE, "detail": detail}), resources.package(group)
    sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved", ApprovalDescription="good")
    event = queue.receive()
    assert (event["source"], event["version"]) == ("aws.sagemaker", "0")
    assert event["detail-type"] == "SageMaker Model Package State Change"
    assert event["resources"] == [package]
    assert event["account"] in package
    assert event["region"] in package
    assert event["detail"]["ModelPackageArn"] == package
    assert isinstance(event["detail"]["ModelPackageVersion"], int)
    assert event["detail"]["ModelPackageStatus"] == "Completed"


@pytest.mark.aws(
    "Events",
    "An update of an approved package's metadata is an event that does not name its approval",
    "Developer guide: EventBridge events",
)
def test_a_note_on_an_approved_package_is_not_an_approval(resources, sagemaker, group):
    package = resources.package(group, ModelApprovalStatus="Approved")
    queue = Queue(resources, {**PACKAGE, "detail": {"ModelPackageArn": [package]}})
    sagemaker.update_model_package(ModelPackageArn=package, CustomerMetadataProperties={"outcome": "promoted"})
    detail = queue.receive()["detail"]
    assert detail["ModelApprovalStatus"] == "Approved"
    assert detail["UpdatedModelPackageFields"] == ["CustomerMetadataProperties"]


@pytest.mark.aws(
    "Events",
    "An endpoint's change of status is an event, the status in capitals",
    "Developer guide: EventBridge events",
)
def test_an_endpoints_update_is_events(account, resources, sagemaker, endpoint):
    queue = Queue(resources, {**ENDPOINT, "detail": {"EndpointName": [endpoint]}})
    config = resources.config()
    sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=config)
    account.settled(endpoint)
    statuses = set()
    while "IN_SERVICE" not in statuses:
        event = queue.receive()
        statuses.add(event["detail"]["EndpointStatus"])
        assert event["resources"] == [event["detail"]["EndpointArn"]]
    assert statuses >= {"UPDATING", "IN_SERVICE"}
    assert event["detail"]["EndpointConfigName"] == config
