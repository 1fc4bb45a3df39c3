"""However a stand-in ends, nothing of it is left; and it never starts on what it cannot use."""

import contextlib
import io
import json
import os
import pty
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator

import boto3.session
import psutil
import pytest

from tests.functional.conftest import ROOT, exports, interrupt, start

ROLE = "arn:aws:iam::111122223333:role/any"
CODE = """
def model_fn(folder):
    return 1

def transform_fn(model, data, content_type, accept):
    return data, accept
"""
JOB = "import subprocess; subprocess.run(['sleep', '600'])"


@contextlib.contextmanager
def up(*arguments: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """A stand-in that is ready, and its exports; killed after the block if it is still there."""
    process = start("up", "--port", "0", "--speed", "240", *arguments, **environment)
    try:
        yield process, exports(process)
    finally:
        process.kill()
        process.communicate()


def clients(exported: dict[str, str]) -> Callable:
    session = boto3.session.Session(
        exported["AWS_ACCESS_KEY_ID"], exported["AWS_SECRET_ACCESS_KEY"], region_name=exported["AWS_REGION"]
    )
    return lambda service: session.client(service, endpoint_url=exported["AWS_ENDPOINT_URL"])


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass within a minute"
        time.sleep(0.02)


def family(pid: int) -> list[psutil.Process]:
    """Every process below one, and whatever shares their sessions (a job's watcher is nobody's child)."""
    children = psutil.Process(pid).children(recursive=True)
    sessions = {os.getsid(child.pid) for child in children}
    return [process for process in psutil.process_iter() if session_of(process.pid) in sessions]


def session_of(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def alive(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def all_gone(processes: list[psutil.Process]) -> bool:
    until(lambda: not any(map(alive, processes)))
    return True


def busy(pid: int, exported: dict[str, str]) -> list[psutil.Process]:
    """An endpoint in service and a job at work; every process of the stand-in but its own."""
    client = clients(exported)
    s3, sagemaker = client("s3"), client("sagemaker")
    s3.create_bucket(Bucket="endings")
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        member = tarfile.TarInfo("code/inference.py")
        member.size = len(CODE)
        tar.addfile(member, io.BytesIO(CODE.encode()))
    s3.put_object(Bucket="endings", Key="model.tar.gz", Body=archive.getvalue())
    script = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
    container = {"Image": "any:1", "ModelDataUrl": "s3://endings/model.tar.gz", "Environment": script}
    sagemaker.create_model(ModelName="m", PrimaryContainer=container, ExecutionRoleArn=ROLE)
    variant = {"VariantName": "v", "ModelName": "m", "InitialInstanceCount": 2, "InstanceType": "ml.m5.large"}
    sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="e", EndpointConfigName="c")
    job = {
        "AppSpecification": {"ImageUri": "any:1", "ContainerEntrypoint": ["python3", "-c", JOB]},
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
        },
        "RoleArn": ROLE,
    }
    steps = [{"Name": "Job", "Type": "Processing", "Arguments": job}]
    definition = json.dumps({"Version": "2020-12-01", "Steps": steps})
    sagemaker.create_pipeline(PipelineName="p", PipelineDefinition=definition, RoleArn=ROLE)
    sagemaker.start_pipeline_execution(PipelineName="p")
    until(lambda: sagemaker.describe_endpoint(EndpointName="e")["EndpointStatus"] == "InService")
    until(lambda: any("sleep" in process.name() for process in psutil.Process(pid).children(recursive=True)))
    return family(pid)


def test_a_stand_in_killed_in_full_work_leaves_no_process_and_the_next_start_is_a_new_one(tmp_path):
    with up("--state", str(tmp_path)) as (process, exported):
        processes = busy(process.pid, exported)
        assert len(processes) >= 5
        process.kill()
        process.wait()
        assert all_gone(processes)
    assert {path.name for path in tmp_path.iterdir()} > {"jobs", "endpoints"}
    with up("--state", str(tmp_path)) as (process, exported):
        sagemaker = clients(exported)("sagemaker")
        assert sagemaker.list_endpoints()["Endpoints"] == []
        assert sagemaker.list_pipelines()["PipelineSummaries"] == []
        assert not (tmp_path / "jobs").exists()
        _, said = interrupt(process)
    assert "leftover(s) of an earlier stand-in removed" in said


def test_sigterm_ends_a_stand_in_in_full_work_with_a_sentence_and_leaves_nothing(tmp_path):
    with up(TMPDIR=str(tmp_path)) as (process, exported):
        processes = busy(process.pid, exported)
        process.terminate()
        _, said = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "Interrupted" in said
        assert "Traceback" not in said
        assert all_gone(processes)
    assert list(tmp_path.iterdir()) == []


def test_an_impatient_second_ctrl_c_leaves_no_process_either(tmp_path):
    with up("--state", str(tmp_path)) as (process, exported):
        processes = busy(process.pid, exported)
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "Traceback" not in said
        assert all_gone(processes)


def test_a_closed_terminal_ends_it_and_leaves_nothing(tmp_path):
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        os.environ["TMPDIR"] = str(tmp_path)
        os.execv(sys.executable, [sys.executable, "-m", "local", "up", "--port", "0"])  # noqa: S606 - no shell is wanted
    said = b""
    while b"Ctrl-C ends it" not in said:
        said += os.read(terminal, 4096)
    processes = family(pid)
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 130
    assert all_gone(processes)
    assert list(tmp_path.iterdir()) == []


def test_under_nohup_a_closed_terminal_does_not_end_it():
    code = (
        "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); os.execv(sys.executable, sys.argv[1:])"
    )
    command = [sys.executable, "-c", code, sys.executable, "-m", "local", "up", "--port", "0"]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    exported = exports(process)
    process.send_signal(signal.SIGHUP)
    assert clients(exported)("sagemaker").list_endpoints()["Endpoints"] == []
    assert interrupt(process)[0] == 130


@pytest.mark.parametrize("loaded", ["argparse", "aiohttp.web", "local.server"])
def test_ctrl_c_while_it_loads_is_a_sentence(loaded):
    process = subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "local", "up", "--port", "0"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.rpartition("|")[2].strip() == loaded:
            break
    processes = family(process.pid)
    process.send_signal(signal.SIGINT)
    said = "".join(line for line in process.stderr if not line.startswith("import time:"))
    assert process.wait(60) == 130
    assert "Interrupted" in said
    assert "Traceback" not in said
    assert all_gone(processes)


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A stand-in that another one gets in the way of: its process, folder, port."""
    folder = tmp_path_factory.mktemp("state")
    with up("--state", str(folder)) as (process, exported):
        yield process, folder, exported["AWS_ENDPOINT_URL"].rpartition(":")[2]


def test_two_stand_ins_on_one_folder_are_one_too_many(first):
    process, folder, _ = first
    second = start("up", "--port", "0", "--state", str(folder))
    out, said = second.communicate(timeout=60)
    assert (second.returncode, out) == (1, "")
    assert f"another stand-in (process {process.pid}) is using {folder}; choose another with --state" in said
    assert process.poll() is None


def test_a_taken_port_leaves_no_folder(first, tmp_path):
    second = start("up", "--port", first[2], TMPDIR=str(tmp_path))
    _, said = second.communicate(timeout=60)
    assert second.returncode == 1
    assert "--port" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("folder", ["/proc/nowhere", str(ROOT)])
def test_a_state_folder_that_cannot_be_used_is_a_sentence(folder):
    process = start("up", "--port", "0", "--state", folder)
    out, said = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert "--state" in said
    assert "Traceback" not in said


def test_a_full_disk_is_a_sentence_at_the_start(tmp_path):
    command = f"ulimit -f 0; exec {sys.executable} -m local up --port 0 --state {tmp_path}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False, start_new_session=True
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{tmp_path} cannot be used: File too large" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_rehearsal_whose_reader_leaves_ends_with_a_sentence(tmp_path):
    process = start("rehearse", "--out", str(tmp_path))
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(60) == 1
    said = process.stderr.read()
    assert "its output cannot be written" in said
    assert "Traceback" not in said
