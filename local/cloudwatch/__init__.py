"""CloudWatch of the stand-in: metrics by exact dimensions, metric math, and alarms that really evaluate.

It must never know who publishes a metric or who watches an alarm.
"""

from local.cloudwatch.service import CloudWatch

__all__ = ["CloudWatch"]
