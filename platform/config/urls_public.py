"""URLs of the public host."""

from __future__ import annotations

urlpatterns: list[object] = []
