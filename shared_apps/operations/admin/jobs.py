"""Jobs, as staff sees them on the public host."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet

from shared_apps.operations.models import Job
from smartmodels.admin import StaffModelAdmin, staff_site
from smartmodels.exceptions import SmartModelsError
from smartmodels.jobs import JobState, cancel, retry

__all__ = ["JobAdmin"]


@admin.action(description="Cancel the selected jobs")
def cancel_jobs(model_admin: Any, request: Any, queryset: QuerySet[Job]) -> None:
    """Take jobs out of the queue; those that are running stop at their next step."""
    model_admin.apply(request, queryset, cancel)


@admin.action(description="Try the selected jobs again")
def retry_jobs(model_admin: Any, request: Any, queryset: QuerySet[Job]) -> None:
    """Queue jobs again that failed or were cancelled."""
    model_admin.apply(request, queryset, retry)


@admin.register(Job, site=staff_site)
class JobAdmin(StaffModelAdmin):
    """What was, is or will be done in the background: to look at, cancel and try again."""

    list_display = ("name", "namespace", "state", "progress", "actor", "created_at", "finished_at")
    list_filter = ("state", "name")
    list_select_related = ("namespace",)
    search_fields = ("name", "namespace__slug", "actor")
    ordering: ClassVar[tuple[str, ...]] = ("-id",)
    actions = (cancel_jobs, retry_jobs)
    show_full_result_count = False
    change_form_template = "admin/operations/job/job.html"
    fields: ClassVar[tuple[str, ...]] = (
        "name", "namespace", "actor", "state", "created_at", "scheduled_at", "started_at", "finished_at",
        "failures", "deaths", "result", "error_code", "error", "operation_id",
    )  # fmt: skip
    readonly_fields = fields

    def has_module_permission(self, request: Any) -> bool:
        return bool(request.user.is_staff)

    def has_view_permission(self, request: Any, obj: Any = None) -> bool:
        return bool(request.user.is_staff)

    def has_add_permission(self, request: Any) -> bool:
        return False

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        """Admit staff to the actions; no field can be changed."""
        return bool(request.user.is_staff)

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        return False

    @admin.display(description="progress")
    def progress(self, job: Job) -> str:
        """Say how far the job is."""
        if job.total is None:
            return job.message
        return f"{job.done}/{job.total} {job.message}".rstrip()

    def apply(self, request: Any, jobs: Any, service: Any) -> None:
        """Call the service for each job and say what came of it."""
        for job in jobs:
            try:
                state = JobState(service(job).state).label
            except SmartModelsError as error:
                self.message_user(request, error.message, messages.ERROR)
            else:
                self.message_user(request, f"{job} is {state.lower()}.", messages.SUCCESS)
