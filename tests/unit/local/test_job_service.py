"""Jobs that a client creates, watches, stops, lists and deletes. Real processes, scripts in line."""

import asyncio
import io
import tarfile

import pytest

from local.clock import Clock
from local.context import Context
from local.errors import AwsError
from local.jobs import Jobs
from local.jobs.trouble import Trouble, of_answer, of_reason

BUCKET = "job-bucket"


class World:
    """Jobs whose clock runs 60 times as fast, so that 120 s to stop are 2."""

    def __init__(self, server, folder):
        self.context = Context(Clock(speed=60), "us-east-1", "111122223333", folder, server, lambda *_: None)
        self.tags = {}
        self.jobs = Jobs(self.context, self.tags)
        self.s3 = self.context.client("s3")
        self.s3.create_bucket(Bucket=BUCKET)

    def create(self, code, *arguments, name="prepare"):
        request = {
            "ProcessingJobName": name,
            "RoleArn": "arn:aws:iam::111122223333:role/role",
            "ProcessingResources": {"ClusterConfig": {"InstanceCount": 1}},
            "AppSpecification": {
                "ImageUri": "image",
                "ContainerEntrypoint": ["python3", "-c", code, *map(str, arguments)],
            },
            "Tags": [{"Key": "team", "Value": "flights"}],
        }
        return self.jobs.create_processing_job(request)["ProcessingJobArn"]

    def train(self, code, *arguments, name="Train"):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
            member = tarfile.TarInfo("train.py")
            member.size = len(code)
            tar.addfile(member, io.BytesIO(code.encode()))
        self.s3.put_object(Bucket=BUCKET, Key="source.tar.gz", Body=buffer.getvalue())
        request = {
            "TrainingJobName": name,
            "RoleArn": "arn:aws:iam::111122223333:role/role",
            "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
            "HyperParameters": {
                "sagemaker_program": "train.py",
                "sagemaker_submit_directory": f"s3://{BUCKET}/source.tar.gz",
            },
            "Environment": {"FILE": str(arguments[0]) if arguments else ""},
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/models"},
            "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
        }
        return self.jobs.create_training_job(request)["TrainingJobArn"]

    def status(self, name="prepare"):
        return self.jobs.describe_processing_job({"ProcessingJobName": name})["ProcessingJobStatus"]

    async def ended(self, name="prepare"):
        await self.jobs.over(self.jobs._jobs["ProcessingJob", name.lower()])
        return self.jobs.describe_processing_job({"ProcessingJobName": name})

    async def trained(self, name="Train"):
        await self.jobs.over(self.jobs._jobs["TrainingJob", name.lower()])
        return self.jobs.describe_training_job({"TrainingJobName": name})


@pytest.fixture
def play(server, tmp_path):
    """Run one story, `async def story(world)`, and close the jobs after it."""

    def run(story):
        async def whole():
            world = World(server, tmp_path)
            try:
                await story(world)
            finally:
                await world.jobs.close()

        asyncio.run(whole())

    return run


async def there(path):
    while True:
        if path.exists():
            return
        await asyncio.sleep(0.01)


def test_a_job_of_a_clients_own_runs_and_is_described(play):
    async def story(world):
        arn = world.create("print('hello')")
        assert arn == "arn:aws:sagemaker:us-east-1:111122223333:processing-job/prepare"
        described = await world.ended()
        assert described["ProcessingJobStatus"] == "Completed"
        assert "Tags" not in described
        assert world.tags[arn] == [{"Key": "team", "Value": "flights"}]

    play(story)


@pytest.mark.aws("Jobs", "A job's name is taken until the job is deleted", "API: CreateProcessingJob")
def test_a_name_is_taken_until_its_job_is_deleted(play):
    async def story(world):
        world.create("pass")
        with pytest.raises(AwsError, match="already exists") as caught:
            world.create("pass", name="PREPARE")
        assert caught.value.code == "ResourceInUse"
        await world.ended()
        world.jobs.delete_processing_job({"ProcessingJobName": "prepare"})
        world.create("pass", name="Prepare")

    play(story)


@pytest.mark.aws("Jobs", "A job that has not ended cannot be deleted", "API: DeleteProcessingJob")
def test_a_job_that_runs_cannot_be_deleted(play):
    async def story(world):
        world.create("import time; time.sleep(60)")
        with pytest.raises(AwsError, match="stop it first") as caught:
            world.jobs.delete_processing_job({"ProcessingJobName": "prepare"})
        assert caught.value.code == "ResourceInUse"

    play(story)


def test_a_job_is_found_by_the_tail_of_its_arn(play):
    async def story(world):
        arn = world.create("pass", name="MixedCase")
        described = world.jobs.describe_processing_job({"ProcessingJobName": arn.rpartition("/")[2]})
        assert described["ProcessingJobName"] == "MixedCase"

    play(story)


@pytest.mark.parametrize("operation", ["describe", "stop", "delete"])
def test_a_job_nobody_created_is_not_found(play, operation):
    async def story(world):
        with pytest.raises(AwsError, match="no TrainingJob named x") as caught:
            getattr(world.jobs, f"{operation}_training_job")({"TrainingJobName": "x"})
        assert caught.value.code == "ResourceNotFound"

    play(story)


@pytest.mark.aws("Jobs", "A job that is stopped is Stopping, then Stopped", "API: StopTrainingJob")
def test_a_job_that_is_stopped_is_stopping_until_its_process_is_gone(play):
    async def story(world):
        pid_file = world.context.state / "pid"
        code = "import os, pathlib, sys, time; pathlib.Path(sys.argv[1]).write_text('x'); time.sleep(60)"
        world.create(code, pid_file)
        await there(pid_file)
        world.jobs.stop_processing_job({"ProcessingJobName": "prepare"})
        assert world.status() == "Stopping"
        assert (await world.ended())["ProcessingJobStatus"] == "Stopped"
        with pytest.raises(AwsError, match="is in status Stopped"):
            world.jobs.stop_processing_job({"ProcessingJobName": "prepare"})

    play(story)


def test_a_job_can_be_stopped_before_it_has_begun(play):
    async def story(world):
        world.create("import time; time.sleep(60)")
        world.jobs.stop_processing_job({"ProcessingJobName": "prepare"})
        assert (await world.ended())["ProcessingJobStatus"] == "Stopped"

    play(story)


SAVES = """
import os, pathlib, signal, time
def save(*_):
    pathlib.Path(os.environ["SM_MODEL_DIR"], "model").write_text("half trained")
    raise SystemExit
signal.signal(signal.SIGTERM, save)
pathlib.Path(os.environ["FILE"]).write_text("ready")
time.sleep(60)
"""


@pytest.mark.aws(
    "Jobs",
    "A training job that is stopped gets SIGTERM and time to save its model, which is kept",
    "API: StopTrainingJob",
)
def test_a_training_job_that_is_stopped_can_save_its_model(play):
    async def story(world):
        ready = world.context.state / "ready"
        world.train(SAVES, ready)
        await there(ready)
        world.jobs.stop_training_job({"TrainingJobName": "Train"})
        described = await world.trained()
        assert described["TrainingJobStatus"] == "Stopped"
        key = described["ModelArtifacts"]["S3ModelArtifacts"].partition(f"{BUCKET}/")[2]
        assert world.s3.head_object(Bucket=BUCKET, Key=key)["ContentLength"] > 0

    play(story)


@pytest.mark.aws(
    "Jobs",
    "SecondaryStatusTransitions tell each state of a training job from its start to its end",
    "API: DescribeTrainingJob",
)
def test_a_training_jobs_transitions_follow_each_other_without_a_gap(play):
    async def story(world):
        world.train("pass")
        described = await world.trained()
        transitions = described["SecondaryStatusTransitions"]
        names = [transition["Status"] for transition in transitions]
        assert names == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
        ends = [transition["EndTime"] for transition in transitions]
        assert ends[:-1] == [transition["StartTime"] for transition in transitions[1:]]
        assert described["SecondaryStatus"] == "Completed"

    play(story)


def test_lists_are_paged_and_of_one_kind(play):
    async def story(world):
        for name in ("one", "two", "other"):
            world.create("pass", name=name)
        world.train("pass")
        first = world.jobs.list_processing_jobs({"MaxResults": 2})
        rest = world.jobs.list_processing_jobs({"MaxResults": 2, "NextToken": first["NextToken"]})
        found = first["ProcessingJobSummaries"] + rest["ProcessingJobSummaries"]
        assert [job["ProcessingJobName"] for job in found] == ["one", "two", "other"]
        by_name = world.jobs.list_processing_jobs({"NameContains": "o", "SortBy": "Name", "SortOrder": "Descending"})
        assert [job["ProcessingJobName"] for job in by_name["ProcessingJobSummaries"]] == ["two", "other", "one"]

    play(story)


@pytest.mark.aws(
    "Jobs",
    "ListTrainingJobs with MaxResults and StatusEquals filters the page by status, not the list",
    "API: ListTrainingJobs",
)
def test_a_page_of_training_jobs_is_taken_before_it_is_filtered(play):
    async def story(world):
        world.train("raise SystemExit(1)", name="Bad")
        await world.trained("Bad")
        world.train("import time; time.sleep(60)", name="Good")
        request = {"StatusEquals": "Failed", "MaxResults": 1}
        first = world.jobs.list_training_jobs(request)
        assert first["TrainingJobSummaries"] == []
        second = world.jobs.list_training_jobs({**request, "NextToken": first["NextToken"]})
        assert [job["TrainingJobName"] for job in second["TrainingJobSummaries"]] == ["Bad"]
        unpaged = world.jobs.list_training_jobs({"StatusEquals": "Failed"})
        assert [job["TrainingJobName"] for job in unpaged["TrainingJobSummaries"]] == ["Bad"]

    play(story)


@pytest.mark.parametrize("trouble", [Trouble.INTERNAL_ERROR, Trouble.CAPACITY_ERROR])
def test_trouble_of_awss_ends_a_job_with_awss_words(play, trouble):
    async def story(world):
        world.jobs.faults.put(f"job:prepare-1:{trouble.word}")
        world.create("pass", name="prepare-1")
        described = await world.ended("prepare-1")
        assert described["ProcessingJobStatus"] == "Failed"
        assert of_reason(described["FailureReason"]) == trouble
        world.create("pass", name="prepare-2")
        assert (await world.ended("prepare-2"))["ProcessingJobStatus"] == "Completed"

    play(story)


@pytest.mark.parametrize("trouble", [Trouble.THROTTLING, Trouble.SERVICE_FAULT, Trouble.RESOURCE_LIMIT])
def test_trouble_of_awss_refuses_a_job_and_leaves_its_name_free(play, trouble):
    async def story(world):
        world.jobs.faults.put(f"job:prepare:{trouble.word}")
        with pytest.raises(AwsError) as caught:
            world.create("pass")
        assert of_answer(caught.value) == trouble
        assert world.create("pass")

    play(story)


def test_a_scripts_own_failure_is_no_trouble_of_awss():
    assert of_reason("AlgorithmError: ValueError: no rows, exit code: 1") is None
    assert of_answer(AwsError("ValidationException", "no")) is None


def test_ending_the_stand_in_does_not_wait_for_a_job_that_will_not_stop(server, tmp_path):
    async def whole():
        world = World(server, tmp_path)
        ready = tmp_path / "ready"
        world.train(SAVES.replace("raise SystemExit", "pass").replace("sleep(60)", "sleep(600)"), ready)
        await there(ready)
        world.jobs.stop_training_job({"TrainingJobName": "Train"})
        await world.jobs.close()
        return world.jobs.describe_training_job({"TrainingJobName": "Train"})["TrainingJobStatus"]

    assert asyncio.run(whole()) == "Stopped"
