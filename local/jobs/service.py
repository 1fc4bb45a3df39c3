"""The operations of Processing and Training jobs, and the jobs by kind and name.

A name is found whatever its case, as ARNs are lower-case and a name is often taken from one. Sources: the API reference
of the Create, Describe, List, Stop and Delete operations. It must never run a job itself: `runner` does.
"""

import asyncio
from typing import Any

from local.context import Context, Request, Response
from local.errors import AwsError, not_found, validation
from local.faults import Faults
from local.faults.jobs import JobFault
from local.jobs.job import OVER, Job, Kind, describe
from local.jobs.runner import Runner
from local.jobs.trouble import Trouble, failure_reason, refusal
from local.listing import page

_RESOURCES: dict[Kind, str] = {"ProcessingJob": "processing-job", "TrainingJob": "training-job"}
_COMMON = ("CreationTime", "LastModifiedTime")
_SUMMARIES: dict[Kind, tuple[str, ...]] = {
    "ProcessingJob": (*_COMMON, "ProcessingEndTime", "FailureReason", "ExitMessage"),
    "TrainingJob": (*_COMMON, "TrainingEndTime", "SecondaryStatus"),
}


class Jobs:
    """Every job of this stand-in.

    `tags` is the table, by ARN, that creation tags are written into; `faults` are put in force by whoever wants them.
    """

    def __init__(self, context: Context, tags: dict[str, Any] | None = None, faults: Faults | None = None) -> None:
        self.faults = faults or Faults(context.clock.time)
        self._context = context
        self._tags = {} if tags is None else tags
        self._runner = Runner(context)
        self._jobs: dict[tuple[Kind, str], Job] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.storage = self._runner.storage

    def start(self, kind: Kind, request: Request) -> Job:
        """Record a job and start it. Raises AwsError when its name is taken, or a fault has it refused."""
        name = request[f"{kind}Name"]
        if (kind, name.lower()) in self._jobs:
            raise AwsError("ResourceInUse", f"{kind} {name} already exists; names are used once.")
        trouble = self._trouble(name)
        if refused := refusal(trouble):
            raise refused
        arn = self._context.arn(f"{_RESOURCES[kind]}/{name}".lower())
        job = Job(kind, name, arn, request, self._context.state.resolve() / "jobs" / name, self._context.clock.now())
        job.enter("Starting", job.created)
        self._jobs[kind, name.lower()] = job
        self._tags[arn] = list(request.get("Tags", []))
        self._tasks[arn] = asyncio.create_task(self._run(job, failure_reason(trouble)), name=name)
        self._tasks[arn].add_done_callback(lambda _: self._ended(job))
        return job

    async def over(self, job: Job) -> None:
        """Return when the job has ended. Cancelled: the job is stopped first."""
        try:
            await asyncio.wait([self._tasks[job.arn]])
        except asyncio.CancelledError:
            self.stop(job)
            await asyncio.wait([self._tasks[job.arn]])
            raise

    def stop(self, job: Job) -> None:
        """Begin to stop a job; one that is over stays as it is."""
        if job.status not in (*OVER, "Stopping"):
            job.status = "Stopping"
            job.enter("Stopping", self._context.clock.now())
            self._tasks[job.arn].cancel()

    def hurry(self) -> None:
        """From now on give a job that is stopped 2 s, because the stand-in ends."""
        self._runner.hurried = True

    async def close(self) -> None:
        """Stop every job, and return when no process of one is left."""
        self.hurry()
        for job in self._jobs.values():
            if job.status == "Stopping":
                self._tasks[job.arn].cancel()  # it was given longer than there is now
            self.stop(job)
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def create_processing_job(self, request: Request) -> Response:
        """Start a processing job."""
        return {"ProcessingJobArn": self.start("ProcessingJob", request).arn}

    def create_training_job(self, request: Request) -> Response:
        """Start a training job."""
        return {"TrainingJobArn": self.start("TrainingJob", request).arn}

    def describe_processing_job(self, request: Request) -> Response:
        """The job, with its outcome once it has one."""
        return describe(self._find("ProcessingJob", request))

    def describe_training_job(self, request: Request) -> Response:
        """The job, with its artefact, its final metrics and its outcome once it has one."""
        return describe(self._find("TrainingJob", request))

    def list_processing_jobs(self, request: Request) -> Response:
        """Summaries, oldest first unless the request says otherwise."""
        return self._page("ProcessingJob", request, "Ascending")

    def list_training_jobs(self, request: Request) -> Response:
        """Summaries, newest first unless the request says otherwise.

        With both MaxResults and StatusEquals, a page is that many jobs of any status, less those of another status.
        """
        if not {"MaxResults", "StatusEquals"} <= set(request):
            return self._page("TrainingJob", request, "Descending")
        status = request["StatusEquals"]
        found = self._page("TrainingJob", {m: v for m, v in request.items() if m != "StatusEquals"}, "Descending")
        kept = [summary for summary in found["TrainingJobSummaries"] if summary["TrainingJobStatus"] == status]
        return {**found, "TrainingJobSummaries": kept}

    def stop_processing_job(self, request: Request) -> Response:
        """Begin to stop a job. Raises AwsError for one that is over."""
        return self._stop("ProcessingJob", request)

    def stop_training_job(self, request: Request) -> Response:
        """Begin to stop a job: SIGTERM, and 120 s to save its model. Raises AwsError for one that is over."""
        return self._stop("TrainingJob", request)

    def delete_processing_job(self, request: Request) -> Response:
        """Forget a job that is over; its name is free again."""
        return self._delete("ProcessingJob", request)

    def delete_training_job(self, request: Request) -> Response:
        """Forget a job that is over; its name is free again."""
        return self._delete("TrainingJob", request)

    def _trouble(self, name: str) -> Trouble | None:
        for fault in self.faults.of(JobFault, name):
            if fault.hits(name):
                return next(trouble for trouble in Trouble if trouble.word == fault.trouble)
        return None

    async def _run(self, job: Job, doomed: str | None) -> None:
        if doomed:
            job.finish("Failed", self._context.clock.now(), doomed)
        else:
            await self._runner.run(job)

    def _ended(self, job: Job) -> None:
        if job.status not in OVER:  # it was stopped before it began
            job.finish("Stopped", self._context.clock.now())

    def _find(self, kind: Kind, request: Request) -> Job:
        name = request[f"{kind}Name"]
        if (kind, name.lower()) not in self._jobs:
            raise not_found(f"There is no {kind} named {name}.")
        return self._jobs[kind, name.lower()]

    def _page(self, kind: Kind, request: Request, order: str) -> Response:
        described = [describe(job) for (of_kind, _), job in self._jobs.items() if of_kind == kind]
        members = (f"{kind}Name", f"{kind}Arn", f"{kind}Status", *_SUMMARIES[kind])
        return page(described, request, kind=kind, members=members, result=f"{kind}Summaries", order=order)

    def _stop(self, kind: Kind, request: Request) -> Response:
        job = self._find(kind, request)
        if job.status in OVER:
            raise validation(f"The request was rejected because the {kind} {job.name} is in status {job.status}.")
        self.stop(job)
        return {}

    def _delete(self, kind: Kind, request: Request) -> Response:
        job = self._find(kind, request)
        if job.status not in OVER:
            raise AwsError("ResourceInUse", f"{kind} {job.name} is in status {job.status}; stop it first.")
        del self._jobs[kind, job.name.lower()], self._tasks[job.arn]
        self._tags.pop(job.arn, None)
        return {}
