"""URLs of a namespace's host."""

from __future__ import annotations

urlpatterns: list[object] = []
