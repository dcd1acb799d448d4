"""Who may open a page at all: members of the namespace, and to change something those whose role writes."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpResponseBase
from django.shortcuts import render, resolve_url
from django.utils.cache import add_never_cache_headers
from django.views.generic import View

from smartmodels.exceptions import NotPermitted, SmartModelsError
from smartmodels.tenancy.models import Role

__all__ = ["MembersMixin"]

_VIEWERS_READ = "Your role in this namespace does not allow this: ask its owner for one that writes."
_NOT_PERMITTED = "You may not do this: ask an admin of this namespace."


class MembersMixin(View):
    """A page for members: everybody else is sent to log in, and a refusal is a page that says why.

    With ``writes = True`` a viewer is refused. Use it for pages of your own::

        class Overview(MembersMixin, TemplateView):
            template_name = "smartmodels/views/base.html"
    """

    writes: ClassVar[bool] = False
    http_method_names = ["get", "head"]  # noqa: RUF012 - Django's name and type

    @property
    def role(self) -> Role:
        """Return the role of whoever asks, who is a member."""
        request: Any = self.request
        return Role(request.membership.role)

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer a member; no answer is kept by caches, since the next person sees other rows."""
        response: HttpResponseBase = self._admitted(request, *args, **kwargs)
        add_never_cache_headers(response)
        return response

    def _admitted(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        if getattr(request, "membership", None) is None:
            return redirect_to_login(request.get_full_path(), resolve_url(settings.LOGIN_URL))
        # PostgreSQL neither stores nor compares such text.
        if "\x00" in request.path_info or any("\x00" in text for text in request.GET.values()):
            raise BadRequest("The address holds a NUL character.")
        try:
            if self.writes and not self.role.writes:
                raise NotPermitted(_VIEWERS_READ)
            response: Any = super().dispatch(request, *args, **kwargs)
            # Now, since the rows are read while the page is written.
            return response.render() if hasattr(response, "render") else response
        except SmartModelsError as error:
            if error.status >= 500:
                raise
            return self.refused(error)
        except PermissionDenied as error:
            return self.refused(NotPermitted(str(error) or _NOT_PERMITTED))

    def refused(self, error: SmartModelsError) -> Any:
        """Return the page that says what was not done and why."""
        return render(self.request, "smartmodels/views/refused.html", {"error": error}, status=error.status)
