"""The section `endpoint` of a stage's file: where the model is served, on what, and how that is kept."""

import re
from typing import Self

from pydantic import field_validator, model_validator
from pydantic_core import PydanticCustomError

from deploy.settings import Settings, setting

NAME = r"^[a-zA-Z0-9](-*[a-zA-Z0-9])*$"
NAME_LIMIT = "SageMaker allows up to 63 letters, digits and inner hyphens"
ROLE = r"^arn:aws[a-z\-]*:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+$"
ROLE_VARIABLE = "SAGEMAKER_EXECUTION_ROLE_ARN"


class Autoscaling(Settings):
    """Target tracking on SageMakerVariantInvocationsPerInstance. SageMaker scales nothing while an update runs."""

    minimum: int = setting("instances at the least", example=2, limit="1 or more", ge=1, le=10_000)
    maximum: int = setting("instances at the most", example=8, limit="the minimum or more", ge=1, le=10_000)
    requests_per_instance: float = setting(
        "requests a minute that one instance is to have", example=1000, limit="above 0", gt=0
    )
    scale_in_seconds: int = setting(
        "pause after a scale-in", example=300, limit="0 to 3600", ge=0, le=3600, default=300
    )
    scale_out_seconds: int = setting(
        "pause after a scale-out", example=60, limit="0 to 3600", ge=0, le=3600, default=60
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.maximum < self.minimum:
            raise PydanticCustomError("order", "the maximum is less than the minimum")
        return self


class DataCapture(Settings):
    """Requests and answers in S3, as SageMaker writes them."""

    percent: int = setting("share of the requests that is kept", example=10, limit="0 to 100", ge=0, le=100)
    destination: str = setting(
        "S3 prefix that it is kept under",
        example="s3://bucket/captured",
        limit="s3://bucket/prefix",
        pattern=r"^s3://[^/]+/.+$",
        max_length=512,
    )


class Smoke(Settings):
    """One request whose answer is known."""

    body: str = setting("what is sent", example="1,2,3", limit="not empty", min_length=1)
    content_type: str = setting("its Content-Type", example="text/csv", limit="a MIME type", default="text/csv")
    accept: str = setting("its Accept", example="application/json", limit="a MIME type", default="application/json")
    expect: str = setting(
        "regular expression that the answer must match somewhere",
        example="^\\[?[01]\\.",
        limit="a regular expression of Python's",
        min_length=1,
    )

    @field_validator("expect")
    @classmethod
    def _compiles(cls, text: str) -> str:
        try:
            re.compile(text)
        except re.error as error:
            raise PydanticCustomError("expression", "it is no regular expression: {why}", {"why": str(error)}) from None
        return text


class Endpoint(Settings):
    """Where the model is served, and on what."""

    name: str = setting(
        "name of the SageMaker endpoint that callers invoke",
        example="flight-delay-staging",
        limit=NAME_LIMIT,
        pattern=NAME,
        max_length=63,
    )
    variant: str = setting(
        "name of the production variant; SageMaker's guardrails need the same name in every version",
        example="AllTraffic",
        limit=NAME_LIMIT,
        pattern=NAME,
        max_length=63,
        default="AllTraffic",
    )
    instance_type: str = setting(
        "SageMaker instance type of each instance",
        example="ml.m5.large",
        limit="SageMaker's instance types begin with ml. (ProductionVariant, AWS API reference)",
        pattern=r"^ml\.[a-z0-9\-]+\.[a-z0-9\-]+$",
    )
    instance_count: int = setting(
        "instances of the fleet; a canary's share is made of whole instances",
        example=2,
        limit="a fleet has at least 1 instance",
        ge=1,
        le=10_000,
    )
    execution_role_arn: str = setting(
        f"role that SageMaker assumes to serve; left out, the environment variable {ROLE_VARIABLE} says it",
        example="arn:aws:iam::111122223333:role/serving",
        limit="it must be the ARN of an IAM role",
        pattern=ROLE,
    )
    metric_namespace: str = setting(
        "CloudWatch namespace that the served model publishes its own metrics in",
        example="GuardedRollout",
        limit="CloudWatch allows 1 to 255 letters, digits and . - _ / # :, and keeps names that begin with AWS/",
        pattern=r"^[a-zA-Z0-9.\-_/#:]+$",
        max_length=255,
        default="GuardedRollout",
    )
    recreate_failed: bool = setting(
        "whether an endpoint that is Failed is deleted and made anew; nothing serves meanwhile",
        example=False,
        limit="true or false",
        default=False,
    )
    autoscaling: Autoscaling | None = setting(
        "how SageMaker scales the fleet; left out, nothing scales it",
        example="{minimum: 2, maximum: 8, requests_per_instance: 1000}",
        default=None,
    )
    data_capture: DataCapture | None = setting(
        "what is kept of requests and answers; left out, nothing is",
        example="{percent: 10, destination: s3://bucket/captured}",
        default=None,
    )
    smoke: Smoke | None = setting(
        "a request that the new version must answer before it counts as promoted; left out, none is sent",
        example="{body: '1,2,3', expect: '^0\\.'}",
        default=None,
    )
