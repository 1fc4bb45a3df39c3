"""What every service of the stand-in is given. It holds no service and no state of its own."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3.session
from botocore.config import Config

from local.clock import Clock
from local.unverified import DEFAULTS, Unverified

Request = dict[str, Any]
Response = dict[str, Any]

ACCOUNT = "111122223333"
OURS = {"sagemaker", "sagemaker-runtime", "cloudwatch", "application-autoscaling"}
ACCESS_KEY = "rehearsal"
SECRET_KEY = "rehearsal"  # noqa: S105 - no account stands behind it


@dataclass(frozen=True)
class Context:
    """The world a service lives in: the clock, names, a folder, and the way to the other services."""

    clock: Clock
    region: str
    account: str
    state: Path
    endpoint_url: str
    emit: Callable[[str, list[str], dict[str, Any]], None]
    moto_url: str | None = None
    unverified: Unverified = DEFAULTS
    _clients: dict[str, Any] = field(default_factory=dict, repr=False)
    _making: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def arn(self, resource: str) -> str:
        """The SageMaker ARN of `kind/name`."""
        return f"arn:aws:sagemaker:{self.region}:{self.account}:{resource}"

    def client(self, service: str) -> Any:
        """A blocking boto3 client on this stand-in, shared by all threads: never use it on the event loop.

        moto's services are asked without the detour over the front, which would cost each job 40 ms.
        """
        with self._making:
            if service not in self._clients:
                session: Any = boto3.session.Session()
                self._clients[service] = session.client(
                    service,
                    endpoint_url=self.moto_url if self.moto_url and service not in OURS else self.endpoint_url,
                    region_name=self.region,
                    aws_access_key_id=ACCESS_KEY,
                    aws_secret_access_key=SECRET_KEY,
                    config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 2}, proxies={}),
                )
            return self._clients[service]

    def job_environment(self) -> dict[str, str]:
        """What any AWS client, in any language, needs in order to find this stand-in."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
            "AWS_CLOCK_SPEED": str(self.clock.speed),
        }
