"""`python -m local` as a person meets it: wrong input, a taken port, Ctrl-C, and two at once."""

import contextlib
import os
import time

import boto3.session
import psutil
import pytest

from tests.functional.conftest import exports, interrupt, start


def _ended(*arguments: str) -> tuple[int, str, str]:
    process = start(*arguments)
    out, said = process.communicate(timeout=60)
    return process.returncode, out, said


def _processes_of(session: int) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            if os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def test_ctrl_c_ends_the_stand_in_with_a_sentence_and_leaves_no_process():
    process = start("up", "--port", "0")
    exports(process)
    code, said = interrupt(process)
    assert (code, "Interrupted" in said) == (130, True)
    assert _processes_of(process.pid) == []


def test_a_taken_port_is_a_sentence_that_says_what_to_do(standin):
    port = standin["AWS_ENDPOINT_URL"].rpartition(":")[2]
    code, _, said = _ended("up", "--port", port)
    assert code == 1
    assert f"port {port} of 127.0.0.1 cannot be used" in said
    assert "--port" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("up", "--speed", "0"), "not between 0 and 1000"),
        (("up", "--port", "99999"), "not between 0 and 65535"),
        (("rehearse", "--fault", "eror:0.3"), "did you mean errors:RATE"),
        (("rehearse", "--story", "nowhere.yaml"), "nowhere.yaml cannot be read"),
        (("rehearse", "--out", "/proc/rehearsal"), "choose another with --out"),
        (("rehearse", "--strategy", "teleport"), "rollout.strategy is teleport"),
        (("rehearse", "--set", "rollout.canary.percent=80"), "rollout.canary.percent is 80"),
        (("fault", "eror:0.3"), "did you mean errors:RATE"),
        (("fault", "--port", "1"), "no stand-in answers on port 1"),
        (("dance",), "invalid choice"),
    ],
)
def test_wrong_input_is_a_usage_error_in_a_sentence(arguments, said):
    code, _, text = _ended(*arguments)
    assert code == 2
    assert said in text
    assert "Traceback" not in text


def test_ctrl_c_in_a_rehearsal_leaves_no_process_and_no_half_report(tmp_path):
    process = start("rehearse", "--out", str(tmp_path))
    assert process.stdout is not None
    for line in process.stdout:
        if "1. The first model" in line:
            break
    time.sleep(1.5)
    assert len(_processes_of(process.pid)) > 0
    code, said = interrupt(process)
    deadline = time.monotonic() + 5
    while _processes_of(process.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert (code, "Interrupted" in said) == (130, True)
    assert "Traceback" not in said, said
    assert _processes_of(process.pid) == []
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_a_second_rehearsal_beside_the_first_steps_aside(tmp_path):
    first = start("rehearse", "--out", str(tmp_path))
    assert first.stdout is not None
    first.stdout.readline()
    first.stdout.readline()
    code, _, said = _ended("rehearse", "--out", str(tmp_path))
    interrupt(first)
    assert code == 2
    assert "another rehearsal is writing to" in said


def test_duplicate_events_makes_every_event_arrive_twice():
    process = start("up", "--port", "0", "--duplicate-events")
    try:
        where = exports(process)
        keys = {name: where[name.upper()] for name in ("aws_access_key_id", "aws_secret_access_key")}
        session = boto3.session.Session(**keys, region_name=where["AWS_REGION"])
        sagemaker, events, sqs = (
            session.client(service, endpoint_url=where["AWS_ENDPOINT_URL"])
            for service in ("sagemaker", "events", "sqs")
        )
        url = sqs.create_queue(QueueName="twice")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        events.put_rule(Name="all", EventPattern='{"source": ["aws.sagemaker"]}')
        events.put_targets(Rule="all", Targets=[{"Id": "queue", "Arn": arn}])
        sagemaker.create_model_package_group(ModelPackageGroupName="g")
        sagemaker.create_model_package(ModelPackageGroupName="g")
        first, second = (sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"] for _ in range(2))
        assert first[0]["MessageId"] != second[0]["MessageId"]
    finally:
        interrupt(process)
