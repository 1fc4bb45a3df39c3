"""Everything that the suite makes in the account: named with its prefix, tagged, and deleted in the end.

Models run a script of a few lines in the XGBoost image: it answers with its name and what it was sent. It must never
make anything without noting how it is deleted.
"""

import io
import itertools
import tarfile
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from tests.conformance.account import Account

VARIANT = "AllTraffic"
SCRIPT = """
import os
from flask import Response

def model_fn(model_dir):
    if os.environ["BEHAVIOUR"] == "broken":
        raise RuntimeError("the weights are missing")
    return os.environ["NAME"]

def transform_fn(model, data, content_type, accept):
    if data == "refuse":
        return Response("refused", status=422, mimetype="text/plain")
    if data == "fail" or os.environ["BEHAVIOUR"] == "failing":
        raise ValueError("no such flight")
    return f"{model}:{data[-1000:]}", "text/csv"
"""
_GONE = ("ResourceNotFound", "ResourceNotFoundException", "Could not find", "does not exist", "NoSuch", "NonExistent")


class Resources:
    """Makes resources, named with a prefix, and remembers how each is deleted."""

    def __init__(self, account: Account, what: str) -> None:
        self.account = account
        self.prefix = f"{account.prefix}-{what}"
        self.tags = [{"Key": "conformance", "Value": account.prefix}]
        self._deletions: list[Callable[[], Any]] = []
        self._before_endpoints: list[Callable[[], Any]] = []
        self._endpoints: list[str] = []
        self._numbers = itertools.count(1)
        self._model_data: str | None = None

    def name(self, what: str) -> str:
        """A name nobody has."""
        return f"{self.prefix}-{what}-{next(self._numbers)}"

    def later(self, delete: Callable[..., Any], **request: Any) -> None:
        """Delete something in the end, before what was made before it."""
        self._deletions.append(lambda: delete(**request))

    def first(self, delete: Callable[..., Any], **request: Any) -> None:
        """Delete in the end, before any endpoint."""
        self._before_endpoints.append(lambda: delete(**request))

    def model_data(self) -> str:
        """The S3 URI of the script's model.tar.gz."""
        if self._model_data is None:
            self._model_data = self.put("model.tar.gz", archive())
        return self._model_data

    def put(self, key: str, body: bytes) -> str:
        """An object in the bucket; its URI."""
        bucket, key = self.account.bucket, f"{self.prefix}/{key}"
        s3 = self.account.client("s3")
        s3.put_object(Bucket=bucket, Key=key, Body=body)
        self.later(s3.delete_object, Bucket=bucket, Key=key)
        return f"s3://{bucket}/{key}"

    def folder(self, key: str) -> str:
        """The URI of a prefix of the bucket for somebody else to fill; it is emptied in the end."""
        bucket, prefix = self.account.bucket, f"{self.prefix}/{key}"
        self.later(self._empty, bucket=bucket, prefix=f"{prefix}/")
        return f"s3://{bucket}/{prefix}"

    def container(self, behaviour: str = "good", name: str = "model") -> dict[str, Any]:
        """A container that serves the script; `behaviour` is good, failing (every request) or broken (at start)."""
        variables = environment(name, behaviour)
        return {"Image": self.account.image, "ModelDataUrl": self.model_data(), "Environment": variables}

    def model(self, behaviour: str = "good") -> str:
        """A model; it answers with its own name."""
        name, sagemaker = self.name("model"), self.account.client("sagemaker")
        sagemaker.create_model(
            ModelName=name,
            ExecutionRoleArn=self.account.role,
            PrimaryContainer=self.container(behaviour, name),
            Tags=self.tags,
        )
        self.later(sagemaker.delete_model, ModelName=name)
        return name

    def config(self, *variants: dict[str, Any], **more: Any) -> str:
        """An endpoint config, of one good variant on two instances unless told otherwise."""
        name, sagemaker = self.name("config"), self.account.client("sagemaker")
        production = list(variants) or [variant(self.model())]
        sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=production, Tags=self.tags, **more)
        self.later(sagemaker.delete_endpoint_config, EndpointConfigName=name)
        return name

    def endpoint(self, config: str) -> str:
        """An endpoint, being created."""
        name, sagemaker = self.name("endpoint"), self.account.client("sagemaker")
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config, Tags=self.tags)
        self._endpoints.append(name)
        return name

    def group(self) -> str:
        """A model package group; its packages are deleted with it."""
        name, sagemaker = self.name("group"), self.account.client("sagemaker")
        sagemaker.create_model_package_group(ModelPackageGroupName=name, Tags=self.tags)
        self.later(sagemaker.delete_model_package_group, ModelPackageGroupName=name)
        return name

    def package(self, group: str, **more: Any) -> str:
        """The ARN of a new version in the group."""
        sagemaker = self.account.client("sagemaker")
        container = self.container(name=group)
        specification = {
            "Containers": [container],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        }
        request = {"ModelPackageGroupName": group, "InferenceSpecification": specification, **more}
        arn = str(sagemaker.create_model_package(**request)["ModelPackageArn"])
        self.later(sagemaker.delete_model_package, ModelPackageName=arn)
        return arn

    def close(self) -> None:
        """Delete everything, endpoints first, then the newest. What is gone already is fine; the rest is raised."""
        failures = []
        for name in self._endpoints:
            self.later(self._delete_endpoint, name=name)
        for delete in reversed([*self._deletions, *self._before_endpoints]):
            try:
                delete()
            except (ClientError, AssertionError) as error:
                if not any(word in str(error) for word in _GONE):
                    failures.append(error)
        if failures:
            raise ExceptionGroup("not everything could be deleted", failures)

    def _empty(self, bucket: str, prefix: str) -> None:
        s3 = self.account.client("s3")
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for item in page.get("Contents", []):
                s3.delete_object(Bucket=bucket, Key=item["Key"])

    def _delete_endpoint(self, name: str) -> None:
        sagemaker = self.account.client("sagemaker")
        self.account.settled(name)
        sagemaker.delete_endpoint(EndpointName=name)
        self.account.until(lambda: not sagemaker.list_endpoints(NameContains=name)["Endpoints"], within=1800)


def variant(model: str, *, name: str = VARIANT, count: int = 2, **more: Any) -> dict[str, Any]:
    """A ProductionVariant."""
    return {
        "VariantName": name,
        "ModelName": model,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": count,
        **more,
    }


def environment(name: str, behaviour: str = "good") -> dict[str, str]:
    """The variables with which the XGBoost image serves SCRIPT as a model of that name."""
    script = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
    return {**script, "NAME": name, "BEHAVIOUR": behaviour}


def archive() -> bytes:
    """The model.tar.gz of SCRIPT."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        member = tarfile.TarInfo("code/inference.py")
        member.size = len(SCRIPT)
        tar.addfile(member, io.BytesIO(SCRIPT.encode()))
    return packed.getvalue()
