"""Accounts, as staff sees them on the public host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.urls import reverse
from django.utils.html import format_html

from shared_apps.accounts.models import User
from smartmodels.admin import StaffModelAdmin, staff_site
from smartmodels.ownership import choosable, is_sentinel

__all__ = ["AccountAdmin"]

if TYPE_CHECKING:
    _CreationForm = AdminUserCreationForm[User]
    _UserAdmin = UserAdmin[User]
else:
    _CreationForm, _UserAdmin = AdminUserCreationForm, UserAdmin


class AccountForm(_CreationForm):
    """A new account: its address, its name, its first password."""

    class Meta:
        model = User
        fields = ("email", "name")

    def clean_email(self) -> str:
        """Return the address as it is compared."""
        return str(self.cleaned_data["email"]).lower()


@admin.register(User, site=staff_site)
class AccountAdmin(StaffModelAdmin, _UserAdmin):
    """Accounts. They are closed by ``manage.py account close``, which hands over what they own."""

    add_form = AccountForm
    add_fieldsets = ((None, {"fields": ("email", "name", "usable_password", "password1", "password2")}),)
    fieldsets = (
        (None, {"fields": ("email", "name", "password_set", "member_of")}),
        ("Rights", {"fields": ("is_active", "is_staff", "is_superuser")}),
        ("Dates", {"fields": ("joined_at", "last_login", "closed_at")}),
    )
    readonly_fields = ("password_set", "member_of", "joined_at", "last_login", "closed_at")
    list_display = ("email", "name", "is_active", "is_staff", "joined_at", "last_login")
    list_filter = ("is_active", "is_staff")
    search_fields = ("email", "name")
    ordering: ClassVar[tuple[str, ...]] = ("email",)
    filter_horizontal = ()

    def get_search_results(self, request: Any, queryset: Any, search_term: str) -> Any:
        """Find accounts; where one is to be chosen, none of a service."""
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        return choosable(found) if request.path_info.endswith("/autocomplete/") else found, may_repeat

    def get_readonly_fields(self, request: Any, obj: Any = None) -> Any:
        """Only superusers give rights away."""
        rights = () if request.user.is_superuser else ("is_staff", "is_superuser")
        return (*self.readonly_fields, *rights)

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        """Nobody changes the sentinel; only superusers change staff."""
        allowed = super().has_change_permission(request, obj)
        if obj is None or not allowed:
            return allowed
        return not is_sentinel(obj.pk) and (request.user.is_superuser or not obj.is_staff)

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        """Accounts are closed, not deleted."""
        return False

    @admin.display(description="password")
    def password_set(self, user: User) -> str:
        """Say whether there is a password, and where to set another."""
        if is_sentinel(user.pk):
            return "none: nobody logs in as the sentinel"
        address = reverse("admin:auth_user_password_change", args=[user.pk], current_app=self.admin_site.name)
        state = "set" if user.has_usable_password() else "none"
        return format_html('{} &middot; <a href="{}">set another</a>', state, address)

    @admin.display(description="member of")
    def member_of(self, user: User) -> str:
        """List the namespaces and roles."""
        memberships = user.memberships.select_related("namespace").order_by("namespace__slug")
        return ", ".join(f"{each.namespace.slug} ({each.role})" for each in memberships) or "nothing"
