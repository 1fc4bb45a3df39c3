"""The AWS account that the suite asks: its clients, its clock, and the one way to wait for it.

Nothing here or in a test knows whether a real account or a stand-in answers: time is what the Date header says, waits
are in AWS seconds, and a wait ends when what is waited for is there. It must never use anything but boto3.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import boto3.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

_LEAST_WAIT = 30.0
"""Real seconds that a wait lasts at least: a busy machine under a fast clock is not an account that failed."""


@dataclass(frozen=True)
class Account:
    """Where the suite runs, and as what: a role that SageMaker assumes, a bucket, the XGBoost image of the region.

    `prefix` begins the name of everything that is made. `speed` is how fast the account's clock runs, `url` where it
    is, when that is not AWS.
    """

    session: boto3.session.Session
    role: str
    bucket: str
    image: str
    prefix: str
    speed: float = 1.0
    url: str | None = None
    _clients: dict[tuple[str, bool], Any] = field(default_factory=dict, repr=False)

    def client(self, service: str, *, checked: bool = True) -> Any:
        """The boto3 client of a service; unless `checked`, it sends requests that botocore would refuse."""
        if (service, checked) not in self._clients:
            config = Config(retries={"mode": "standard", "max_attempts": 8}, parameter_validation=checked)
            make: Any = self.session.client
            self._clients[service, checked] = make(service, config=config, endpoint_url=self.url)
        return self._clients[service, checked]

    def now(self) -> datetime:
        """The service's time, to a second."""
        answer = self.client("sagemaker").list_endpoints(MaxResults=1)
        return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])

    def wait(self, seconds: float) -> None:
        """Let so many AWS seconds pass."""
        time.sleep(seconds / self.speed)

    def until(self, probe: Callable[[], Any], *, within: float, every: float = 15) -> Any:
        """What `probe` returns, as soon as that is true. Fails when it is not within so many AWS seconds."""
        began, real_began = self.now(), time.monotonic()
        while not (found := probe()):
            spent, real = (self.now() - began).total_seconds(), time.monotonic() - real_began
            assert spent < within or real < _LEAST_WAIT, f"still {found!r} after {within:g} AWS seconds"
            self.wait(every)
        return found

    def endpoint(self, name: str) -> dict[str, Any]:
        """DescribeEndpoint."""
        described: dict[str, Any] = self.client("sagemaker").describe_endpoint(EndpointName=name)
        return described

    def settled(self, name: str, *, within: float = 3600) -> dict[str, Any]:
        """DescribeEndpoint once nothing is being done to the endpoint."""
        final = ("InService", "Failed", "OutOfService", "UpdateRollbackFailed")
        self.until(lambda: self.endpoint(name)["EndpointStatus"] in final, within=within)
        return self.endpoint(name)

    def invoke(self, name: str, body: str | bytes = "x", **more: str) -> dict[str, Any]:
        """InvokeEndpoint with CSV; Body is the text of the answer."""
        request = {"ContentType": "text/csv", **more, "EndpointName": name, "Body": body}
        answer = self.client("sagemaker-runtime").invoke_endpoint(**request)
        return {**answer, "Body": answer["Body"].read().decode()}


def refusal(code: str, call: Callable[..., Any], **request: Any) -> str:
    """The message of the error, which has this code, that a request is answered with."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    return str(error["Message"])
