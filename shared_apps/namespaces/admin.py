"""Namespaces, their hosts and their members, as staff sees them on the public host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import validate_domain_name
from django.db import transaction
from django.db.models import Count, QuerySet
from django.template.response import TemplateResponse

from shared_apps.namespaces.migration_admin import MigrationRunAdmin, SchemaStateAdmin
from shared_apps.namespaces.models import Domain, Membership, Namespace
from shared_apps.namespaces.tasks import provision
from smartmodels.admin import StaffModelAdmin, staff_site
from smartmodels.context import public_scope
from smartmodels.exceptions import SmartModelsError
from smartmodels.jobs import living_workers
from smartmodels.management.namespaces import owner_account
from smartmodels.ownership import is_sentinel
from smartmodels.tenancy import life, provisioning
from smartmodels.tenancy.life.owners import is_last_owner, require_another_owner
from smartmodels.tenancy.models import Role
from smartmodels.tenancy.names import fold_host, primary_host, public_hosts, validate_slug

__all__ = ["DomainAdmin", "MembershipAdmin", "MigrationRunAdmin", "NamespaceAdmin", "SchemaStateAdmin"]

if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[Any]
else:
    _ModelForm = forms.ModelForm


def _address(request: Any, host: str) -> str:
    """Return the address of a host's admin, on the port that this request came to."""
    _, colon, port = request.get_host().rpartition(":")
    return f"{request.scheme}://{host}{colon + port if port.isdigit() else ''}/admin/"


def _resume(namespace: Namespace) -> str:
    """Finish the namespace; return what went wrong, since a new password could never be read again."""
    try:
        provisioning.resume(namespace)
    except SmartModelsError as error:
        return error.message
    return ""


class NewNamespaceForm(forms.Form):
    """What provisioning asks for."""

    slug = forms.CharField(
        max_length=31, help_text="Its subdomain: a to z, 0 to 9 and single hyphens, beginning with a letter."
    )
    name = forms.CharField(
        max_length=200, required=False, help_text="What people call it; the slug if empty."
    )
    owner = forms.EmailField(
        label="Owner's e-mail address", help_text="An account is made if there is none of this address."
    )

    def clean_slug(self) -> str:
        """Return the slug as it will be used."""
        try:
            return validate_slug(self.cleaned_data["slug"])
        except SmartModelsError as error:
            raise ValidationError(error.message, code=error.code) from error


@admin.action(description="Suspend the selected namespaces")
def suspend(model_admin: Any, request: Any, queryset: QuerySet[Namespace]) -> None:
    """Stop serving the namespaces; nothing is lost."""
    model_admin.apply(request, queryset, life.suspend)


@admin.action(description="Resume the selected namespaces, or finish half-made ones")
def resume(model_admin: Any, request: Any, queryset: QuerySet[Namespace]) -> None:
    """Serve suspended namespaces again; finish those whose provisioning was cut off."""
    model_admin.apply(request, queryset, life.serve)


@admin.register(Namespace, site=staff_site)
class NamespaceAdmin(StaffModelAdmin):
    """Provision, suspend and resume; a namespace is deleted by ``manage.py namespace delete`` only."""

    list_display = ("slug", "name", "state", "host", "members", "created_at")
    list_filter = ("state",)
    search_fields = ("slug", "name")
    fields = ("name", "slug", "state", "host", "schema_name", "step", "error", "created_at", "activated_at")
    readonly_fields = fields[1:]
    actions = (suspend, resume)
    change_list_template = "admin/namespaces/namespace/list.html"

    def get_queryset(self, request: Any) -> Any:
        """Count the members along."""
        return super().get_queryset(request).annotate(member_count=Count("memberships"))

    def has_module_permission(self, request: Any) -> bool:
        return bool(request.user.is_staff)

    def has_view_permission(self, request: Any, obj: Any = None) -> bool:
        return bool(request.user.is_staff)

    def has_add_permission(self, request: Any) -> bool:
        return bool(request.user.is_staff)

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        return bool(request.user.is_staff)

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        return False

    @admin.display(description="host")
    def host(self, namespace: Namespace) -> str:
        """Name the host."""
        return primary_host(namespace.slug)

    @admin.display(description="members", ordering="member_count")
    def members(self, namespace: Any) -> int:
        """Count the members."""
        return int(namespace.member_count)

    def apply(self, request: Any, namespaces: Any, service: Any) -> None:
        """Call the service for each namespace and say what came of it."""
        for namespace in namespaces:
            try:
                service(namespace)
            except SmartModelsError as error:
                self.message_user(request, error.message, messages.ERROR)
            else:
                namespace.refresh_from_db()
                self.message_user(request, f"{namespace.slug} is {namespace.state}.", messages.SUCCESS)

    def add_view(self, request: Any, form_url: str = "", extra_context: Any = None) -> Any:
        """Provision a namespace; the initial password of a new account is shown once, here."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form, status = NewNamespaceForm(request.POST if request.method == "POST" else None), 200
        if request.method == "POST":
            status = 400
            if form.is_valid():
                try:
                    return self._page(request, "made", 200, **self._provision(request, **form.cleaned_data))
                except SmartModelsError as error:
                    form.add_error(None, error.message)
                    status = error.status
        return self._page(request, "new", status, form=form, title="New namespace")

    @staticmethod
    def _provision(request: Any, slug: str, name: str, owner: str) -> dict[str, Any]:
        # Nobody waits for a worker that is not there.
        later = living_workers() > 0
        with public_scope(), transaction.atomic():
            account, password = owner_account(owner)
            namespace = provisioning.reserve(slug, name=name or slug, owner=account)
            job = provision.enqueue(key=str(namespace.pk), namespace=str(namespace.pk)) if later else None
        failure = "" if later else _resume(namespace)
        title = "Namespace is being made" if later else "Namespace made"
        return {
            "title": "Not finished" if failure else title,
            "namespace": namespace,
            "owner": account,
            "password": password,
            "failure": failure,
            "job": job,
            "address": _address(request, primary_host(slug)),
        }

    def _page(self, request: Any, page: str, status: int, **context: Any) -> TemplateResponse:
        request.current_app = self.admin_site.name
        everywhere = {**self.admin_site.each_context(request), "opts": self.opts, "media": self.media}
        return TemplateResponse(
            request, f"admin/namespaces/namespace/{page}.html", {**everywhere, **context}, status=status
        )


class DomainForm(_ModelForm):
    """A further host of a namespace."""

    def clean_domain(self) -> str:
        """Return the host as requests are compared with it; refuse what belongs to somebody else."""
        host = fold_host(self.cleaned_data["domain"])
        validate_domain_name(host)
        if host in public_hosts():
            raise ValidationError("This is a host of the public site.", code="public")
        return host

    def clean(self) -> Any:
        """Refuse the subdomains of the base domain: each is the namespace's whose slug it is."""
        cleaned: dict[str, Any] = super().clean() or {}
        host, namespace = cleaned.get("domain"), cleaned.get("tenant")
        if host and namespace and host.endswith(primary_host("")) and host != primary_host(namespace.slug):
            self.add_error("domain", "Subdomains of the base domain follow from the slugs.")
        return cleaned


@admin.register(Domain, site=staff_site)
class DomainAdmin(StaffModelAdmin):
    """The hosts on which namespaces are served."""

    form = DomainForm
    list_display = ("domain", "tenant", "is_primary")
    list_select_related = ("tenant",)
    search_fields = ("domain", "tenant__slug")
    autocomplete_fields = ("tenant",)
    actions = None  # hosts are deleted one by one, so that each is asked for

    @staticmethod
    def _is_given(domain: Domain | None) -> bool:
        """Tell whether the host follows from its namespace's slug, and so is not staff's to choose."""
        return domain is not None and domain.domain == primary_host(domain.tenant.slug)

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and not self._is_given(obj)

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and not self._is_given(obj)


class MembershipForm(_ModelForm):
    """A member and their role."""

    def clean_user(self) -> Any:
        """Refuse the sentinel and closed accounts."""
        user = self.cleaned_data["user"]
        if is_sentinel(user.pk) or not user.is_active:
            raise ValidationError("This account cannot be a member: it is closed.", code="closed")
        return user

    def clean_role(self) -> Any:
        """Keep at least one owner."""
        role = self.cleaned_data["role"]
        if self.instance.pk and role != Role.OWNER and not self.instance._state.adding:
            before = Membership.objects.filter(pk=self.instance.pk).first()
            if before is not None and is_last_owner(before):
                raise ValidationError("The namespace has no other owner: name one first.", code="sole-owner")
        return role


@admin.register(Membership, site=staff_site)
class MembershipAdmin(StaffModelAdmin):
    """Who is a member of what, and as what."""

    form = MembershipForm
    list_display = ("user", "namespace", "role", "joined_at")
    list_filter = ("role",)
    list_select_related = ("user", "namespace")
    search_fields = ("user__email", "namespace__slug")
    autocomplete_fields = ("user", "namespace")
    actions = None  # memberships end one by one
    ordering: ClassVar[tuple[str, ...]] = ("namespace__slug", "user__email")

    def get_readonly_fields(self, request: Any, obj: Any = None) -> Any:
        """Change the role only: another user or namespace is another membership."""
        return ("user", "namespace") if obj is not None else ()

    def delete_model(self, request: Any, obj: Any) -> None:
        """End a membership; the last owner stays."""
        require_another_owner(obj)
        super().delete_model(request, obj)
