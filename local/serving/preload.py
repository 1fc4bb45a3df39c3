"""What the zygote loads, once, so that every model server has the container's libraries in memory when it starts.

OpenMP takes its number of threads when it is loaded: one, as in the container. Left to choose, the processes would spin
for each other's cores, so nothing that is imported before this may load XGBoost. It must never start a thread or an
event loop: what is forked from here would inherit a broken one.
"""

import gc
import os

os.environ["OMP_NUM_THREADS"] = "1"

import aiohttp.web  # noqa: F401 - for what it loads, after the variable above
import boto3  # noqa: F401 - same
import flask  # noqa: F401 - same
import xgboost  # noqa: F401 - same

gc.freeze()
