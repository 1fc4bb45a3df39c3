"""What the zygote loads, once, so that every model server has the container's libraries in memory when it starts.

It must never start a thread or an event loop: what is forked from here would inherit a broken one.
"""

import gc
import os

os.environ["OMP_NUM_THREADS"] = "1"

import aiohttp.web  # noqa: F401 - OpenMP reads the variable above when it is loaded
import boto3  # noqa: F401 - same
import flask  # noqa: F401 - same
import xgboost  # noqa: F401 - same

gc.freeze()
