"""Hosting's operations: what they refuse, what they list and describe. Nothing serves here unless the test needs it."""

import asyncio

import pytest
from test_hosting_rig import ECHO, PACKAGE, World, canary, production, world

from local.errors import AwsError


@pytest.fixture
def hosted(tmp_path):
    """Runs a story in a world of its own."""

    def runner(story):
        async def go() -> None:
            async with world(tmp_path) as w:
                await story(w)

        asyncio.run(go())

    return runner


def refused(message: str):
    """Expect a ValidationException."""
    return pytest.raises(AwsError, match=message)


def model(w: World, name: str, **container):
    """CreateModel."""
    return w.hosting.create_model({"ModelName": name, "Containers": [container]})


def test_a_model_is_made_of_a_package_only_when_it_is_approved(hosted):
    async def story(w: World) -> None:
        pending = w.package(1, status="PendingManualApproval")
        with refused("approval status is PendingManualApproval, not Approved"):
            model(w, "m", ModelPackageName=pending)
        with refused("does not exist"):
            model(w, "m", ModelPackageName=PACKAGE.format(9))
        model(w, "m", ModelPackageName=w.package(2))
        assert w.hosting.describe_model({"ModelName": "m"})["Containers"][0]["ModelPackageName"] == PACKAGE.format(2)

    hosted(story)


def test_a_models_environment_is_added_to_its_packages_and_wins(hosted):
    async def story(w: World) -> None:
        package = w.package(1, NAME="package", OTHER="kept")
        model(w, "m", ModelPackageName=package, Environment={"NAME": "model"})
        environment = w.hosting._models.container("m").environment
        assert (environment["NAME"], environment["OTHER"]) == ("model", "kept")

    hosted(story)


def test_a_model_without_package_or_data_is_refused(hosted):
    async def story(w: World) -> None:
        with refused("ModelPackageName, or both Image and ModelDataUrl"):
            model(w, "m", Image="xgboost")
        with refused("exactly one container"):
            w.hosting.create_model({"ModelName": "m"})

    hosted(story)


def test_names_are_taken_once(hosted):
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

    hosted(story)


def test_what_does_not_exist_is_named_in_the_refusal(hosted):
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

    hosted(story)


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
    ],
)
def test_a_config_that_cannot_be_served_as_asked_is_refused(hosted, change, message):
    async def story(w: World) -> None:
        w.config(1)
        request = {"EndpointConfigName": "c", "ProductionVariants": [production("A", "v1", 1)]}
        with refused(message):
            w.hosting.create_endpoint_config(request | change)

    hosted(story)


def test_what_an_endpoint_uses_cannot_be_deleted_and_what_it_no_longer_uses_can(hosted):
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

    hosted(story)


def test_a_busy_endpoint_is_neither_updated_nor_deleted(hosted):
    async def story(w: World) -> None:
        await w.serve(count=1)
        second = {"EndpointName": "e", "EndpointConfigName": w.config(2, count=1)}
        w.hosting.update_endpoint(second)
        with refused("Cannot update in-progress endpoint"):
            w.hosting.update_endpoint(second)
        with refused("Cannot update in-progress endpoint"):
            w.hosting.delete_endpoint({"EndpointName": "e"})

    hosted(story)


def test_guardrails_need_the_same_variant_name_and_alarms_that_exist(hosted):
    async def story(w: World) -> None:
        await w.serve()
        other = w.config(2, variant="Other")
        with refused("same variant names.* AllTraffic and Other"):
            w.hosting.update_endpoint({"EndpointName": "e", "EndpointConfigName": other, "DeploymentConfig": canary()})
        guarded = canary(alarms=("ghost",))
        with refused("alarm ghost, which does not exist"):
            w.hosting.update_endpoint(
                {"EndpointName": "e", "EndpointConfigName": w.config(3), "DeploymentConfig": guarded}
            )
        assert w.describe()["EndpointStatus"] == "InService"

    hosted(story)


def test_lists_are_newest_first_filtered_and_paged(hosted):
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

    hosted(story)


def test_creation_tags_are_kept_by_arn_until_the_resource_goes(hosted):
    async def story(w: World) -> None:
        tags = [{"Key": "stage", "Value": "staging"}]
        arn = w.hosting.create_model(
            {"ModelName": "m", "PrimaryContainer": {"ModelPackageName": w.package(1)}, "Tags": tags}
        )["ModelArn"]
        assert w.hosting.tags[arn] == tags
        w.hosting.delete_model({"ModelName": "m"})
        assert arn not in w.hosting.tags

    hosted(story)
