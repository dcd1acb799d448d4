"""Log in: members on a namespace's host, staff on the public one; guessing is slowed down."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError

from smartmodels.context import require_namespace
from smartmodels.tenancy.guessing import Guesses
from smartmodels.tenancy.models import State, get_membership_model

__all__ = ["THROTTLED", "LoginForm", "MemberLoginForm", "StaffLoginForm"]

THROTTLED = "throttled"
"""Code of the form error that refuses further attempts for now."""

_GUESSES = Guesses()

_TOO_MANY = "Too many attempts: wait five minutes, then try again."
_REFUSED = "Please enter the e-mail address and password of an account that may log in here."


class LoginForm(AuthenticationForm):
    """Django's form with one message for every refusal, so that it tells nobody which accounts exist."""

    required_css_class = "required"

    def clean(self) -> dict[str, Any]:
        """Authenticate, unless this account was tried too often from the same address."""
        account = str(self.cleaned_data.get("username") or "")
        if _GUESSES.count(self.request, account) is not None:
            raise ValidationError(_TOO_MANY, code=THROTTLED)
        cleaned: dict[str, Any] = super().clean()
        _GUESSES.forget(self.request, account)
        return cleaned

    def confirm_login_allowed(self, user: Any) -> None:
        """Refuse an account that may not log in here just as a wrong password is refused."""
        if not self.may_log_in(user):
            raise self.get_invalid_login_error()

    def get_invalid_login_error(self) -> ValidationError:
        """Return the one refusal there is."""
        return ValidationError(_REFUSED, code="invalid_login")

    def may_log_in(self, user: Any) -> bool:
        """Tell whether the account, whose password was right, may log in on this host."""
        return bool(user.is_active)


class MemberLoginForm(LoginForm):
    """For the members of the namespace whose host is asked."""

    def may_log_in(self, user: Any) -> bool:
        """Members only; staff of the platform are no exception. A closed namespace is for staff alone."""
        namespace: Any = require_namespace()
        if namespace.state != State.ACTIVE and not user.is_staff:
            return False
        members = get_membership_model().objects.filter(namespace_id=namespace.pk)
        return super().may_log_in(user) and members.filter(user_id=user.pk).exists()


class StaffLoginForm(LoginForm):
    """For staff on the public host."""

    def may_log_in(self, user: Any) -> bool:
        """Staff only."""
        return super().may_log_in(user) and user.is_staff
