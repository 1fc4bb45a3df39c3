"""Plays one act: train, and when the model passes, approve it and release exactly that package stage by stage.

What it knows it reads back through AWS operations. It must never tell an outcome that it did not observe.
"""

import asyncio
import json
import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

import aiohttp

from local.rehearsal import commands, people, readback
from local.rehearsal.narrator import Narrator
from local.rehearsal.problems import RehearsalError
from local.rehearsal.report import ActReport, Report, Requests, write_whole
from local.rehearsal.story import Act, Release, Story
from local.rehearsal.traffic import Traffic, payloads
from local.rehearsal.watch import MINUTE, Look, Seen, Watcher
from local.server import Running

if TYPE_CHECKING:
    from local.rehearsal.run import Wishes

OUTCOMES = {3: "rolled_back", 4: "inconclusive"}
TRAFFIC_BYTES = 4_000_000
EVENT_SECONDS = 10


class Stage:
    """Where the acts are played: a running stand-in with the project's pipeline in it."""

    def __init__(self, story: Story, local: Running, narrator: Narrator, report: Report, wishes: "Wishes") -> None:
        self._story, self._local, self._tell, self._report, self._wishes = story, local, narrator, report, wishes
        self._environment = {**local.context.job_environment(), **story.environment}
        cloudwatch = local.services.cloudwatch
        self._watcher = Watcher(
            local.context.clock,
            local.services.hosting.describe_endpoint,
            cloudwatch.get_metric_data,
            cloudwatch.describe_alarms,
        )
        self._traffic: Traffic | None = None
        self._release: people.Release | None = None
        self._shown: set[str] = set()

    @classmethod
    async def prepared(cls, *arguments: Any) -> Self:
        """A stage with the bucket, the data, the pipeline and the approval queue in place."""
        stage = cls(*arguments)
        await stage._prepare()
        return stage

    async def play(self, number: int, act: Act) -> None:
        """Train as the act says; release what passed."""
        self._tell.act(number, act.title, act.tells)
        package = await self._train(act)
        if package is None or not act.releases:
            return
        if act.fault:
            await self._put_fault(package, act.fault)
            self._tell.say(f"the rehearsal gives its containers a fault: {act.fault}")
        approved = await self._approve(package)
        untouched = {r.endpoint: self._config(r.endpoint) for r in act.releases if r.expect == "untouched"}
        for release in act.releases:
            if release.expect != "untouched" and not await self._roll_out(act, release, approved):
                break
        for endpoint, before in untouched.items():
            same = self._config(endpoint) == before
            self._tell.say(f"{endpoint} {'never saw it: still on' if same else 'CHANGED from'} {before}", good=same)
            self._expect(same, f"{endpoint} was changed by “{act.title}”")

    async def collect(self) -> None:
        """Read the registry back into the report, and keep each version's evaluation report beside it."""
        sagemaker, group = self._local.context.client("sagemaker"), self._story.model_package_group
        self._report.packages = await asyncio.to_thread(readback.packages, sagemaker, self._object, group)
        for package in self._report.packages:
            text = await asyncio.to_thread(self._object, package["evaluation_report"])
            package["evaluation_report"] = f"evaluation-of-version-{package['version']}.html"
            write_whole(self._wishes.out / package["evaluation_report"], text)

    async def _prepare(self) -> None:
        context = self._local.context
        s3 = context.client("s3")
        await asyncio.to_thread(s3.create_bucket, Bucket=self._story.bucket)
        for command in self._story.prepare:
            self._tell.working(command)
            await self._command(command)
            self._tell.say(command, good=True)
        events, sqs = context.client("events"), context.client("sqs")
        self._release = await asyncio.to_thread(people.listen, events, sqs, self._story.model_package_group)

    async def _train(self, act: Act) -> str | None:
        """Run the pipeline; the package it registered, or None when it ended in failure."""
        settings = "".join(f" --set {name}={value}" for name, value in act.parameters.items())
        self._tell.working("training")
        ended = await self._command(self._story.train + settings, listen=self._step_line, accept=(0, 1))
        result = _json_of(ended)
        context = self._local.context
        sagemaker = context.client("sagemaker")
        execution = await asyncio.to_thread(readback.execution, sagemaker, result["execution"], context.clock.speed)
        self._report.pipeline_executions.append(execution)
        good = result["status"] == "Succeeded"
        self._expect(result["status"] == act.expect_pipeline, f"the pipeline of “{act.title}” ended {result['status']}")
        if not good:
            self._tell.say(
                f"the pipeline ended in its FailStep: {result['reason']}", good=act.expect_pipeline == "Failed"
            )
            return None
        package: str = execution["model_package_arn"]
        await self._tell_registered(package)
        await self._take_traffic_from(result["execution"])
        return package

    def _step_line(self, line: str) -> None:
        if line.startswith("  "):
            self._tell.working(line.strip())

    async def _tell_registered(self, package: str) -> None:
        context = self._local.context
        described = await asyncio.to_thread(
            context.client("sagemaker").describe_model_package, ModelPackageName=package
        )
        uri = described["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"]
        quality = json.loads(await asyncio.to_thread(self._object, uri))
        auc = readback.auc(quality)
        steps = self._report.pipeline_executions[-1]["steps"]
        times = ", ".join(f"{s['name']} {s['seconds']:.1f} s{' (cached)' if s['cached'] else ''}" for s in steps)
        self._tell.say(times, good=True)
        champion = quality.get("champion")
        beside = f"; the champion's on the same flights is {readback.auc(champion):.4f}" if champion else ""
        self._tell.say(f"version {described['ModelPackageVersion']} registered: AUC {auc:.4f}{beside}", good=True)

    async def _approve(self, package: str) -> str:
        """Approve, and wait for the event that says so; the ARN it carries."""
        assert self._release is not None
        sagemaker = self._local.context.client("sagemaker")
        await asyncio.to_thread(people.approve, sagemaker, package, "approved in a rehearsal")
        approved = await asyncio.to_thread(self._release.next_approved, EVENT_SECONDS)
        if approved is None:
            raise RehearsalError(f"no event came {EVENT_SECONDS} s after {package} was approved")
        self._tell.say(f"approved by a person; the event starts the release of {approved.partition('/')[2]}", good=True)
        return approved

    async def _roll_out(self, act: Act, release: Release, package: str) -> bool:
        """Deploy to one stage under traffic; whether the next stage may follow."""
        command = self._story.deploy.format(stage=release.stage, model_package=package) + self._settings()
        clock = self._local.context.clock
        started = clock.time()

        def show(seen: Seen, look: Look) -> None:
            self._tell.looking(release.stage, seen, look)

        async with self._watcher.watching(release.endpoint, show) as seen:
            if seen.before is None or self._traffic is None:
                ended = await self._command(command, accept=(0, 1, 3, 4))
            else:
                async with self._traffic.to(release.endpoint):
                    ended = await self._command(command, accept=(0, 1, 3, 4))
            if seen.green is None:
                seen.green = self._config(release.endpoint)
        report = self._act_report(act, release, package, seen, ended, clock.time() - started)
        self._report.acts.append(report)
        self._tell_outcome(report)
        self._expect(report.outcome == release.expect, f"“{act.title}” ended {report.outcome} in {release.stage}")
        return report.outcome in ("created", "promoted")

    def _settings(self) -> str:
        strategy = [f"rollout.strategy={self._wishes.strategy}"] if self._wishes.strategy else []
        return "".join(f" --set {setting}" for setting in [*strategy, *self._wishes.settings])

    def _act_report(
        self, act: Act, release: Release, package: str, seen: Seen, ended: commands.Ended, seconds: float
    ) -> ActReport:
        result = _json_of(ended)
        outcome = OUTCOMES.get(ended.code) or (
            "failed" if ended.code else "created" if seen.before is None else "promoted"
        )
        total, green = self._watcher.total, seen.green
        failed = total(seen, "Invocation5XXErrors")
        return ActReport(
            name=act.title,
            stage=release.stage,
            strategy=str(result.get("strategy", "")),
            fault=act.fault,
            model_package_arn=package,
            outcome=outcome,
            expected=release.expect,
            reasons=[str(reason) for reason in result.get("reasons", [])] or [ended.stderr],
            rollout_seconds=round(seconds, 1),
            verdict_seconds=None if (at := seen.verdict_seconds()) is None else round(at, 1),
            requests=Requests(
                total=total(seen, "Invocations"),
                green=total(seen, "Invocations", green) if green else 0,
                failed=failed,
                failed_green=total(seen, "Invocation5XXErrors", green) if green else 0,
            ),
            minutes=self._minutes(seen),
            moments=[
                {
                    "minute": round((look.at - seen.started // MINUTE * MINUTE) / MINUTE, 2),
                    "status": look.status,
                    "phase": look.phase,
                    "alarms": look.alarms,
                }
                for look in seen.looks
            ],
        )

    def _minutes(self, seen: Seen) -> list[dict[str, float | None]]:
        """The rollout minute by minute: requests of both fleets and the new one, its error rate and p99."""
        window = {"start": seen.started, "end": self._local.context.clock.time() + MINUTE}

        def by_minute(metric: str, stat: str, config: str | None) -> dict[float, float]:
            return dict(self._watcher.series(seen, metric, stat, config, **window))

        both = by_minute("Invocations", "Sum", None)
        if not both or seen.green is None:
            return []
        green = by_minute("Invocations", "Sum", seen.green)
        errors = by_minute("Invocation5XXErrors", "Average", seen.green)
        p99 = by_minute("ModelLatency", "p99", seen.green)
        first = seen.started // MINUTE * MINUTE
        return [
            {
                "minute": round((at - first) / MINUTE),
                "requests": total,
                "green": green.get(at, 0.0),
                "error_rate": errors.get(at),
                "p99_ms": p99[at] / 1000 if at in p99 else None,
            }
            for at, total in sorted(both.items())
        ]

    def _tell_outcome(self, report: ActReport) -> None:
        minutes = report.rollout_seconds / MINUTE
        counted = report.requests
        traffic = (
            f"; {counted.green} of {counted.total} requests to the new fleet, {counted.failed_green} of them failed"
        )
        text = f"{report.stage}: {report.outcome.replace('_', ' ')} after {minutes:.1f} AWS minutes"
        self._tell.say(text + (traffic if counted.total else ""), good=report.outcome == report.expected)
        if report.outcome not in ("created", "promoted"):
            for reason in report.reasons:
                self._tell.say(f"  {reason}")

    async def _take_traffic_from(self, execution: str) -> None:
        """The requests to come: the first weeks of the story's output of this execution.

        They are shuffled, so that the few minutes of a bake hold all hours of a day, as a bake of days would.
        """
        sagemaker = self._local.context.client("sagemaker")
        wanted = self._story.traffic
        uri = await asyncio.to_thread(readback.output_uri, sagemaker, execution, wanted.step, wanted.output)
        table = await asyncio.to_thread(self._object, f"{uri}/{wanted.output}.csv", TRAFFIC_BYTES)
        rows = payloads(table, wanted.drop)
        random.Random(self._wishes.seed).shuffle(rows)
        context = self._local.context
        self._traffic = Traffic(context.endpoint_url, context.clock, wanted.requests_per_minute, rows)

    def _object(self, uri: str, size: int | None = None) -> str:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        part = {"Range": f"bytes=0-{size}"} if size else {}
        body = self._local.context.client("s3").get_object(Bucket=bucket, Key=key, **part)["Body"]
        return str(body.read().decode(errors="ignore"))

    async def _put_fault(self, package: str, fault: str) -> None:
        url = f"{self._local.url}/_rehearsal/fault"
        async with (
            aiohttp.ClientSession() as session,
            session.put(url, json={"model_package_arn": package, "fault": fault}) as answer,
        ):
            answer.raise_for_status()

    def _config(self, endpoint: str) -> str | None:
        described = self._watcher.describe(endpoint)
        return None if described is None else str(described["EndpointConfigName"])

    def _expect(self, as_told: bool, surprise: str) -> None:
        if not as_told:
            self._report.surprises.append(surprise)

    async def _command(
        self, command: str, listen: Callable[[str], None] = lambda line: None, accept: tuple[int, ...] = (0,)
    ) -> commands.Ended:
        ended = await commands.run(command, self._environment, listen)
        if ended.code not in accept:
            raise RehearsalError(f"`{command}` exited with {ended.code}:\n{ended.stderr or ended.stdout}")
        return ended


def _json_of(ended: commands.Ended) -> dict[str, Any]:
    try:
        return dict(json.loads(ended.stdout))
    except ValueError as error:
        raise RehearsalError(f"`{ended.command}` printed no JSON:\n{ended.stderr or ended.stdout}") from error
