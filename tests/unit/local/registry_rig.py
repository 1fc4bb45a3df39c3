"""What tests of the Model Registry share: one with a group in it, and its packages' ARNs and descriptions."""

from local.clock import Clock
from local.context import ACCOUNT, Context
from local.registry import Registry
from local.tags import Tags
from local.unverified import assume

GROUP = {"ModelPackageGroupName": "flights"}
GROUP_ARN = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:model-package-group/flights"
LIVE = {"Stage": "Production", "StageStatus": "Live"}


def made(folder, events, *choices):
    """A registry in which the group exists, under some reading of what AWS leaves open; its events are kept."""
    emit = lambda *event: events.append(event)  # noqa: E731
    where = (folder, "http://127.0.0.1:1")
    context = Context(Clock(), "us-east-1", ACCOUNT, *where, emit, unverified=assume(choices))
    registry = Registry(context, Tags().by_arn)
    registry.create_model_package_group(GROUP)
    return registry


def registered(registry, **members):
    return registry.create_model_package({**GROUP, **members})["ModelPackageArn"]


def described(registry, arn):
    return registry.describe_model_package({"ModelPackageName": arn})
