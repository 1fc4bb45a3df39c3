"""Log files in CloudWatch Logs: every line once, in order, within the limits of a call."""

import asyncio
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from local.clock import Clock
from local.logs import LogStream, batches


class Logs:
    """CloudWatch Logs in memory; None of its answers matter."""

    exceptions = SimpleNamespace(ResourceAlreadyExistsException=KeyError)

    def __init__(self):
        self.lines = []
        self.made = []

    def create_log_group(self, logGroupName):
        raise self.exceptions.ResourceAlreadyExistsException

    def create_log_stream(self, logGroupName, logStreamName):
        self.made.append((logGroupName, logStreamName))

    def put_log_events(self, logGroupName, logStreamName, logEvents):
        self.lines += [event["message"] for event in logEvents]


def stream(logs, path):
    return LogStream(lambda: logs, Clock(), "group", "job/algo-1-1", path, lambda line: line.replace("/tmp", "/opt/ml"))  # noqa: S108


@given(st.lists(st.text("aé", min_size=1), max_size=30))
def test_every_line_is_in_one_batch_in_order(lines):
    assert [event["message"] for events in batches(lines, 5) for event in events] == lines


@given(st.lists(st.integers(1, 200_000), max_size=20))
def test_no_batch_is_larger_than_one_call_takes(lengths):
    for events in batches(["x" * length for length in lengths], 5):
        assert sum(len(event["message"].encode()) + 26 for event in events) <= 1_048_576


def test_a_batch_has_at_most_ten_thousand_events():
    assert [len(events) for events in batches(["x"] * 10_001, 5)] == [10_000, 1]


@given(st.lists(st.text("ab\n", max_size=5), max_size=10))
def test_what_a_file_gains_piece_by_piece_is_sent_line_by_line(tmp_path_factory, pieces):
    logs, path = Logs(), tmp_path_factory.mktemp("log") / "log.txt"
    following = stream(logs, path)
    for piece in pieces:
        with path.open("a") as file:
            file.write(piece)
        following.send()
    asyncio.run(following.finish())
    assert logs.lines == [line for line in "".join(pieces).splitlines() if line]


def test_a_line_is_sent_when_it_is_whole(tmp_path):
    logs, path = Logs(), tmp_path / "log.txt"
    following = stream(logs, path)
    path.write_text("one\ntw")
    following.send()
    assert logs.lines == ["one"]
    path.write_text("one\ntwo /tmp/x\n")
    following.send()
    assert logs.lines == ["one", "two /opt/ml/x"]
    assert logs.made == [("group", "job/algo-1-1")]


def test_a_file_that_is_not_there_is_an_empty_log(tmp_path):
    logs = Logs()
    asyncio.run(stream(logs, tmp_path / "none").finish())
    assert (logs.lines, logs.made) == ([], [])
