"""What somebody changed on an endpoint by hand, beside deploy. It is said, and left as it is. Pure."""

from deploy.labels import STAGE
from deploy.observe import Observation
from deploy.policy import Policy


def seen_by_hand(policy: Policy, seen: Observation) -> tuple[str, ...]:
    """One sentence for each thing that is not as deploy left it."""
    endpoint, current = seen.endpoint, seen.current
    if not endpoint or not current or endpoint.busy:
        return ()
    found = []
    if STAGE not in current.tags:
        said = f"{endpoint.name} serves {current.name}, which deploy did not make"
        found.append(f"{said}: it is what a rollback returns to.")
    if 0 < endpoint.instances != current.instances:
        scales = seen.around.scales or policy.endpoint.autoscaling is not None
        who = "by autoscaling" if scales else "by hand"
        sizes = f"from {current.instances} to {endpoint.instances} instances"
        found.append(f"{endpoint.name} was scaled {who} {sizes}: that is kept.")
    return tuple(found)
