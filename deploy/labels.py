"""The tags in which a rollout leaves its state on AWS's own resources, so that no run keeps any. Keys only."""

STAGE = "guarded-rollout:stage"
MODEL_PACKAGE = "guarded-rollout:model-package"
POLICY_HASH = "guarded-rollout:policy-hash"
COMMIT = "guarded-rollout:commit"
"""On models, endpoint configs and experiments: where they come from. The commit is the package's, if it names one."""

PREVIOUS_CONFIG = "guarded-rollout:previous-config"
"""On an endpoint config or experiment: the endpoint config that served before the rollout; NONE when nothing did."""

RESTORED_FROM = "guarded-rollout:restored-from"
"""On an endpoint config that a rollback returns to: the one that is left."""

ROLLOUT = "guarded-rollout:rollout"
"""On a trial: the rollout it belongs to."""

SINCE = "guarded-rollout:since"
VERDICT = "guarded-rollout:verdict"
VERDICT_REASON = "guarded-rollout:verdict-reason"
"""On a trial: since when it has traffic, what it has shown, and why."""

PAUSED = "guarded-rollout:paused"
"""On an endpoint: why nothing new may begin on it."""

NONE = "none"
