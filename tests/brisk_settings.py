"""The settings of the tests, for workers whose death is to be noticed soon."""

from tests.settings import *  # noqa: F403

SMARTMODELS_JOB_HEARTBEAT = 0.2
SMARTMODELS_JOB_STALLED = 1.0
