"""Background jobs in PostgreSQL. The only room that knows procrastinate.

An app's ``tasks.py`` declares what can be done later::

    @job("research.recount")
    def recount(study: str) -> None: ...

and anybody says when: ``recount.enqueue(study=str(study.pk))``. The namespace that is bound and the person
who acts travel with the job.
"""

from smartmodels.jobs.declaring import Job, declared, find_job, job
from smartmodels.jobs.draining import run_waiting
from smartmodels.jobs.errors import JobNotRetriable, JobOver, JobTimeout, JobUnknown, JobWorkerRefused
from smartmodels.jobs.installing import CreateJobTriggers
from smartmodels.jobs.models import AbstractJob, JobState, get_job_model
from smartmodels.jobs.progressing import progress
from smartmodels.jobs.queueing import cancel, enqueue, prune_jobs, retry
from smartmodels.jobs.workers import living_workers

__all__ = [
    "AbstractJob",
    "CreateJobTriggers",
    "Job",
    "JobNotRetriable",
    "JobOver",
    "JobState",
    "JobTimeout",
    "JobUnknown",
    "JobWorkerRefused",
    "cancel",
    "declared",
    "enqueue",
    "find_job",
    "get_job_model",
    "job",
    "living_workers",
    "progress",
    "prune_jobs",
    "retry",
    "run_waiting",
]
