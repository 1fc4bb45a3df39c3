"""The second half of an act: one stage gets the approved package while its endpoint has traffic, and is watched.

The outcome is the deploy command's exit code; everything counted comes from CloudWatch. It must never judge a rollout.
"""

from dataclasses import replace

from local.rehearsal import commands
from local.rehearsal.pace import Pace, delay
from local.rehearsal.report import ActReport, Requests
from local.rehearsal.scene import DEPLOYER, Scene, json_of
from local.rehearsal.story import Act, Release
from local.rehearsal.traffic import Traffic
from local.rehearsal.watch import MINUTE, Look, Seen, Watcher

OUTCOMES = {1: "failed", 3: "rolled_back", 4: "inconclusive"}


async def roll_out(
    scene: Scene, watcher: Watcher, act: Act, release: Release, package: str, traffic: Traffic
) -> ActReport:
    """Deploy to one stage, under traffic when something serves there already; what was measured."""
    clock = scene.local.context.clock
    started = clock.time()

    def show(seen: Seen, look: Look) -> None:
        scene.tell.looking(release.stage, seen, look)

    pace = Pace()
    async with watcher.watching(release.endpoint, show) as seen:
        if seen.before is None:
            ended = await _deploy(scene, release, package)
        else:
            async with traffic.to(release.endpoint) as counted:
                ended = await _deploy(scene, release, package)
            pace = counted.pace
            if counted.failed:
                scene.tell.say(f"clients saw {counted.failed} of {counted.total} fail, the first so: {counted.example}")
        serving = watcher.config(release.endpoint)
        if seen.green is None and serving != seen.before:
            seen.green = serving
    report = replace(_report(watcher, act, release, package, seen, ended, clock.time() - started), pace=pace)
    scene.report.acts.append(report)
    _tell(scene, report)
    if late := delay(release.stage, pace):
        scene.report.delays.append(late)
        scene.tell.say(f"  {late}: this machine is too slow for AWS's clock x {clock.speed:g}", good=False)
    scene.expect(report.outcome == release.expect, f"“{act.title}” ended {report.outcome} in {release.stage}")
    return report


async def roll_out_again(scene: Scene, watcher: Watcher, release: Release, report: ActReport) -> None:
    """Deploy what was deployed to that stage last once more, as when its approval is heard of twice: no difference."""
    before = watcher.config(release.endpoint)
    ended = await _deploy(scene, release, report.model_package_arn)
    same = watcher.config(release.endpoint) == before and OUTCOMES.get(ended.code, report.outcome) == report.outcome
    scene.tell.say(f"the event came again: {'as before' if same else ended.stderr}", good=same)
    scene.expect(same, f"the event of “{report.name}” came again and changed {release.endpoint}")


async def _deploy(scene: Scene, release: Release, package: str) -> commands.Ended:
    command = scene.story.deploy.format(stage=release.stage, model_package=package) + scene.settings()
    return await scene.command(command, accept=(0, *OUTCOMES), caller=DEPLOYER)


def _report(
    watcher: Watcher, act: Act, release: Release, package: str, seen: Seen, ended: commands.Ended, seconds: float
) -> ActReport:
    result = json_of(ended)
    verdict = seen.verdict_seconds()
    return ActReport(
        name=act.title,
        stage=release.stage,
        strategy=str(result.get("strategy", "")),
        fault=",".join(act.fault) or None,
        model_package_arn=package,
        outcome=OUTCOMES.get(ended.code) or ("created" if seen.before is None else "promoted"),
        expected=release.expect,
        reasons=[str(reason) for reason in result.get("reasons", [])] or [ended.stderr],
        rollout_seconds=round(seconds, 1),
        verdict_seconds=None if verdict is None else round(verdict, 1),
        requests=Requests(
            total=watcher.total(seen, "Invocations"),
            green=watcher.total(seen, "Invocations", seen.green) if seen.green else 0,
            failed=_failed(watcher, seen, None),
            failed_green=_failed(watcher, seen, seen.green) if seen.green else 0,
        ),
        fired=watcher.fired(seen),
        minutes=_minutes(watcher, seen, seen.started + seconds),
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


def _failed(watcher: Watcher, seen: Seen, config: str | None) -> int:
    """Requests answered with an error, the client's (4xx) or the container's (5xx)."""
    return sum(watcher.total(seen, f"Invocation{kind}Errors", config) for kind in ("4XX", "5XX"))


def _minutes(watcher: Watcher, seen: Seen, end: float) -> list[dict[str, float | None]]:
    """The rollout minute by minute: requests of both fleets and the new one, its error rate and p99."""

    def by_minute(metric: str, stat: str, config: str | None) -> dict[float, float]:
        return dict(watcher.series(seen, metric, stat, config, start=seen.started, end=end + MINUTE))

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


def _tell(scene: Scene, report: ActReport) -> None:
    counted = report.requests
    traffic = f"; {counted.green} of {counted.total} requests to the new fleet, {counted.failed_green} of them failed"
    text = f"{report.stage}: {report.outcome.replace('_', ' ')} after {report.rollout_seconds / MINUTE:.1f} AWS minutes"
    scene.tell.say(text + (traffic if counted.total else ""), good=report.outcome == report.expected)
    if report.outcome not in ("created", "promoted"):
        for reason in report.reasons:
            scene.tell.say(f"  {reason}")
