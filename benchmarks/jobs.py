"""What a job costs beyond its script: a pipeline of one processing step, against the same script run bare."""

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.timing import seconds
from local.server import running

JOBS = 15
SCRIPT = "import pathlib, sys; pathlib.Path(sys.argv[1], 'out.txt').write_text('done')"
LIMIT_SECONDS = 0.1


def measure() -> Iterator[str]:
    """Median overhead of a job; it downloads one input and uploads one output."""
    jobs = asyncio.run(_job_seconds())
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "script.py")
        script.write_text(SCRIPT)
        bare = statistics.median(seconds([str(script), folder]) for _ in range(JOBS))
    over = jobs - bare
    yield f"{jobs:.3f} s a job against {bare:.3f} s bare: {over:.3f} s over, {over / LIMIT_SECONDS:.2f} of the limit"


async def _job_seconds() -> float:
    async with running() as local:
        return await asyncio.to_thread(_run_jobs, local.context)


def _run_jobs(context: Any) -> float:
    s3, sagemaker = context.client("s3"), context.client("sagemaker")
    s3.create_bucket(Bucket="bench")
    s3.put_object(Bucket="bench", Key="code/script.py", Body=SCRIPT.encode())
    role = "arn:aws:iam::111122223333:role/bench"
    sagemaker.create_pipeline(PipelineName="bench", PipelineDefinition=json.dumps(_definition(role)), RoleArn=role)
    return statistics.median([_one(sagemaker) for _ in range(JOBS + 1)][1:])


def _one(sagemaker: Any) -> float:
    arn = sagemaker.start_pipeline_execution(PipelineName="bench")["PipelineExecutionArn"]
    while sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionStatus"] == "Executing":
        time.sleep(0.002)
    [step] = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)["PipelineExecutionSteps"]
    if step["StepStatus"] != "Succeeded":
        raise RuntimeError(step["FailureReason"])
    return float((step["EndTime"] - step["StartTime"]).total_seconds())


def _definition(role: str) -> dict[str, Any]:
    prefix = "/opt/ml/processing"
    code = {
        "S3Uri": "s3://bench/code",
        "LocalPath": f"{prefix}/input/code",
        "S3DataType": "S3Prefix",
        "S3InputMode": "File",
    }
    out = {"S3Uri": "s3://bench/out", "LocalPath": f"{prefix}/out", "S3UploadMode": "EndOfJob"}
    cluster = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 30}
    arguments = {
        "AppSpecification": {
            "ImageUri": "111122223333.dkr.ecr.us-east-1.amazonaws.com/any:1",
            "ContainerEntrypoint": ["python3", f"{prefix}/input/code/script.py"],
            "ContainerArguments": [f"{prefix}/out"],
        },
        "ProcessingInputs": [{"InputName": "code", "S3Input": code}],
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "out", "S3Output": out}]},
        "ProcessingResources": {"ClusterConfig": cluster},
        "RoleArn": role,
    }
    return {"Version": "2020-12-01", "Steps": [{"Name": "Job", "Type": "Processing", "Arguments": arguments}]}
