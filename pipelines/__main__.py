"""`python -m pipelines`: the definition, and what can be done with it.

It parses, calls, prints and chooses an exit code; it must never hold a rule about pipelines.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from pipelines.definition import Names, definition
from pipelines.flights import DataMissingError, files
from pipelines.service import Target, follow, start, upsert
from pipelines.source import pack

# AWS's documentation account: `definition` needs no account, and prints the same bytes on every machine.
REGION = "us-east-1"
ROLE = "arn:aws:iam::111122223333:role/service-role/AmazonSageMakerProjectsExecutionRole"
BUCKET = "sagemaker-project-artifacts"


class UsageError(Exception):
    """Something the command needs was not given. The message says how to give it."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; its exit code: 0 done, 1 failed, 2 not understood."""
    options = parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except UsageError as error:
        print(f"python -m pipelines: {error}", file=sys.stderr)
        return 2
    except (DataMissingError, BotoCoreError, ClientError, OSError) as error:
        print(f"python -m pipelines: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped watching. An execution that was started goes on in SageMaker.", file=sys.stderr)
        return 130


def _definition(options: argparse.Namespace) -> int:
    names = Names(options.pipeline_name, options.model_package_group)
    sys.stdout.write(definition(options.region, options.role, options.bucket, names))
    return 0


def _upsert(options: argparse.Namespace) -> int:
    region = options.region or _region()
    target = Target(
        pipeline=options.pipeline_name,
        model_package_group=options.model_package_group,
        role=options.role or _needed("SAGEMAKER_PIPELINE_ROLE_ARN", "--role"),
        bucket=options.bucket or _needed("ARTIFACT_BUCKET", "--bucket"),
    )
    names = Names(target.pipeline, target.model_package_group)
    compiled = definition(region, target.role, target.bucket, names)
    arn = upsert(_client("sagemaker", region), _client("s3", region), target, compiled, pack())
    _say(options, {"pipeline": arn}, f"{arn} is up to date")
    return 0


def _run(options: argparse.Namespace) -> int:
    sagemaker = _client("sagemaker", options.region or _region())
    parameters = {"GitCommit": _commit(), **dict(_assignment(text) for text in options.set)}
    execution = start(sagemaker, options.pipeline_name, parameters)
    print(f"started {execution}", file=sys.stderr)
    if not options.wait:
        _say(options, {"execution": execution, "status": "Executing"}, execution)
        return 0
    ended = follow(sagemaker, execution, _wait, lambda line: print(line, file=sys.stderr))
    reason = f": {ended.reason}" if ended.reason else ""
    result = {"execution": execution, "status": ended.status, "reason": ended.reason}
    _say(options, result, f"{ended.status}{reason}")
    return 0 if ended.succeeded else 1


def _flights(options: argparse.Namespace) -> int:
    bucket, _, prefix = options.to.removeprefix("s3://").partition("/")
    s3 = _client("s3", options.region or _region()) if options.to.startswith("s3://") else None
    for name, content in files():
        if s3:
            s3.put_object(Bucket=bucket, Key=f"{prefix.rstrip('/')}/{name}", Body=content)
        else:
            path = Path(options.to, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        print(f"{options.to.rstrip('/')}/{name}  {len(content) / 1e6:.1f} MB", file=sys.stderr)
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m pipelines", description="The training pipeline.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--region", help="AWS region (default: AWS_DEFAULT_REGION, or AWS_REGION)")
    named = argparse.ArgumentParser(add_help=False, parents=[shared])
    name = os.environ.get("PIPELINE_NAME", Names().pipeline)
    named.add_argument("--pipeline-name", default=name, help="default: PIPELINE_NAME, or %(default)s")
    placed = argparse.ArgumentParser(add_help=False, parents=[named])
    group = os.environ.get("MODEL_PACKAGE_GROUP", Names().model_package_group)
    placed.add_argument("--model-package-group", default=group, help="default: MODEL_PACKAGE_GROUP, or %(default)s")
    placed.add_argument("--role", help="ARN of the role its jobs run with (default: SAGEMAKER_PIPELINE_ROLE_ARN)")
    placed.add_argument("--bucket", help="bucket for code and artefacts (default: ARTIFACT_BUCKET)")
    json_too = argparse.ArgumentParser(add_help=False)
    json_too.add_argument("--json", action="store_true", help="print JSON on stdout, and nothing else there")

    def command(name: str, function: Any, parents: list[argparse.ArgumentParser], text: str) -> argparse.ArgumentParser:
        found = commands.add_parser(name, parents=parents, help=text, description=text)
        found.set_defaults(command=function)
        return found

    text = "print the definition's JSON; no network, no credentials, and nothing read from the environment"
    compiled = command("definition", _definition, [], text)
    for option, default in (
        ("--region", REGION),
        ("--role", ROLE),
        ("--bucket", BUCKET),
        ("--pipeline-name", Names().pipeline),
        ("--model-package-group", Names().model_package_group),
    ):
        compiled.add_argument(option, default=default, help="default: %(default)s")
    command("upsert", _upsert, [placed, json_too], "create the pipeline, or update it")
    run = command("run", _run, [named, json_too], "start an execution")
    run.add_argument("--wait", action="store_true", help="follow it to its end; exit 1 when it fails")
    run.add_argument("--set", action="append", default=[], metavar="PARAMETER=VALUE", help="a pipeline parameter")
    flights = command("flights", _flights, [shared], "write the example's raw data as monthly files")
    flights.add_argument("--to", required=True, metavar="s3://BUCKET/PREFIX|FOLDER")
    return top


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--set {text}: write PARAMETER=VALUE")
    return name, value


def _region() -> str:
    return os.environ.get("AWS_DEFAULT_REGION") or _needed("AWS_REGION", "--region")


def _needed(variable: str, option: str) -> str:
    value = os.environ.get(variable)
    if not value:
        raise UsageError(f"no {option} given and {variable} is not set")
    return value


def _client(service: str, region: str) -> Any:
    import boto3.session

    session: Any = boto3.session.Session(region_name=region)
    return session.client(service)


def _commit() -> str:
    """The commit that is checked out, for the package's metadata; "unknown" outside a git checkout."""
    resolved = os.environ.get("CODEBUILD_RESOLVED_SOURCE_VERSION")
    if resolved:
        return resolved
    found = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


def _wait(seconds: float) -> None:
    """AWS seconds: a rehearsal's clock runs AWS_CLOCK_SPEED times as fast."""
    time.sleep(seconds / float(os.environ.get("AWS_CLOCK_SPEED", "1")))


def _say(options: argparse.Namespace, result: dict[str, str], text: str) -> None:
    print(json.dumps(result) if options.json else text)


if __name__ == "__main__":
    sys.exit(main())
