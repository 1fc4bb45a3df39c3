"""Requests and answers as bytes, in every protocol that an AWS client speaks to our services.

`routing` tells which operation a request asks for (`rest` where only its service knows), `parsing` reads its members
and `validation` checks them; `serialising` writes results and errors. The protocols are moto's and botocore's, driven
by botocore's service models; only the checks are ours. It must never know what an operation does.
"""

from local.wire.parsing import parse
from local.wire.rest import rest_operation
from local.wire.routing import Asked, Router
from local.wire.serialising import Answer, refuse, serialise
from local.wire.validation import check

__all__ = ["Answer", "Asked", "Router", "check", "parse", "refuse", "rest_operation", "serialise"]
