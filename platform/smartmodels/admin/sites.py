"""Two admin sites: one for the members of each namespace, one for staff on the public host."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.http import Http404
from django.template.response import TemplateResponse

from smartmodels.admin.access_pages import access_urls
from smartmodels.admin.login import THROTTLED, MemberLoginForm, StaffLoginForm
from smartmodels.admin.mark_pages import mark_urls
from smartmodels.admin.model_admin import SmartModelAdmin
from smartmodels.admin.operation_pages import operation_urls
from smartmodels.admin.permissions import role_of
from smartmodels.admin.recent import recent_changes
from smartmodels.admin.sharing_pages import sharing_urls
from smartmodels.exceptions import NotPermitted, SmartModelsError
from smartmodels.models import SmartModel
from smartmodels.tenancy.placement import is_tenant_model

__all__ = ["NamespaceAdminSite", "StaffAdminSite", "namespace_site", "staff_site"]

Urls = Callable[[Any, Callable[..., Any]], list[Any]]

_NOT_PERMITTED = (
    "Your role here does not allow this: members change their own rows, admins and owners everybody's, "
    "viewers look. Ask an admin for another role."
)


def _refuse_unusable_text(request: Any) -> None:
    """Refuse the NUL character in addresses and queries: PostgreSQL stores and compares no such text."""
    given = [request.path_info, *request.GET, *(v for values in request.GET.lists() for v in values[1])]
    if any("\x00" in text for text in given):
        raise BadRequest("The address holds a NUL character.")


class _Site(admin.AdminSite):
    """What both sites share: errors are pages, log-in is throttled, Django's log is not kept."""

    index_template = "smartmodels/admin/index.html"

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Wrap a view: the library's refusals become pages that say what to do."""
        inner: Callable[..., Any] = super().admin_view(view, cacheable)

        def guarded(request: Any, *args: Any, **kwargs: Any) -> Any:
            """Answer a refusal of the library by a page that says what to do."""
            _refuse_unusable_text(request)
            try:
                return inner(request, *args, **kwargs)
            except SmartModelsError as error:
                if error.status >= 500:
                    raise
                return self.refused(request, error)
            except PermissionDenied:
                return self.refused(request, NotPermitted(_NOT_PERMITTED))
            except ValidationError as error:
                # Forms handle theirs; what gets here is a key, in a list of chosen rows, that is none.
                raise Http404("No row has such a key.") from error

        return update_wrapper(guarded, inner)

    def refused(self, request: Any, error: SmartModelsError) -> TemplateResponse:
        """Return the page that says what was refused and why."""
        context = {**self.each_context(request), "title": "This was not done", "error": error}
        request.current_app = self.name
        return TemplateResponse(request, "smartmodels/admin/refused.html", context, status=error.status)

    def login(self, request: Any, extra_context: Any = None) -> Any:
        """Show the form; too many attempts answer 429."""
        response: Any = super().login(request, extra_context)
        form = (getattr(response, "context_data", None) or {}).get("form")
        if form is not None and form.is_bound and form.has_error("__all__", THROTTLED):
            response.status_code = 429
        return response

    login.opens_for_staff = True  # type: ignore[attr-defined]

    def get_log_entries(self, request: Any) -> Any:
        """Return nothing: history is the log."""
        return LogEntry.objects.none()


class NamespaceAdminSite(_Site):
    """The admin of a namespace, for its members; what they may do follows from their roles.

    Every smart model of the tenant apps is registered by itself; ``register`` customises one.
    """

    login_form = MemberLoginForm
    index_title = "What is kept here"

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self._further: list[tuple[Urls, str, str]] = []

    def add_pages(self, urls: Urls, name: str, label: str) -> None:
        """Serve further pages of an app, for owners and admins; ``name`` is the address that the index names.

        ``urls(site, wrap)`` returns the addresses; ``wrap`` guards a view as the site guards its own.
        """
        self._further.append((urls, name, label))

    def has_permission(self, request: Any) -> bool:
        """Members of this namespace, and nobody else."""
        return role_of(request) is not None and request.user.is_active

    def register_missing(self) -> None:
        """Register every smart model of the tenant apps that no app has registered itself."""
        for model in apps.get_models():
            tracked = issubclass(model, SmartModel) and is_tenant_model(model) and not model._meta.proxy
            if tracked and not self.is_registered(model):
                self.register(model, SmartModelAdmin)

    def get_urls(self) -> Any:
        """Return the addresses of the site."""
        self.register_missing()

        def wrap(view: Any) -> Any:
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                return self.admin_view(view)(*args, **kwargs)

            return update_wrapper(wrapper, view)

        return [
            *access_urls(self, wrap),
            *operation_urls(self, wrap),
            *mark_urls(self, wrap),
            *sharing_urls(self, wrap),
            *(address for urls, _, _ in self._further for address in urls(self, wrap)),
            *super().get_urls(),
        ]

    def check(self, app_configs: Any) -> Any:
        """Run Django's checks over every registered model."""
        self.register_missing()
        return super().check(app_configs)

    def each_context(self, request: Any) -> dict[str, Any]:
        """Return what every page needs; the header carries the namespace's name."""
        name, role = request.namespace.name, role_of(request)
        return {**super().each_context(request), "site_header": name, "site_title": name, "role": role}

    def index(self, request: Any, extra_context: Any = None) -> Any:
        """Show the models and what changed lately."""
        recent = recent_changes(self._registry)
        further = [(f"admin:{name}", label) for _, name, label in self._further]
        return super().index(request, {"recent": recent, "further": further, **(extra_context or {})})


class StaffAdminSite(_Site):
    """The admin of the public host, for staff: namespaces, hosts, memberships, accounts."""

    login_form = StaffLoginForm
    site_header = "Platform"
    site_title = "Platform"
    index_title = "Namespaces and accounts"


namespace_site = NamespaceAdminSite(name="admin")
staff_site = StaffAdminSite(name="admin")
