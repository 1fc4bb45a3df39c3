"""Hosting's operations: what they refuse, what they list and describe. Nothing serves here unless the test needs it."""

import pytest
from deployment_rig import alarm, canary, guarded, instances, phases, rolling, update
from test_hosting_rig import ECHO, PACKAGE, World, production, until

from local.errors import AwsError
from local.hosting.models import Container
from local.unverified import Unverified


def refused(message: str):
    """Expect a ValidationException."""
    return pytest.raises(AwsError, match=message)


def model(w: World, name: str, **container):
    """CreateModel."""
    return w.hosting.create_model({"ModelName": name, "Containers": [container]})


@pytest.mark.aws("Requests", "A versioned model package must be Approved to be deployed", "API: CreateModelPackage")
def test_a_model_is_made_of_a_package_only_when_it_is_approved(run):
    async def story(w: World) -> None:
        pending = w.package(1, status="PendingManualApproval")
        with refused("approval status is PendingManualApproval, not Approved"):
            model(w, "m", ModelPackageName=pending)
        with refused("does not exist"):
            model(w, "m", ModelPackageName=PACKAGE.format(9))
        model(w, "m", ModelPackageName=w.package(2))
        assert w.hosting.describe_model({"ModelName": "m"})["Containers"][0]["ModelPackageName"] == PACKAGE.format(2)

    run(story)


@pytest.mark.aws("Endpoints", "A model's environment is added to its package's", "API: ContainerDefinition")
def test_a_models_environment_is_added_to_its_packages_and_wins(run):
    async def story(w: World) -> None:
        package = w.package(1, NAME="package", OTHER="kept")
        model(w, "m", ModelPackageName=package, Environment={"NAME": "model"})
        environment = w.hosting._models.container("m").environment
        assert (environment["NAME"], environment["OTHER"]) == ("model", "kept")

    run(story)


def test_a_model_without_package_or_data_is_refused(run):
    async def story(w: World) -> None:
        with refused("ModelPackageName, or both Image and ModelDataUrl"):
            model(w, "m", Image="xgboost")
        with refused("exactly one container"):
            w.hosting.create_model({"ModelName": "m"})

    run(story)


@pytest.mark.aws("Requests", "A model, an endpoint config and an endpoint take their name once", "API: CreateEndpoint")
def test_names_are_taken_once(run):
    async def story(w: World) -> None:
        w.config(1, count=1)
        with refused('Cannot create already existing model "arn:aws:sagemaker:us-east-1:111122223333:model/v1"'):
            model(w, "v1", ModelPackageName=PACKAGE.format(1))
        with refused("Cannot create already existing endpoint configuration"):
            w.hosting.create_endpoint_config(
                {"EndpointConfigName": "v1", "ProductionVariants": [production("A", "v1", 1)]}
            )
        w.hosting.create_endpoint({"EndpointName": "e", "EndpointConfigName": "v1"})
        with refused("Cannot create already existing endpoint "):
            w.hosting.create_endpoint({"EndpointName": "e", "EndpointConfigName": "v1"})

    run(story)


def test_what_does_not_exist_is_named_in_the_refusal(run):
    async def story(w: World) -> None:
        for operation, member in [
            (w.hosting.describe_model, "ModelName"),
            (w.hosting.delete_endpoint_config, "EndpointConfigName"),
            (w.hosting.describe_endpoint, "EndpointName"),
        ]:
            with refused("Could not find .*/ghost"):
                operation({member: "ghost"})
        with refused("Could not find endpoint configuration"):
            w.hosting.create_endpoint({"EndpointName": "e", "EndpointConfigName": "ghost"})
        with refused("Could not find model"):
            w.hosting.create_endpoint_config(
                {"EndpointConfigName": "c", "ProductionVariants": [production("A", "ghost", 1)]}
            )

    run(story)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ShadowProductionVariants": [production("A", "v1", 1)]}, "Duplicate variant name A"),
        ({"ShadowProductionVariants": [{"VariantName": "S", "ModelName": "v1"}]}, "S must have InitialInstanceCount"),
        ({"ShadowProductionVariants": [production("S", "v9", 1)]}, "Could not find model"),
        (
            {
                "DataCaptureConfig": {
                    "InitialSamplingPercentage": 100,
                    "DestinationS3Uri": "https://bucket.s3.amazonaws.com/prefix",
                    "CaptureOptions": [{"CaptureMode": "Input"}],
                }
            },
            "DestinationS3Uri is https.*; it must be s3://bucket",
        ),
        ({"ProductionVariants": [production("A", "v1", 1)] * 2}, "Duplicate variant name A"),
        ({"ProductionVariants": [production("A", "v1", 1, weight=0.0)]}, "InitialVariantWeight above 0"),
        ({"ProductionVariants": [{"VariantName": "A", "ModelName": "v1"}]}, "A must have InitialInstanceCount"),
        ({"ProductionVariants": [{"VariantName": "A", "ServerlessConfig": {}}]}, "Serverless variants are not offered"),
        ({"MetricsConfig": {"MetricPublishFrequencyInSeconds": 20}}, "must be one of 10, 30, 60"),
    ],
)
def test_a_config_that_cannot_be_served_as_asked_is_refused(run, change, message):
    async def story(w: World) -> None:
        w.config(1)
        request = {"EndpointConfigName": "c", "ProductionVariants": [production("A", "v1", 1)]}
        with refused(message):
            w.hosting.create_endpoint_config(request | change)

    run(story)


@pytest.mark.aws(
    "Requests", "An endpoint config in use, or about to be, must not be deleted", "API: DeleteEndpointConfig"
)
def test_what_an_endpoint_uses_cannot_be_deleted_and_what_it_no_longer_uses_can(run):
    async def story(w: World) -> None:
        await w.serve(count=1)
        w.hosting.update_endpoint({"EndpointName": "e", "EndpointConfigName": w.config(2, count=1)})
        for name in ("v1", "v2"):
            with refused("while an endpoint uses it"):
                w.hosting.delete_endpoint_config({"EndpointConfigName": name})
            with refused("is in use"):
                w.hosting.delete_model({"ModelName": name})
        await w.settled()
        w.hosting.delete_endpoint_config({"EndpointConfigName": "v1"})
        w.hosting.delete_model({"ModelName": "v1"})
        assert [item["ModelName"] for item in w.hosting.list_models({})["Models"]] == ["v2"]

    run(story)


@pytest.mark.aws(
    "Requests", "An endpoint that is being changed is neither updated nor deleted", "API: DescribeEndpoint"
)
def test_a_busy_endpoint_is_neither_updated_nor_deleted(run):
    async def story(w: World) -> None:
        await w.serve(count=1)
        second = {"EndpointName": "e", "EndpointConfigName": w.config(2, count=1)}
        w.hosting.update_endpoint(second)
        with refused("Cannot update in-progress endpoint"):
            w.hosting.update_endpoint(second)
        with refused("Cannot update in-progress endpoint"):
            w.hosting.delete_endpoint({"EndpointName": "e"})

    run(story)


@pytest.mark.aws(
    "Requests",
    "A blue/green or rolling update needs the old variant names in the new config",
    "Developer guide: Deployment guardrails, Exclusions",
)
def test_guardrails_need_the_same_variant_name_and_alarms_that_exist(run):
    async def story(w: World) -> None:
        await w.serve()
        for version, policy in ((10, canary(instances(1))), (11, rolling(instances(1))), (12, guarded({}, "a"))):
            with refused("same variant names.* AllTraffic and Other"):
                update(w, version, policy, variant="Other")
        with refused("alarm ghost, which does not exist"):
            update(w, 3, guarded({}, "ghost"))
        assert w.describe()["EndpointStatus"] == "InService"

    run(story)


@pytest.mark.aws("Requests", "Lists are by creation, newest first, in pages of MaxResults", "API: ListModels")
def test_lists_are_newest_first_filtered_and_paged(run):
    async def story(w: World) -> None:
        for version in range(1, 5):
            model(w, f"m{version}", ModelPackageName=w.package(version, ECHO))
        first = w.hosting.list_models({"MaxResults": 3})
        rest = w.hosting.list_models({"MaxResults": 3, "NextToken": first["NextToken"]})
        names = [[item["ModelName"] for item in page["Models"]] for page in (first, rest)]
        assert names == [["m4", "m3", "m2"], ["m1"]]
        assert "NextToken" not in rest
        named = w.hosting.list_models({"NameContains": "M2"})["Models"]
        assert [item["ModelName"] for item in named] == ["m2"]

    run(story)


@pytest.mark.aws("Endpoints", "An endpoint's name is taken whatever its case", "API: CreateEndpoint")
def test_an_endpoint_of_the_same_name_in_another_case_is_refused(run):
    async def story(w: World) -> None:
        w.config(1, count=1)
        w.hosting.create_endpoint({"EndpointName": "e", "EndpointConfigName": "v1"})
        with refused("Cannot create already existing endpoint "):
            w.hosting.create_endpoint({"EndpointName": "E", "EndpointConfigName": "v1"})

    run(story)


def test_where_an_unapproved_package_is_found_out_at_the_endpoint_a_model_may_be_made_of_it(run):
    async def story(w: World) -> None:
        await w.serve(count=1)
        pending = w.package(2, status="PendingManualApproval")
        model(w, "v2", ModelPackageName=pending)
        w.hosting.create_endpoint_config(
            {"EndpointConfigName": "c", "ProductionVariants": [production("AllTraffic", "v2", 1)]}
        )
        for operation, name in ((w.hosting.create_endpoint, "other"), (w.hosting.update_endpoint, "e")):
            with refused("approval status is PendingManualApproval, not Approved"):
                operation({"EndpointName": name, "EndpointConfigName": "c"})
        w.package(2)
        w.hosting.update_endpoint({"EndpointName": "e", "EndpointConfigName": "c"})
        assert (await w.settled())["EndpointConfigName"] == "c"

    run(story, Unverified(unapproved_package="create_endpoint"))


def test_an_update_to_the_config_that_serves_is_refused(run):
    async def story(w: World) -> None:
        await w.serve(count=1)
        with refused("already has endpoint configuration v1: name another one"):
            w.hosting.update_endpoint({"EndpointName": "e", "EndpointConfigName": "v1"})

    run(story)


@pytest.mark.aws(
    "Requests", "A config that a rollback would need is not deleted during the bake", "API: UpdateEndpoint"
)
def test_the_config_from_before_is_in_use_until_the_last_bake_has_ended(run):
    async def story(w: World) -> None:
        await w.serve()
        update(w, 2, guarded(canary(instances(1), wait=600), alarm(w, "stop", config="v2")))
        await until(lambda: "new Baking" in phases(w))
        for name in ("v1", "v2"):
            with refused("while an endpoint uses it"):
                w.hosting.delete_endpoint_config({"EndpointConfigName": name})

    run(story)


@pytest.mark.aws("Endpoints", "MetricsConfig's members have their documented defaults", "API: MetricsConfig")
def test_a_metrics_config_is_completed_and_shown_with_the_endpoint(run):
    async def story(w: World) -> None:
        w.config(1, count=1)
        request = {"EndpointConfigName": "c", "ProductionVariants": [production("A", "v1", 1)]}
        w.hosting.create_endpoint_config(request | {"MetricsConfig": {"EnableEnhancedMetrics": True}})
        completed = {
            "EnableEnhancedMetrics": True,
            "EnableDetailedObservability": True,
            "MetricPublishFrequencyInSeconds": 60,
        }
        assert w.hosting.describe_endpoint_config({"EndpointConfigName": "c"})["MetricsConfig"] == completed
        assert "MetricsConfig" not in w.hosting.describe_endpoint_config({"EndpointConfigName": "v1"})
        w.hosting.create_endpoint({"EndpointName": "e", "EndpointConfigName": "c"})
        assert w.describe()["MetricsConfig"] == completed

    run(story)


@pytest.mark.aws("Endpoints", "DeployedImages resolves an image to registry/repository@digest", "API: DeployedImage")
@pytest.mark.parametrize(
    ("image", "digest", "resolved"),
    [
        (
            "1.dkr.ecr.us-east-1.amazonaws.com/xgboost:3.2-0",
            "sha256:ab",
            "1.dkr.ecr.us-east-1.amazonaws.com/xgboost@sha256:ab",
        ),
        ("127.0.0.1:5000/xgboost", "sha256:ab", "127.0.0.1:5000/xgboost@sha256:ab"),
        ("xgboost@sha256:cd", "", "xgboost@sha256:cd"),
    ],
)
def test_an_image_is_resolved_to_its_digest(image, digest, resolved):
    assert Container(image, "s3://b/k", {}, None, digest).resolved_image == resolved


def test_an_image_without_a_digest_always_resolves_to_the_same_one():
    first, again, other = (Container(f"xgboost:{tag}", "s3://b/k", {}, None).resolved_image for tag in "112")
    assert first == again != other
    assert first.startswith("xgboost@sha256:")


def test_creation_tags_are_kept_by_arn_until_the_resource_goes(run):
    async def story(w: World) -> None:
        tags = [{"Key": "stage", "Value": "staging"}]
        arn = w.hosting.create_model(
            {"ModelName": "m", "PrimaryContainer": {"ModelPackageName": w.package(1)}, "Tags": tags}
        )["ModelArn"]
        assert w.hosting.tags[arn] == tags
        w.hosting.delete_model({"ModelName": "m"})
        assert arn not in w.hosting.tags

    run(story)
