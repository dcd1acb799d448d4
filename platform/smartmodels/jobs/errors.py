"""What this room refuses to do."""

from __future__ import annotations

from smartmodels.exceptions import SmartModelsError

__all__ = [
    "JobNotRetriable",
    "JobOver",
    "JobSuperseded",
    "JobTimeout",
    "JobUnknown",
    "JobWorkerRefused",
]


class JobUnknown(SmartModelsError):
    """There is no such job here: see the list of jobs."""

    code = "job-unknown"
    status = 404


class JobOver(SmartModelsError):
    """The job has ended, so there is nothing to cancel."""

    code = "job-over"
    status = 409


class JobNotRetriable(SmartModelsError):
    """Only a job that failed or was cancelled is tried again."""

    code = "job-not-retriable"
    status = 409


class JobTimeout(SmartModelsError):
    """The job took longer than it may: do it in smaller parts, or declare a longer ``timeout``."""

    code = "job-timeout"
    status = 500


class JobSuperseded(SmartModelsError):
    """The worker was taken for dead and the job given to another one: nothing was written."""

    code = "job-superseded"
    status = 409


class JobWorkerRefused(SmartModelsError):
    """A worker needs a connection of its own to PostgreSQL: set ``DATABASE_DIRECT_URL``."""

    code = "job-worker-refused"
    status = 500
