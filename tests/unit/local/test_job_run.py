"""Jobs for real: a real S3, real scripts, real processes."""

import asyncio
import io
import json
import tarfile

import pytest

from local.clock import Clock
from local.context import Context
from local.jobs import Jobs

BUCKET = "data-bucket"


@pytest.fixture
def context(server, tmp_path):
    return Context(Clock(), "us-east-1", "111122223333", tmp_path, server, lambda *_: None)


@pytest.fixture
def s3(context):
    client = context.client("s3")
    client.create_bucket(Bucket=BUCKET)
    yield client
    for item in client.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        client.delete_object(Bucket=BUCKET, Key=item["Key"])


def put(s3, key, body):
    s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    return f"s3://{BUCKET}/{key}"


def keys(s3, prefix):
    return [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])]


def archive(**files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name.replace("_py", ".py"))
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


def members(s3, key):
    body = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        return {member.name: tar.extractfile(member).read().decode() for member in tar if member.isfile()}


def processing(s3, script, *, name="prepare", arguments=(), environment=None, seconds=30):
    code = put(s3, f"code/{name}/script.py", script)
    put(s3, "raw/2013/a.csv", "1\n2\n")
    return {
        "ProcessingJobName": name,
        "RoleArn": "arn:aws:iam::111122223333:role/role",
        "ProcessingResources": {"ClusterConfig": {"InstanceCount": 1, "VolumeSizeInGB": 1}},
        "AppSpecification": {
            "ImageUri": "image",
            "ContainerEntrypoint": ["python3", "/opt/ml/processing/input/code/script.py"],
            "ContainerArguments": ["--raw", "/opt/ml/processing/raw", *arguments],
        },
        "Environment": environment or {},
        "ProcessingInputs": [
            {
                "InputName": n,
                "S3Input": {"S3Uri": uri, "LocalPath": f"/opt/ml/processing/{path}", "S3DataType": "S3Prefix"},
            }
            for n, uri, path in [("code", code, "input/code"), ("raw", f"s3://{BUCKET}/raw", "raw")]
        ],
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": "out",
                    "S3Output": {
                        "S3Uri": f"s3://{BUCKET}/out/{name}",
                        "LocalPath": "/opt/ml/processing/out",
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ]
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": seconds},
    }


def training(s3, script, *, name="train", hyperparameters=None, metrics=(), program="train.py"):
    source = put(s3, f"code/{name}/sourcedir.tar.gz", archive(train_py=script, helper_py="answer = 42\n"))
    data = put(s3, "channels/train/rows.csv", "1\n2\n3\n").rpartition("/")[0]
    return {
        "TrainingJobName": name,
        "RoleArn": "arn:aws:iam::111122223333:role/role",
        "AlgorithmSpecification": {
            "TrainingImage": "image",
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": metric, "Regex": regex} for metric, regex in metrics],
        },
        "HyperParameters": {
            "sagemaker_program": program,
            "sagemaker_submit_directory": source,
            **(hyperparameters or {}),
        },
        "InputDataConfig": [
            {"ChannelName": "train", "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": data}}}
        ],
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/models"},
        "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 30},
    }


def run(context, kind, request):
    """Run one job to its end; returns its description."""

    async def job():
        jobs = Jobs(context)
        await jobs.over(jobs.start(kind, request))
        if kind == "ProcessingJob":
            return jobs.describe_processing_job(request)
        return jobs.describe_training_job(request)

    return asyncio.run(job())


COUNT = """
import argparse, os, pathlib
parser = argparse.ArgumentParser()
parser.add_argument("--raw", type=pathlib.Path)
rows = sum(len(path.read_text().split()) for path in parser.parse_args().raw.rglob("*.csv"))
out = pathlib.Path(__file__).parents[2] / "out"
(out / "sub").mkdir()
(out / "sub/rows.txt").write_text(str(rows))
(out / "link.txt").symlink_to("sub/rows.txt")
(out / "linked").symlink_to(out / "sub")
pathlib.Path(os.environ["MESSAGE"]).write_text("all good")
print("counted", rows)
"""


@pytest.mark.aws(
    "Jobs",
    "A processing job finds its inputs below /opt/ml/processing, and its outputs are in S3 when it ends",
    "Developer guide: How processing containers run",
)
def test_a_processing_job_reads_its_inputs_and_delivers_its_outputs(context, s3):
    request = processing(s3, COUNT, environment={"MESSAGE": "/opt/ml/output/message"})
    described = run(context, "ProcessingJob", request)
    assert described["ProcessingJobStatus"] == "Completed", described
    assert described["ExitMessage"] == "all good"
    assert described["ProcessingJobArn"] == "arn:aws:sagemaker:us-east-1:111122223333:processing-job/prepare"
    assert keys(s3, "out/prepare") == ["out/prepare/sub/rows.txt"]
    assert s3.get_object(Bucket=BUCKET, Key="out/prepare/sub/rows.txt")["Body"].read() == b"2"


def test_of_a_completed_job_only_the_log_stays(context, s3):
    request = processing(s3, COUNT, environment={"MESSAGE": "/opt/ml/output/message"})
    run(context, "ProcessingJob", request)
    folder = context.state / "jobs/prepare"
    assert [path.name for path in folder.iterdir()] == ["log.txt"]
    assert (folder / "log.txt").read_text() == "counted 2\n"


@pytest.mark.aws(
    "Jobs",
    "A job's log is in /aws/sagemaker/ProcessingJobs or TrainingJobs, stream JOB/algo-1-EPOCH",
    "Developer guide: CloudWatch Logs for Amazon SageMaker AI",
)
def test_a_jobs_log_is_in_cloudwatch_logs(context, s3):
    run(context, "ProcessingJob", processing(s3, "print('one'); print('two')", name="logged"))
    logs = context.client("logs")
    group = "/aws/sagemaker/ProcessingJobs"
    stream = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix="logged/algo-1-")["logStreams"][0]
    events = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"]
    assert [event["message"] for event in events] == ["one", "two"]


def test_a_job_lives_in_a_clean_environment_that_finds_this_stand_in(context, s3, monkeypatch):
    monkeypatch.setenv("ONLY_OUTSIDE", "1")
    described = run(context, "ProcessingJob", processing(s3, "import os, json; print(json.dumps(dict(os.environ)))"))
    assert described["ProcessingJobStatus"] == "Completed", described
    seen = json.loads((context.state / "jobs/prepare/log.txt").read_text())
    assert "ONLY_OUTSIDE" not in seen
    assert seen["AWS_ENDPOINT_URL"] == context.endpoint_url
    assert seen["OMP_WAIT_POLICY"] == "PASSIVE"


def test_a_failed_script_delivers_nothing_and_says_why(context, s3):
    script = "open('processing/out/half.txt', 'w').write('x')\nraise ValueError('no rows')"
    described = run(context, "ProcessingJob", processing(s3, script))
    assert described["ProcessingJobStatus"] == "Failed"
    assert described["FailureReason"].endswith("ValueError: no rows, exit code: 1")
    assert keys(s3, "out/prepare") == []


@pytest.mark.aws(
    "Jobs",
    "A job that runs longer than MaxRuntimeInSeconds is stopped",
    "API: StoppingCondition",
)
def test_a_job_past_its_time_is_stopped(context, s3):
    described = run(context, "ProcessingJob", processing(s3, "import time; time.sleep(60)", seconds=1))
    assert described["ProcessingJobStatus"] == "Stopped"
    assert "MaxRuntimeInSeconds (1 s)" in described["FailureReason"]


def test_a_reason_names_paths_as_the_container_has_them(context, s3):
    script = "import os; raise ValueError(f'{os.getcwd()}/input is empty')"
    reason = run(context, "ProcessingJob", processing(s3, script))["FailureReason"]
    assert "ValueError: /opt/ml/input is empty" in reason
    assert str(context.state) not in reason


@pytest.mark.aws(
    "Jobs",
    "/opt/ml/output/message is a processing job's ExitMessage, in UTF-8",
    "API: DescribeProcessingJob",
)
def test_a_message_that_is_not_utf_8_fails_the_job(context, s3):
    script = "import os; open(os.environ['MESSAGE'], 'wb').write(b'\\xff\\xfe')"
    request = processing(s3, script, environment={"MESSAGE": "/opt/ml/output/message"})
    assert "not UTF-8" in run(context, "ProcessingJob", request)["FailureReason"]


@pytest.mark.aws(
    "Jobs",
    "An S3Prefix that matches no object fails the job",
    "API: S3DataSource",
)
def test_an_input_without_objects_fails_the_job_with_its_location(context, s3):
    request = processing(s3, COUNT)
    request["ProcessingInputs"][1]["S3Input"]["S3Uri"] = f"s3://{BUCKET}/nothing"
    assert (
        f"No S3 objects found under S3 URL s3://{BUCKET}/nothing"
        in run(context, "ProcessingJob", request)["FailureReason"]
    )


def test_an_object_that_would_leave_the_jobs_folder_is_refused(context, s3):
    request = processing(s3, COUNT)
    put(s3, "raw/../../../escaped.csv", "1")
    described = run(context, "ProcessingJob", request)
    assert "outside the job's folder" in described["FailureReason"]
    assert not list(context.state.rglob("escaped.csv"))


def test_a_bucket_that_does_not_exist_fails_the_job_with_its_name(context, s3):
    request = processing(s3, "")
    request["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"] = "s3://no-such-bucket/out"
    request["AppSpecification"]["ContainerEntrypoint"] = [
        "/bin/sh",
        "-c",
        "echo x > ${0#x}/processing/out/x",
        "/opt/ml",
    ]
    assert "s3://no-such-bucket/out" in run(context, "ProcessingJob", request)["FailureReason"]


TRAIN = """
import argparse, json, os, pathlib
import helper
parser = argparse.ArgumentParser()
parser.add_argument("--rounds", type=int)
parser.add_argument("--note")
arguments = parser.parse_args()
rows = (pathlib.Path(os.environ["SM_CHANNEL_TRAIN"]) / "rows.csv").read_text().split()
model = pathlib.Path(os.environ["SM_MODEL_DIR"])
(model / "code").mkdir()
(model / "model").write_text(f"{len(rows)} {arguments.rounds} {arguments.note} {helper.answer}")
(model / "code/inference.py").write_text("pass")
(model / "link").symlink_to("model")
(pathlib.Path(os.environ["SM_OUTPUT_DATA_DIR"]) / "plot.txt").write_text("plot")
config = pathlib.Path(os.environ["SM_INPUT_CONFIG_DIR"])
assert json.loads((config / "hyperparameters.json").read_text())["rounds"] == "5"
assert json.loads((config / "resourceconfig.json").read_text())["hosts"] == ["algo-1"]
assert os.environ["TRAINING_JOB_NAME"] == "train"
for score in (0.5, 0.75):
    print(f"[1] validation-auc:{score}")
"""


@pytest.mark.aws(
    "Jobs",
    "A training job's model folder becomes model.tar.gz, output/data output.tar.gz; metrics come from its log",
    "Developer guide: How Amazon SageMaker AI runs your training image",
)
def test_a_training_job_runs_its_script_and_delivers_model_and_output(context, s3):
    metrics = [("validation:auc", r"validation-auc:([0-9.]+)")]
    described = run(
        context,
        "TrainingJob",
        training(s3, TRAIN, hyperparameters={"rounds": "5", "note": '"a b"'}, metrics=metrics),
    )
    assert described["TrainingJobStatus"] == "Completed", described
    assert described["ModelArtifacts"] == {"S3ModelArtifacts": f"s3://{BUCKET}/models/train/output/model.tar.gz"}
    assert members(s3, "models/train/output/model.tar.gz") == {"model": "3 5 a b 42", "code/inference.py": "pass"}
    assert members(s3, "models/train/output/output.tar.gz") == {"plot.txt": "plot"}
    assert [(m["MetricName"], m["Value"]) for m in described["FinalMetricDataList"]] == [("validation:auc", 0.75)]


@pytest.mark.aws(
    "Jobs",
    "/opt/ml/output/failure is a training job's FailureReason",
    "Developer guide: How Amazon SageMaker AI signals algorithm success and failure",
)
def test_the_failure_file_becomes_the_failure_reason(context, s3):
    script = "import os, sys; open(os.environ['SM_OUTPUT_DIR'] + '/failure', 'w').write('bad rows'); sys.exit(7)"
    described = run(context, "TrainingJob", training(s3, script))
    assert described["FailureReason"] == "AlgorithmError: bad rows, exit code: 7"
    assert keys(s3, "models/train") == []


def test_an_archive_that_is_none_fails_the_job_with_its_location(context, s3):
    request = training(s3, "")
    put(s3, "code/train/sourcedir.tar.gz", b"not an archive")
    assert "code/train/sourcedir.tar.gz is not a tar.gz" in run(context, "TrainingJob", request)["FailureReason"]


def test_an_archive_that_would_leave_the_jobs_folder_is_refused(context, s3):
    request = training(s3, "")
    put(s3, "code/train/sourcedir.tar.gz", archive(**{"../../escaped": "x"}))
    assert run(context, "TrainingJob", request)["TrainingJobStatus"] == "Failed"
    assert not list(context.state.rglob("escaped"))
