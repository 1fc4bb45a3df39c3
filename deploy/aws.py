"""The way to AWS: its clients, which tell the clock what time AWS has. They are handed to whoever needs them."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3.session
from botocore.config import Config

from deploy.clock import AwsClock

if TYPE_CHECKING:
    from mypy_boto3_application_autoscaling import ApplicationAutoScalingClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient
    from mypy_boto3_service_quotas import ServiceQuotasClient
    from mypy_boto3_sns import SNSClient

ATTEMPTS = 8
"""Attempts per request, with growing waits: a rollout outlives a minute of throttling."""


@dataclass(frozen=True)
class Aws:
    """The AWS services that a rollout talks to."""

    sagemaker: "SageMakerClient"
    runtime: "SageMakerRuntimeClient"
    cloudwatch: "CloudWatchClient"
    autoscaling: "ApplicationAutoScalingClient"
    quotas: "ServiceQuotasClient"
    s3: "S3Client"
    sns: "SNSClient"
    events: "EventBridgeClient"


def connect(clock: AwsClock) -> Aws:
    """Clients from the environment's credentials, region (AWS_REGION, or as boto3 finds it) and AWS_ENDPOINT_URL."""
    session = boto3.session.Session(region_name=os.environ.get("AWS_REGION"))
    config = Config(retries={"mode": "standard", "max_attempts": ATTEMPTS})
    aws = Aws(
        sagemaker=session.client("sagemaker", config=config),
        runtime=session.client("sagemaker-runtime", config=config),
        cloudwatch=session.client("cloudwatch", config=config),
        autoscaling=session.client("application-autoscaling", config=config),
        quotas=session.client("service-quotas", config=config),
        s3=session.client("s3", config=config),
        sns=session.client("sns", config=config),
        events=session.client("events", config=config),
    )
    for client in (aws.sagemaker, aws.cloudwatch):
        client.meta.events.register("after-call", clock.hear)
    return aws
