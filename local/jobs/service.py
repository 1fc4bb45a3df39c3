"""Runs jobs: folder, downloads, process, uploads, log. Its operations describe the jobs that ran.

A job's folder, `<state>/jobs/<name>`, stands for /opt/ml. It stays when the job failed; of one that completed only
`log.txt` stays, as its outputs are in S3. Nothing is uploaded unless the script succeeded.
"""

import asyncio
import functools
import os
import shutil
from typing import Any

from local.context import Context, Request, Response
from local.errors import AwsError, not_found
from local.jobs import logs, processing, training
from local.jobs.job import Job, JobError, Kind, describe, maximum_runtime, summarise
from local.jobs.outcome import MESSAGE_LIMIT, compile_metrics, failure_reason, final_metrics
from local.jobs.plan import Plan, base_environment, check_offered
from local.jobs.process import run
from local.jobs.storage import Storage

_LOG_READ = 8_000_000
_PLANS = {"ProcessingJob": processing.plan, "TrainingJob": training.plan}


class Jobs:
    """Every job of this stand-in, by kind and name."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._jobs: dict[tuple[Kind, str], Job] = {}
        self._publishing: set[asyncio.Task[None]] = set()
        self.storage = Storage(context.client)

    def create(self, kind: Kind, request: Request) -> Job:
        """Record a job; `run` runs it. Raises AwsError when its name is taken."""
        name = request[f"{kind}Name"]
        if (kind, name) in self._jobs:
            raise AwsError("ResourceInUse", f"{kind} {name} already exists; names are used once.")
        resource = "processing-job" if kind == "ProcessingJob" else "training-job"
        folder = self._context.state.resolve() / "jobs" / name
        arn = self._context.arn(f"{resource}/{name}".lower())
        job = self._jobs[kind, name] = Job(kind, name, arn, request, folder, self._context.clock.now())
        return job

    async def run(self, job: Job) -> None:
        """Run it to its end: job.status is then Completed, Failed or Stopped. Cancelled: the job is Stopped."""
        try:
            await self._run(job)
        except asyncio.CancelledError:
            job.finish("Stopped", self._context.clock.now())
            raise
        except TimeoutError:
            reason = f"The job ran longer than MaxRuntimeInSeconds ({maximum_runtime(job.request)} s) and was stopped."
            job.finish("Stopped", self._context.clock.now(), reason, "MaxRuntimeExceeded")
        except (JobError, OSError) as error:
            job.finish("Failed", self._context.clock.now(), f"ClientError: {error}")

    def describe_processing_job(self, request: Request) -> Response:
        """The job, with its outcome once it has one."""
        return describe(self._find("ProcessingJob", request["ProcessingJobName"]))

    def describe_training_job(self, request: Request) -> Response:
        """The job, with its artefact, its final metrics and its outcome once it has one."""
        return describe(self._find("TrainingJob", request["TrainingJobName"]))

    def list_processing_jobs(self, request: Request) -> Response:
        """Summaries, newest first."""
        return {"ProcessingJobSummaries": self._summaries("ProcessingJob", request)}

    def list_training_jobs(self, request: Request) -> Response:
        """Summaries, newest first."""
        return {"TrainingJobSummaries": self._summaries("TrainingJob", request)}

    async def close(self) -> None:
        """Wait for logs that are on their way."""
        await asyncio.gather(*self._publishing, return_exceptions=True)

    def _find(self, kind: Kind, name: str) -> Job:
        if (kind, name) not in self._jobs:
            raise not_found(f"There is no {kind} named {name}.")
        return self._jobs[kind, name]

    def _summaries(self, kind: Kind, request: Request) -> list[Response]:
        wanted, status = request.get("NameContains", ""), request.get("StatusEquals")
        jobs = [job for (of_kind, name), job in self._jobs.items() if of_kind == kind and wanted in name]
        return [summarise(job) for job in reversed(jobs) if status in (None, job.status)]

    async def _run(self, job: Job) -> None:
        check_offered(job.request)
        metrics = compile_metrics(job.request.get("AlgorithmSpecification", {}).get("MetricDefinitions", []))
        home = self._context.state.resolve() / "home"
        environment = base_environment(job.folder, os.environ.get("PATH", os.defpath), home)
        plan = _PLANS[job.kind](job.request, job.arn, job.folder, environment | self._context.job_environment())
        job.secondary_status = "Downloading"
        await asyncio.to_thread(self._prepare, job, plan)
        job.started, job.secondary_status = self._context.clock.now(), "Training"
        log = ""
        try:
            code = await run(
                plan.command,
                environment=plan.environment,
                folder=plan.working_directory,
                log=job.folder / "log.txt",
                limit_seconds=maximum_runtime(job.request),
            )
        finally:
            log = _text(job, "log.txt", _LOG_READ)
            self._publish(job, log)
        job.exit_message = _message(job)
        if code:
            reason = failure_reason(code, _text(job, "output/failure", MESSAGE_LIMIT), log)
            job.finish("Failed", self._context.clock.now(), reason)
            return
        job.secondary_status = "Uploading"
        await asyncio.to_thread(self._deliver, job, plan)
        now = self._context.clock.now()
        job.metrics = final_metrics(metrics, log, now)
        job.finish("Completed", now)

    def _prepare(self, job: Job, plan: Plan) -> None:
        home = self._context.state.resolve() / "home"
        for folder in (home, job.folder / "tmp", plan.working_directory, *plan.folders):
            folder.mkdir(parents=True, exist_ok=True)
        for path, text in plan.files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        if plan.source:
            self.storage.unpack(plan.source, plan.working_directory)
        for download in plan.downloads:
            self.storage.download_prefix(download.uri, download.folder)

    def _deliver(self, job: Job, plan: Plan) -> None:
        for upload in plan.uploads:
            if upload.archive:
                archive = job.folder / "tmp" / upload.archive
                self.storage.upload_archive(upload.folder, f"{upload.uri}/{upload.archive}", archive)
            else:
                self.storage.upload_folder(upload.folder, upload.uri)
        for entry in job.folder.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)

    @functools.cached_property
    def _logs(self) -> Any:
        return self._context.client("logs")

    def _publish(self, job: Job, log: str) -> None:
        group, now = f"/aws/sagemaker/{job.kind}s", self._context.clock.now()
        task = asyncio.create_task(
            asyncio.to_thread(lambda: logs.publish(self._logs, group, job.name, log, now)), name=f"log of {job.name}"
        )
        self._publishing.add(task)
        task.add_done_callback(self._publishing.discard)


def _text(job: Job, name: str, limit: int) -> str:
    """A file of the job as text: the last `limit` bytes of its log, the first of anything else; "" when absent.

    The job's folder reads /opt/ml in it, as it would in the container.
    """
    path = job.folder / name
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        if name == "log.txt" and path.stat().st_size > limit:
            file.seek(-limit, os.SEEK_END)
        return file.read(limit).decode(errors="replace").replace(str(job.folder), "/opt/ml")


def _message(job: Job) -> str | None:
    """ExitMessage, from /opt/ml/output/message. Raises JobError when it is not UTF-8, as SageMaker does."""
    path = job.folder / "output/message"
    if job.kind != "ProcessingJob" or not path.is_file():
        return None
    content = path.read_bytes()[:MESSAGE_LIMIT]
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        if error.start >= len(content) - 3 and len(content) == MESSAGE_LIMIT:
            return content[: error.start].decode()
        raise JobError("/opt/ml/output/message is not UTF-8 text.") from error
