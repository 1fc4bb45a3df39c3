"""A shadow test over HTTP, as any AWS client runs it: an experiment, its captured data, the shadow promoted."""

import functools
import io
import json
import tarfile
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

NAME = "shadow-tests"
CODE = """
def model_fn(model_dir):
    return None
def transform_fn(model, data, content_type, accept):
    return "{answer}", "text/csv"
"""


def model(answer: str) -> bytes:
    """A model.tar.gz whose code always gives one answer."""
    code, archive = CODE.format(answer=answer).encode(), io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        info = tarfile.TarInfo("code/inference.py")
        info.size = len(code)
        tar.addfile(info, io.BytesIO(code))
    return archive.getvalue()


def until(ask: Callable[[], Any], good: Callable[[Any], bool]) -> Any:
    """Ask again and again; the first good answer."""
    deadline = time.monotonic() + 60
    while not good(answer := ask()):
        assert time.monotonic() < deadline, answer
        time.sleep(0.1)
    return answer


@pytest.fixture(scope="module")
def endpoint(client):
    """An endpoint that answers 1, and a model that answers 2."""
    s3, sagemaker = client("s3"), client("sagemaker")
    s3.create_bucket(Bucket=NAME)
    for answer in "12":
        s3.put_object(Bucket=NAME, Key=f"{answer}/model.tar.gz", Body=model(answer))
        script = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
        url = f"s3://{NAME}/{answer}/model.tar.gz"
        sagemaker.create_model(
            ModelName=f"{NAME}-{answer}",
            PrimaryContainer={"Image": "xgboost:3.2-0", "ModelDataUrl": url, "Environment": script},
            ExecutionRoleArn="arn:aws:iam::111122223333:role/r",
        )
    production = {"VariantName": "AllTraffic", "ModelName": f"{NAME}-1", "InstanceType": "ml.m5.large"}
    sagemaker.create_endpoint_config(
        EndpointConfigName=NAME, ProductionVariants=[{**production, "InitialInstanceCount": 1}]
    )
    sagemaker.create_endpoint(EndpointName=NAME, EndpointConfigName=NAME)
    created = until(
        lambda: sagemaker.describe_endpoint(EndpointName=NAME), lambda said: said["EndpointStatus"] != "Creating"
    )
    assert created["EndpointStatus"] == "InService", created
    return NAME


def variant(name: str, answer: str) -> dict[str, Any]:
    """A ModelVariantConfig."""
    return {
        "ModelName": f"{NAME}-{answer}",
        "VariantName": name,
        "InfrastructureConfig": {
            "InfrastructureType": "RealTimeInference",
            "RealTimeInferenceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        },
    }


def captured(client, name: str) -> list[dict[str, Any]]:
    """What has been captured of a variant."""
    s3 = client("s3")
    listed = s3.list_objects_v2(Bucket=NAME, Prefix=f"captured/{NAME}/{name}/").get("Contents", [])
    bodies = [s3.get_object(Bucket=NAME, Key=item["Key"])["Body"].read() for item in listed]
    return [json.loads(line) for body in bodies for line in body.splitlines()]


@pytest.mark.aws(
    "Shadow tests",
    "Captured data of both variants are joined by InferenceId; a promoted shadow answers from then on",
    "Developer guide: Shadow tests",
)
def test_a_shadow_is_compared_by_its_captured_data_and_promoted(client, endpoint):
    sagemaker, runtime = client("sagemaker"), client("sagemaker-runtime")
    arn = sagemaker.create_inference_experiment(
        Name=NAME,
        Type="ShadowMode",
        RoleArn="arn:aws:iam::111122223333:role/r",
        EndpointName=endpoint,
        ModelVariants=[variant("AllTraffic", "1"), variant("Shadow-01", "2")],
        ShadowModeConfig={
            "SourceModelVariantName": "AllTraffic",
            "ShadowModelVariants": [{"ShadowModelVariantName": "Shadow-01", "SamplingPercentage": 100}],
        },
        DataStorageConfig={
            "Destination": f"s3://{NAME}/captured",
            "ContentType": {"CsvContentTypes": ["text/csv"]},
        },
        Tags=[{"Key": "stage", "Value": "staging"}],
    )["InferenceExperimentArn"]
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "stage", "Value": "staging"}]
    describe = functools.partial(sagemaker.describe_inference_experiment, Name=NAME)
    running = until(describe, lambda said: said["Status"] in ("Running", "Cancelled"))
    assert running["Status"] == "Running", running
    with pytest.raises(ClientError, match="while inference experiment") as refused:
        sagemaker.delete_endpoint(EndpointName=endpoint)
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    invoke = {"EndpointName": endpoint, "Body": b"7", "ContentType": "text/csv"}
    for number in range(3):
        assert runtime.invoke_endpoint(**invoke, InferenceId=f"flight-{number}")["Body"].read() == b"1"
    for name, answer in (("AllTraffic", "1"), ("Shadow-01", "2")):
        lines = until(lambda of=name: captured(client, of), lambda found: len(found) == 3)
        answers = {
            line["eventMetadata"]["inferenceId"]: line["captureData"]["endpointOutput"]["data"] for line in lines
        }
        assert answers == {f"flight-{number}": answer for number in range(3)}
    sagemaker.stop_inference_experiment(
        Name=NAME,
        ModelVariantActions={"Shadow-01": "Promote", "AllTraffic": "Remove"},
        DesiredState="Completed",
        Reason="the shadow is as good",
    )
    ended = until(describe, lambda said: said["Status"] in ("Completed", "Cancelled"))
    assert (ended["Status"], ended["StatusReason"]) == ("Completed", "the shadow is as good")
    answer = runtime.invoke_endpoint(**invoke)
    assert (answer["Body"].read(), answer["InvokedProductionVariant"]) == (b"2", "Shadow-01")
    sagemaker.delete_inference_experiment(Name=NAME)
    with pytest.raises(ClientError) as gone:
        describe()
    assert gone.value.response["Error"]["Code"] == "ResourceNotFound"
    sagemaker.delete_endpoint(EndpointName=endpoint)
