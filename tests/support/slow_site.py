"""Settings of a site whose pages take as many seconds in the database as their address says."""

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path

from tests.settings import *  # noqa: F403

ROOT_URLCONF = "tests.support.slow_site"


def slow(request: HttpRequest, seconds: int) -> HttpResponse:
    """Answer after so many seconds."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(%s)", [seconds])
    return HttpResponse("done")


urlpatterns = [path("slow/<int:seconds>/", slow)]
