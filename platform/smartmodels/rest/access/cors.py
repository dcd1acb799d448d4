"""Cross-origin requests to a namespace's API, from the pages that the namespace allows.

The only module that knows django-cors-headers (extra ``oauth``): name the middleware in ``MIDDLEWARE`` behind
that of namespaces. A page of another origin shows a token or key; cookies are never let in from there.
"""

from __future__ import annotations

from typing import Any

from corsheaders.conf import conf
from corsheaders.middleware import CorsMiddleware
from django.core.exceptions import ImproperlyConfigured

__all__ = ["NamespaceCorsMiddleware"]

_OPEN = ("/api/", "/oauth/token/", "/oauth/revoke/")


class NamespaceCorsMiddleware(CorsMiddleware):
    """Answer preflights of a namespace's host, and say to browsers which pages may read the answers.

    The namespace comes from the routing cache, its origins with it: no statement is sent. Raises
    ImproperlyConfigured where settings would let every origin in, or any with cookies.
    """

    def __init__(self, get_response: Any) -> None:
        if conf.CORS_ALLOW_ALL_ORIGINS or conf.CORS_ALLOW_CREDENTIALS:
            raise ImproperlyConfigured(
                "Origins are allowed one by one, and none with cookies: remove CORS_ALLOW_ALL_ORIGINS and "
                "CORS_ALLOW_CREDENTIALS, and let pages of other origins show a token or key."
            )
        super().__init__(get_response)

    def __call__(self, request: Any) -> Any:
        """Answer the request; nothing else is done where there is nothing to allow."""
        if not self.is_enabled(request):
            return self.get_response(request)
        return super().__call__(request)

    def is_enabled(self, request: Any) -> bool:
        """Tell whether pages of other origins may come here at all."""
        return request.namespace is not None and request.path_info.startswith(_OPEN)

    def check_signal(self, request: Any) -> bool:
        """Tell whether the namespace allows the page's origin."""
        return request.headers.get("origin") in request.namespace.cors_origins

    def origin_found_in_white_lists(self, origin: str, url: Any) -> bool:
        """Know no origin that all namespaces would allow."""
        return False
