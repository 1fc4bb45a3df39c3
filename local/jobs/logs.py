"""A job's log in CloudWatch Logs, as the console and `aws logs` look for it.

Best effort: the log file in the job's folder is the truth, and a job never fails for its log. Blocking.
Limits: botocore's documentation of PutLogEvents (10,000 events, 1,048,576 bytes with 26 bytes for each event).
"""

import contextlib
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.jobs.plan import HOST

_MOST_EVENTS = 10_000
_MOST_BYTES = 1_000_000
_EVENT_BYTES = 26
_LONGEST = 200_000


def publish(client: Any, group: str, job: str, log: str, now: datetime) -> None:
    """The log's last lines that fit in one call, to stream `<job>/algo-1-<epoch>`."""
    milliseconds = int(now.timestamp() * 1000)
    stream = f"{job}/{HOST}-{milliseconds // 1000}"
    events = [{"timestamp": milliseconds, "message": line} for line in _last_lines(log)]
    if not events:
        return
    with contextlib.suppress(ClientError, BotoCoreError):
        with contextlib.suppress(client.exceptions.ResourceAlreadyExistsException):
            client.create_log_group(logGroupName=group)
        client.create_log_stream(logGroupName=group, logStreamName=stream)
        client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def _last_lines(log: str) -> list[str]:
    kept: list[str] = []
    size = 0
    for line in reversed([line[:_LONGEST] for line in log.splitlines() if line.strip()]):
        size += len(line.encode()) + _EVENT_BYTES
        if size > _MOST_BYTES or len(kept) == _MOST_EVENTS:
            break
        kept.append(line)
    return kept[::-1]
