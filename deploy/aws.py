"""The way to AWS: three clients that tell the clock what time AWS has. They are handed to whoever needs them."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3.session
from botocore.config import Config

from deploy.clock import AwsClock

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient

ATTEMPTS = 8
"""Attempts per request, with growing waits: a rollout outlives a minute of throttling."""


@dataclass(frozen=True)
class Aws:
    """The AWS services that a rollout talks to."""

    sagemaker: "SageMakerClient"
    cloudwatch: "CloudWatchClient"
    s3: "S3Client"


def connect(clock: AwsClock) -> Aws:
    """Clients from the environment's credentials, region (AWS_REGION, or as boto3 finds it) and AWS_ENDPOINT_URL."""
    session = boto3.session.Session(region_name=os.environ.get("AWS_REGION"))
    config = Config(retries={"mode": "standard", "max_attempts": ATTEMPTS})
    aws = Aws(
        sagemaker=session.client("sagemaker", config=config),
        cloudwatch=session.client("cloudwatch", config=config),
        s3=session.client("s3", config=config),
    )
    for client in (aws.sagemaker, aws.cloudwatch):
        client.meta.events.register("after-call", clock.hear)
    return aws
