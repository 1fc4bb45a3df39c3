"""What a stage's file may say: `deploy/stages/<stage>.yaml` as frozen models, each key with its meaning and limit.

It holds no default that ships a model unwatched, and reads no file: `stage_files.py` does, and words the errors.
"""

import hashlib
from collections.abc import Iterator
from typing import get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from deploy.policy.endpoint import ROLE_VARIABLE, Autoscaling, DataCapture, Endpoint, Smoke
from deploy.policy.guardrails import Guardrails
from deploy.policy.rollout import Rollout
from deploy.settings import Settings, setting
from deploy.strategies import STRATEGIES

__all__ = ["ROLE_VARIABLE", "Autoscaling", "DataCapture", "Guardrails", "Policy", "Smoke", "fields"]


class Notify(Settings):
    """Where outcomes are told."""

    topic_arn: str | None = setting(
        "SNS topic that is told of every outcome, in words",
        example="arn:aws:sns:us-east-1:111122223333:releases",
        limit="the ARN of an SNS topic",
        pattern=r"^arn:aws[a-z\-]*:sns:[a-z0-9\-]+:\d{12}:[\w\-]+(\.fifo)?$",
        default=None,
    )
    event_bus: str | None = setting(
        "EventBridge bus that gets every outcome as an event of source guarded-rollout",
        example="default",
        limit="the name of an event bus",
        pattern=r"^[/\.\-_A-Za-z0-9]+$",
        max_length=256,
        default=None,
    )


class Policy(Settings):
    """One stage, checked: what its file says, with the stage's name."""

    stage: str
    endpoint: Endpoint = setting("where the model is served, and on what", example="{name: flight-delay-staging, ...}")
    rollout: Rollout = setting("how traffic moves to a new version", example="{strategy: canary, ...}")
    guardrails: Guardrails = setting("what must hold while it does", example="{minimum_requests: 50, ...}")
    notify: Notify | None = setting(
        "who is told of an outcome; left out, nobody is", example="{topic_arn: arn:aws:sns:...}", default=None
    )
    dashboard: bool = setting(
        "whether the endpoint gets a CloudWatch dashboard", example=True, limit="true or false", default=False
    )
    requires_stage: str | None = setting(
        "stage in which a package must have been promoted before it may come here",
        example="staging",
        limit="the name of another stage",
        pattern=r"^[a-z0-9](-*[a-z0-9])*$",
        default=None,
    )

    @property
    def title(self) -> str:
        """The stage's name as the registry's ModelLifeCycle spells it: Staging, Production."""
        return self.stage[:1].upper() + self.stage[1:]

    @property
    def shift_only(self) -> "Policy":
        """The same without trials: for a version that has served before."""
        rollout = self.rollout.model_copy(update={"strategy": self.rollout.phases[-1]})
        return self.model_copy(update={"rollout": rollout})

    @property
    def digest(self) -> str:
        """16 hex digits that change when anything in the policy does.

        A strategy that is not named does not count, nor does a default, so that a key that a later version of this
        project adds makes no running rollout another one.
        """
        unused = set(STRATEGIES) - set(self.rollout.phases)
        said = self.model_dump_json(exclude={"rollout": unused}, exclude_defaults=True)
        return hashlib.sha256(said.encode()).hexdigest()[:16]


def fields(model: type[BaseModel] = Policy, prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every key that a stage file may hold, as a dotted path, sections before what is in them."""
    for name, field in model.model_fields.items():
        if field.description is None:
            continue
        yield prefix + name, field
        for kind in (field.annotation, *get_args(field.annotation)):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from fields(kind, f"{prefix}{name}.")
