"""What a job comes down to: the pure parts of running one."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.jobs import processing, training
from local.jobs.job import JobError
from local.jobs.outcome import compile_metrics, failure_reason, final_metrics
from local.jobs.plan import check_offered, command, local_folder, rewrite
from local.jobs.storage import relative_name

FOLDER = Path("/state/jobs/one")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("/opt/ml", "/state/jobs/one"),
        ("/opt/ml/model", "/state/jobs/one/model"),
        ("--out=/opt/ml/processing/out", "--out=/state/jobs/one/processing/out"),
        ("/a:/opt/ml/b", "/a:/state/jobs/one/b"),
        ("s3://bucket/opt/ml/model", "s3://bucket/opt/ml/model"),
        ("/opt/mlflow", "/opt/mlflow"),
        ("/srv/opt/ml", "/srv/opt/ml"),
    ],
)
def test_opt_ml_is_rewritten_only_where_it_starts_a_path(given_text, expected):
    assert rewrite(given_text, FOLDER) == expected


@given(st.text(alphabet="/optml-s3:abc. ="))
def test_rewriting_twice_is_rewriting_once(value):
    once = rewrite(value, FOLDER)
    assert rewrite(once, FOLDER) == once


def test_python_in_an_entry_point_is_this_interpreter():
    assert command(["python3", "/opt/ml/x.py"], ["python3"], FOLDER) == (
        sys.executable,
        "/state/jobs/one/x.py",
        "python3",
    )


def test_any_other_program_is_run_as_it_is_named():
    assert command(["/bin/sh", "-c"], ["true"], FOLDER) == ("/bin/sh", "-c", "true")


@pytest.mark.aws(
    "Jobs",
    "LocalPath of a processing job is below /opt/ml/processing",
    "API: ProcessingS3Input",
)
@pytest.mark.parametrize("path", ["/srv/x", "/opt/ml/model", "/opt/ml/processing/../model", "relative"])
def test_a_local_path_outside_opt_ml_processing_is_refused(path):
    with pytest.raises(JobError, match="/opt/ml/processing"):
        local_folder(path, FOLDER, "Input x")


@pytest.mark.aws(
    "Jobs",
    "An S3Prefix is every object whose key begins with it, kept below the prefix",
    "API: S3DataSource",
)
@pytest.mark.parametrize(
    ("prefix", "key", "name"),
    [
        ("code/run.py", "code/run.py", "run.py"),
        ("data/", "data/a/b.csv", "a/b.csv"),
        ("data", "data/a/b.csv", "a/b.csv"),
        ("data/tr", "data/train/a.csv", "train/a.csv"),
        ("data/tr", "data/train.csv", "train.csv"),
        ("", "a/b.csv", "a/b.csv"),
    ],
)
def test_an_s3_prefix_names_files_as_sagemaker_does(prefix, key, name):
    assert relative_name(prefix, key) == name


@given(st.text(alphabet="ab/", min_size=1), st.text(alphabet="ab/"))
def test_the_name_of_an_object_is_the_end_of_its_key(prefix, rest):
    key = prefix + rest
    name = relative_name(prefix, key)
    assert key.endswith(name)


@pytest.mark.parametrize(
    ("request_part", "named"),
    [
        (
            {"ProcessingInputs": [{"S3Input": {"S3DataType": "ManifestFile"}}]},
            r"ProcessingInputs\[0\].S3Input.S3DataType",
        ),
        ({"ProcessingInputs": [{"DatasetDefinition": {}}]}, "DatasetDefinition"),
        ({"AlgorithmSpecification": {"TrainingInputMode": "Pipe"}}, "TrainingInputMode = Pipe"),
        ({"ResourceConfig": {"InstanceCount": 2}}, "InstanceCount is 2"),
    ],
)
def test_what_is_not_offered_is_refused_by_its_name(request_part, named):
    with pytest.raises(JobError, match=named):
        check_offered(request_part)


def test_hyperparameters_and_variables_may_be_called_anything():
    check_offered({"HyperParameters": {"InstanceCount": "2"}, "Environment": {"InputMode": "Pipe"}})


def processing_request(**more):
    return {
        "ProcessingJobName": "one",
        "AppSpecification": {"ImageUri": "i", "ContainerEntrypoint": ["python3", "/opt/ml/processing/code/x.py"]},
        "ProcessingInputs": [
            {"InputName": "code", "S3Input": {"S3Uri": "s3://b/x.py", "LocalPath": "/opt/ml/processing/code"}}
        ],
        "ProcessingOutputConfig": {
            "Outputs": [{"OutputName": "o", "S3Output": {"S3Uri": "s3://b/o", "LocalPath": "/opt/ml/processing/o"}}]
        },
        **more,
    }


def test_a_processing_job_finds_its_own_description_with_paths_that_exist_here():
    plan = processing.plan(processing_request(), "arn:x", FOLDER, {})
    written = json.loads(plan.files[FOLDER / "config/processingjobconfig.json"])
    assert written["ProcessingJobArn"] == "arn:x"
    assert written["ProcessingInputs"][0]["S3Input"]["LocalPath"] == "/state/jobs/one/processing/code"


def test_a_processing_job_without_an_entry_point_is_refused():
    with pytest.raises(JobError, match="ContainerEntrypoint is missing"):
        processing.plan(processing_request(AppSpecification={"ImageUri": "i"}), "arn:x", FOLDER, {})


def training_request(hyperparameters):
    return {
        "TrainingJobName": "one",
        "AlgorithmSpecification": {"TrainingInputMode": "File"},
        "InputDataConfig": [
            {
                "ChannelName": "train",
                "DataSource": {"S3DataSource": {"S3Uri": "s3://b/train"}},
                "ContentType": "text/csv",
            }
        ],
        "OutputDataConfig": {"S3OutputPath": "s3://b/models/"},
        "HyperParameters": {
            "sagemaker_program": "train.py",
            "sagemaker_submit_directory": "s3://b/sourcedir.tar.gz",
            **hyperparameters,
        },
    }


def test_a_script_gets_its_hyperparameters_sorted_and_unquoted_and_none_of_sagemakers():
    plan = training.plan(training_request({"eta": '"0.3"', "depth": "6", "name": "plain"}), "arn:x", FOLDER, {})
    assert plan.command == (sys.executable, "train.py", "--depth", "6", "--eta", "0.3", "--name", "plain")
    assert json.loads(plan.environment["SM_HPS"]) == {"depth": 6, "eta": "0.3", "name": "plain"}
    assert plan.environment["SM_HP_ETA"] == "0.3"


def test_sagemakers_own_values_may_be_quoted_too():
    quoted = training_request(
        {"sagemaker_program": '"train.py"', "sagemaker_submit_directory": '"s3://b/sourcedir.tar.gz"'}
    )
    assert training.plan(quoted, "arn:x", FOLDER, {}).source == "s3://b/sourcedir.tar.gz"


@pytest.mark.aws(
    "Jobs",
    "A channel is the folder that SM_CHANNEL_NAME says",
    "sagemaker-training-toolkit: Important environment variables",
)
def test_a_channel_is_a_folder_that_a_variable_names():
    plan = training.plan(training_request({}), "arn:x", FOLDER, {})
    assert plan.environment["SM_CHANNEL_TRAIN"] == "/state/jobs/one/input/data/train"
    assert plan.environment["SM_CHANNELS"] == '["train"]'
    assert json.loads(plan.files[FOLDER / "input/config/inputdataconfig.json"])["train"]["ContentType"] == "text/csv"


def test_the_model_goes_below_the_jobs_name():
    plan = training.plan(training_request({}), "arn:x", FOLDER, {})
    assert [f"{upload.uri}/{upload.archive}" for upload in plan.uploads] == [
        "s3://b/models/one/output/model.tar.gz",
        "s3://b/models/one/output/output.tar.gz",
    ]


def test_a_variable_of_the_job_wins_over_one_of_ours():
    request = training_request({}) | {"Environment": {"SM_LOG_LEVEL": "10"}}
    assert training.plan(request, "arn:x", FOLDER, {}).environment["SM_LOG_LEVEL"] == "10"


@pytest.mark.parametrize(
    ("hyperparameters", "message"),
    [
        ({"sagemaker_program": ""}, "built-in algorithm is not offered"),
        ({"sagemaker_program": "run.sh"}, "run.sh"),
        ({"sagemaker_submit_directory": "/opt/ml/code"}, "s3://"),
    ],
)
def test_a_training_job_that_is_no_python_script_is_refused(hyperparameters, message):
    with pytest.raises(JobError, match=message):
        training.plan(training_request(hyperparameters), "arn:x", FOLDER, {})


def test_the_failure_file_says_why_a_job_failed():
    assert failure_reason(1, "bad data\n", "log") == "AlgorithmError: bad data, exit code: 1"


def test_without_a_failure_file_the_last_lines_of_the_log_say_why():
    log = "\n".join(f"line {number}" for number in range(1000)) + "\nValueError: no rows\n"
    reason = failure_reason(1, "", log)
    assert reason.endswith("ValueError: no rows, exit code: 1")
    assert reason.startswith("AlgorithmError: line ")


@pytest.mark.aws(
    "Jobs",
    "FailureReason has at most 1024 characters",
    "API: DescribeTrainingJob",
)
@given(st.integers(-15, 255), st.text(max_size=3000), st.text(max_size=3000))
def test_a_failure_reason_keeps_the_exit_code_and_sagemakers_limit(exit_code, failure, log):
    reason = failure_reason(exit_code, failure, log)
    assert len(reason) <= 1024
    assert reason.endswith(f"exit code: {exit_code if exit_code >= 0 else 128 - exit_code}")


@pytest.mark.aws(
    "Jobs",
    "FinalMetricDataList has the last number that each MetricDefinition finds in the log",
    "API: MetricDefinition",
)
def test_a_metric_is_the_last_number_its_pattern_finds():
    patterns = compile_metrics([{"Name": "auc", "Regex": r"auc=([0-9.]+)"}, {"Name": "none", "Regex": "x=(.*)"}])
    log = "auc=0.5\nauc=0.75\nx=abc\n"
    assert final_metrics(patterns, log, NOW) == [{"MetricName": "auc", "Value": 0.75, "Timestamp": NOW}]


@pytest.mark.parametrize("regex", ["(", "auc=.*"])
def test_a_pattern_that_cannot_find_a_number_is_refused_before_the_job_runs(regex):
    with pytest.raises(JobError, match="MetricDefinition auc"):
        compile_metrics([{"Name": "auc", "Regex": regex}])
