"""Log in by e-mail address; what a user may do in a namespace follows from their role there."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib.auth.backends import ModelBackend

from shared_apps.namespaces.identity import membership_of
from smartmodels.context import current_namespace
from smartmodels.ownership import is_sentinel
from smartmodels.tenancy.models import Role
from smartmodels.tenancy.placement import tenant_labels

__all__ = ["MembershipBackend"]

_ROLE_ACTIONS = {
    Role.VIEWER: frozenset({"view"}),
    Role.MEMBER: frozenset({"view", "add", "change", "delete"}),
    Role.ADMIN: frozenset({"view", "add", "change", "delete"}),
    Role.OWNER: frozenset({"view", "add", "change", "delete"}),
}


class MembershipBackend(ModelBackend):
    """Django's permissions on the public host; roles, and nothing else, inside a namespace."""

    def user_can_authenticate(self, user: Any) -> bool:
        """Refuse closed accounts and the sentinel."""
        return super().user_can_authenticate(user) and not is_sentinel(user.pk)

    def _membership(self, user: Any) -> Any:
        if not hasattr(user, "membership"):
            user.membership = membership_of(user)
        return user.membership

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        """Tell whether the user may do ``app.action_model`` here."""
        if current_namespace() is None:
            return bool(super().has_perm(user_obj, perm, obj))
        label, _, codename = perm.partition(".")
        if not user_obj.is_active or label not in tenant_labels():
            return False
        membership = self._membership(user_obj)
        if membership is None:
            return False
        return codename.partition("_")[0] in _ROLE_ACTIONS[Role(membership.role)]

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        """Tell whether the user may do anything with the app here."""
        if current_namespace() is None:
            return bool(super().has_module_perms(user_obj, app_label))
        return app_label in tenant_labels() and self._membership(user_obj) is not None

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Return every permission the user has here, as ``app.action_model``."""
        if current_namespace() is None:
            return set(super().get_all_permissions(user_obj, obj))
        membership = self._membership(user_obj) if user_obj.is_active else None
        if membership is None:
            return set()
        actions = _ROLE_ACTIONS[Role(membership.role)]
        return {
            f"{label}.{action}_{model._meta.model_name}"
            for label in tenant_labels()
            for model in apps.get_app_config(label).get_models()
            for action in actions
        }
