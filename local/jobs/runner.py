"""Runs one job: folder, downloads, process, uploads, log.

A job's folder, `<state>/jobs/<name>`, stands for /opt/ml. It stays when the job failed; of one that completed only
`log.txt` stays, as its outputs are in S3. Nothing is uploaded unless the script succeeded, but for the model of a
training job that was stopped. Sources: the developer guide, "How Amazon SageMaker AI runs your training image" and "How
processing containers run"; the API reference of StopTrainingJob. It must never know other jobs.
"""

import asyncio
import contextlib
import functools
import os
import shutil
from typing import Any

from local.context import Context
from local.jobs import processing, training
from local.jobs.job import Job, JobError, maximum_runtime
from local.jobs.outcome import MESSAGE_LIMIT, compile_metrics, failure_reason, final_metrics
from local.jobs.plan import HOST, Plan, base_environment, check_offered
from local.jobs.process import GRACE_SECONDS, run
from local.jobs.storage import Storage
from local.logs import LogStream

_LOG_READ = 8_000_000
_STOP_SECONDS = 120
_PLANS = {"ProcessingJob": processing.plan, "TrainingJob": training.plan}


class Runner:
    """Runs jobs in `context`. `hurried`, a job that is stopped gets 2 s to end instead of 120 s of AWS's."""

    def __init__(self, context: Context) -> None:
        self.hurried = False
        self.storage = Storage(context.client)
        self._context = context

    async def run(self, job: Job) -> None:
        """Run it to its end: job.status is then Completed, Failed or Stopped. Cancelled: the job is Stopped."""
        now = self._context.clock.now
        try:
            await self._run(job)
        except asyncio.CancelledError:
            job.finish("Stopped", now())
        except TimeoutError:
            reason = f"The job ran longer than MaxRuntimeInSeconds ({maximum_runtime(job.request)} s) and was stopped."
            job.finish("Stopped", now(), reason, "MaxRuntimeExceeded")
        except (JobError, OSError) as error:
            job.finish("Failed", now(), f"ClientError: {error}")

    async def _run(self, job: Job) -> None:
        check_offered(job.request)
        metrics = compile_metrics(job.request.get("AlgorithmSpecification", {}).get("MetricDefinitions", []))
        home = self._context.state.resolve() / "home"
        environment = base_environment(job.folder, os.environ.get("PATH", os.defpath), home)
        plan = _PLANS[job.kind](job.request, job.arn, job.folder, environment | self._context.job_environment())
        now = self._context.clock.now
        job.enter("Downloading", now())
        await asyncio.to_thread(self._prepare, job, plan)
        job.started = now()
        job.enter("Training", job.started)
        try:
            code = await self._process(job, plan)
        except (asyncio.CancelledError, TimeoutError):
            if job.kind == "TrainingJob":
                with contextlib.suppress(JobError):
                    await asyncio.to_thread(self._deliver, job, plan)
            raise
        log = _text(job, "log.txt", _LOG_READ)
        job.exit_message = _message(job)
        if code:
            job.finish("Failed", now(), failure_reason(code, _text(job, "output/failure", MESSAGE_LIMIT), log))
            return
        job.enter("Uploading", now())
        await asyncio.to_thread(self._deliver, job, plan)
        job.metrics = final_metrics(metrics, log, now())
        job.finish("Completed", now())

    async def _process(self, job: Job, plan: Plan) -> int:
        """The exit code of the job's process; its log is in CloudWatch Logs when this returns."""
        stream = self._log(job)
        following = asyncio.create_task(stream.follow(), name=f"log of {job.name}")
        try:
            return await run(
                plan.command,
                environment=plan.environment,
                folder=plan.working_directory,
                log=stream.path,
                limit_seconds=maximum_runtime(job.request),
                grace_seconds=self._grace,
            )
        finally:
            following.cancel()
            await stream.finish()

    def _grace(self) -> float:
        return GRACE_SECONDS if self.hurried else max(GRACE_SECONDS, _STOP_SECONDS / self._context.clock.speed)

    def _log(self, job: Job) -> LogStream:
        return LogStream(
            client=lambda: self._logs,
            clock=self._context.clock,
            group=f"/aws/sagemaker/{job.kind}s",
            name=f"{job.name}/{HOST}-{int(self._context.clock.time())}",
            path=job.folder / "log.txt",
            rewrite=lambda line: _in_container(job, line),
        )

    @functools.cached_property
    def _logs(self) -> Any:
        return self._context.client("logs")

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


def _in_container(job: Job, text: str) -> str:
    """Text of the job with its folder read as /opt/ml, as it would in the container."""
    return text.replace(str(job.folder), "/opt/ml")


def _text(job: Job, name: str, limit: int) -> str:
    """A file of the job as text: the last `limit` bytes of its log, the first of anything else; "" when absent."""
    path = job.folder / name
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        if name == "log.txt" and path.stat().st_size > limit:
            file.seek(-limit, os.SEEK_END)
        return _in_container(job, file.read(limit).decode(errors="replace"))


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
