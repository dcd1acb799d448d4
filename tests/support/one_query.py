"""A site whose page sends one query, as a program: with namespaces (``ours``) or as Django alone (``plain``).

It reads numbers, one per line, answers that many requests through the whole handler, and says how many
seconds they took. The address of the database is DATABASE_URL; the hosts of ``ours``, or the schema of
``plain``, follow the word on the command line.
"""

import gc
import os
import sys
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from itertools import cycle, islice
from typing import Any

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import models
from django.http import HttpRequest, JsonResponse
from django.test import RequestFactory
from django.urls import path

PATH = "/found/?code=PAL0708"
OURS = (
    "smartmodels.rest.access.cors.NamespaceCorsMiddleware",
    "smartmodels.tenancy.middleware.NamespaceMiddleware",
    "shared_apps.namespaces.middleware.IdentityMiddleware",
)
WARM_SECONDS = 1.0


def view_over(model: Any) -> Callable[[HttpRequest], JsonResponse]:
    """The page: rows found by their code, for somebody who may be logged in."""

    def found(request: HttpRequest) -> JsonResponse:
        rows = model.objects.filter(code=request.GET["code"])[:20]
        return JsonResponse({"known": request.user.is_authenticated, "rows": [row.code for row in rows]})

    return found


class Urls:
    """A URLconf with the one page."""

    urlpatterns: list[Any] = []  # noqa: RUF012 - Django reads it once it is filled


def be_ours() -> None:
    """Run the project as it is."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    settings.ROOT_URLCONF = Urls
    django.setup()
    Urls.urlpatterns = [path("found/", view_over(import_module("tests.zoo.models").PlainStudy))]


def be_plain(schema: str) -> None:
    """Run Django with its own engine and the same middleware, but for that of namespaces, in one schema."""
    project = import_module("config.settings")
    database = {**project.DATABASES["default"], "ENGINE": "django.db.backends.postgresql"}
    database["OPTIONS"] = {**database["OPTIONS"], "options": f"-c search_path={schema},public"}
    settings.configure(
        SECRET_KEY="plain",
        ALLOWED_HOSTS=["*"],
        DATABASES={"default": database},
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
        MIDDLEWARE=[name for name in project.MIDDLEWARE if name not in OURS],
        ROOT_URLCONF=Urls,
        STATIC_URL=project.STATIC_URL,
        STATIC_ROOT=project.STATIC_ROOT,
        USE_TZ=True,
    )
    django.setup()

    class PlainStudy(models.Model):
        id = models.UUIDField(primary_key=True)
        code = models.CharField(max_length=20)

        class Meta:
            app_label, db_table, managed = "plain", "zoo_plainstudy", False

        def __str__(self) -> str:
            return self.code

    Urls.urlpatterns = [path("found/", view_over(PlainStudy))]


def environs(hosts: list[str]) -> Iterator[dict[str, Any]]:
    """Requests for the hosts in turn."""
    made = [RequestFactory(headers={"host": host}).get(PATH).environ for host in hosts]
    return cycle(made)


def answer(handler: WSGIHandler, environ: dict[str, Any]) -> bytes:
    """Answer one request as a server does."""
    statuses: list[str] = []
    response = handler(dict(environ), lambda status, _: statuses.append(status))
    body = b"".join(response)
    response.close()
    assert statuses == ["200 OK"], body
    return body


def main(kind: str, *words: str) -> None:
    """Warm up, then answer as often as each line says."""
    be_ours() if kind == "ours" else be_plain(*words)
    handler = WSGIHandler()
    requests = environs(list(words) if kind == "ours" else ["plain.localhost"])
    warm_until = time.monotonic() + WARM_SECONDS
    while time.monotonic() < warm_until:
        answer(handler, next(requests))
    gc.collect()
    gc.freeze()
    print("ready", flush=True)
    for line in sys.stdin:
        began = time.perf_counter()
        for environ in islice(requests, int(line)):
            answer(handler, environ)
        print(time.perf_counter() - began, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
