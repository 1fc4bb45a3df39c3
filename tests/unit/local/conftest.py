"""What the tests of the stand-in share: a real S3 and its neighbours, from moto."""

import pytest

from local.moto import Moto


@pytest.fixture(scope="module")
def server():
    """The URL of a moto server on 127.0.0.1."""
    moto = Moto()
    yield moto.url
    moto.stop()
