"""Namespaces, their hosts and their members, as staff sees them on the public host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Count
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.safestring import mark_safe

from shared_apps.namespaces.migration_admin import MigrationRunAdmin, SchemaStateAdmin
from shared_apps.namespaces.models import Domain, Membership, Namespace
from shared_apps.namespaces.staff_actions import HOST_ACTIONS, NAMESPACE_ACTIONS
from shared_apps.namespaces.tasks import provision
from smartmodels.admin import StaffModelAdmin, staff_site
from smartmodels.context import public_scope
from smartmodels.exceptions import SmartModelsError
from smartmodels.jobs import living_workers
from smartmodels.management.namespaces import owner_account
from smartmodels.ownership import is_sentinel
from smartmodels.tenancy import life, provisioning
from smartmodels.tenancy.life.naming import custom_host
from smartmodels.tenancy.life.owners import is_last_owner
from smartmodels.tenancy.models import Role
from smartmodels.tenancy.names import primary_host, validate_slug

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


class RenameForm(forms.Form):
    """The name that a namespace is to get."""

    slug = forms.CharField(
        label="New slug", max_length=31, help_text="The old host leads to the new one; people log in anew."
    )


@admin.register(Namespace, site=staff_site)
class NamespaceAdmin(StaffModelAdmin):
    """Provision, stop and rename; it is deleted by ``manage.py namespace delete`` or the API only."""

    list_display = ("slug", "name", "state", "host", "members", "created_at")
    list_filter = ("state",)
    search_fields = ("slug", "name")
    fields = (
        "name", "slug", "rename", "state", "notice", "back_at", "purge_after", "host", "schema_name", "step",
        "error", "created_at", "activated_at",
    )  # fmt: skip
    readonly_fields = fields[1:]
    actions = NAMESPACE_ACTIONS
    change_list_template = "admin/namespaces/namespace/list.html"

    def get_queryset(self, request: Any) -> Any:
        """Count the members along, and read the hosts."""
        return (
            super()
            .get_queryset(request)
            .annotate(member_count=Count("memberships"))
            .prefetch_related("domains")
        )

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
        """Name the primary host."""
        served = [domain.domain for domain in namespace.domains.all() if domain.is_primary]
        return served[0] if served else primary_host(namespace.slug)

    @admin.display(description="other slug")
    def rename(self, _: Namespace) -> str:
        """Lead to the page that renames."""
        return mark_safe('<a href="../rename/">Rename</a>')

    @admin.display(description="members", ordering="member_count")
    def members(self, namespace: Any) -> int:
        """Count the members."""
        return int(namespace.member_count)

    def get_urls(self) -> Any:
        """Add the page that renames."""
        view = self.admin_site.admin_view(self.rename_view)
        return [
            path("<path:object_id>/rename/", view, name="namespaces_namespace_rename"),
            *super().get_urls(),
        ]

    def rename_view(self, request: Any, object_id: str) -> Any:
        """Ask for the new slug; then the namespace bears it."""
        namespace = self.get_object(request, object_id)
        if namespace is None:
            raise Http404("There is no such namespace.")
        if not self.has_change_permission(request, namespace):
            raise PermissionDenied
        form, status = RenameForm(request.POST if request.method == "POST" else None), 200
        if request.method == "POST" and form.is_valid():
            try:
                life.rename(namespace, form.cleaned_data["slug"])
            except SmartModelsError as error:
                form.add_error("slug", error.message)
                status = error.status
            else:
                return HttpResponseRedirect("../change/")
        return self._page(
            request, "new", status, form=form, title=f"Rename {namespace.slug}", submit="Rename"
        )

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
        title = f"New namespace {namespace.slug}"
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
        """Return the host as requests are compared with it; refuse what can be no namespace's."""
        try:
            return custom_host(self.cleaned_data["domain"])
        except SmartModelsError as error:
            raise ValidationError(error.message, code=error.code) from error


@admin.register(Domain, site=staff_site)
class DomainAdmin(StaffModelAdmin):
    """The hosts of namespaces; a new one waits until its proof was looked for."""

    form = DomainForm
    list_display = ("domain", "tenant", "state", "is_primary")
    list_filter = ("state",)
    list_select_related = ("tenant",)
    search_fields = ("domain", "tenant__slug")
    autocomplete_fields = ("tenant",)
    readonly_fields = ("state", "is_primary", "proof_record", "added_at", "verified_at")
    actions = HOST_ACTIONS

    def get_fields(self, request: Any, obj: Any = None) -> Any:
        """Ask for the host and the namespace only."""
        return ("domain", "tenant") if obj is None else ("domain", "tenant", *self.readonly_fields)

    def get_actions(self, request: Any, action_location: Any = None) -> Any:
        """Leave deleting out: hosts are removed one by one, so that each is asked for."""
        # Django 6.1 says for which page it asks; Django 5.2 knows one.
        where = {} if action_location is None else {"action_location": action_location}
        found: dict[str, Any] = super().get_actions(request, **where)
        return {name: action for name, action in found.items() if name != "delete_selected"}

    @admin.display(description="TXT record that proves it")
    def proof_record(self, domain: Domain) -> str:
        """Say which record is waited for."""
        return " ".join(life.proof_record(domain)) if domain.proof else ""

    @staticmethod
    def _is_given(domain: Domain | None) -> bool:
        """Tell whether the host follows from its namespace's slug, and so is not staff's to choose."""
        return domain is not None and domain.domain == primary_host(domain.tenant.slug)

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        """Hosts are not changed: another host is another claim."""
        return super().has_change_permission(request, obj) and obj is None

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and not self._is_given(obj)

    def save_model(self, request: Any, obj: Any, form: Any, change: bool) -> None:
        """Claim the host."""
        obj.pk = life.add_domain(obj.tenant, obj.domain).pk
        obj.refresh_from_db()

    def delete_model(self, request: Any, obj: Any) -> None:
        """Take the host from its namespace; it is held for a time."""
        life.remove_domain(obj.tenant, obj.domain)


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

    def save_model(self, request: Any, obj: Any, form: Any, change: bool) -> None:
        """Admit the account, or give it the role."""
        service = life.change_role if change else life.add_member
        obj.pk = service(obj.namespace, obj.user, obj.role).pk

    def delete_model(self, request: Any, obj: Any) -> None:
        """End a membership with its logins; the last owner stays."""
        life.remove_member(obj.namespace, obj.user)
