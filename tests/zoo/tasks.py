"""Jobs of the tests."""

import os
import signal
import time
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from smartmodels.context import current_namespace, current_operation
from smartmodels.jobs import job, progress
from tests.zoo.models import Tag


class Upset(Exception):
    """Something went wrong."""


def _die_unless(marker: str) -> None:
    """Kill this process, as kill -9 does, unless it was done before."""
    if not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)


@job("zoo.label")
def label(text: str, seconds: float = 0) -> dict[str, Any]:
    """Make a tag; say where and as whom."""
    time.sleep(seconds)
    Tag.objects.create(label=text)
    namespace, opened = current_namespace(), current_operation()
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        (schema,) = cursor.fetchone()
    return {
        "namespace": None if namespace is None else namespace.slug,
        "schema": schema,
        "actor": None if opened is None else opened.actor.kind,
    }


@job("zoo.fail", retries=1, wait=0)
def fail(message: str) -> None:
    """Make a tag, then fail."""
    Tag.objects.create(label="never")
    raise Upset(message)


@job("zoo.duplicate")
def duplicate(text: str) -> None:
    """Break a rule of the database."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE one (text text UNIQUE)")
        cursor.execute("INSERT INTO one VALUES (%s), (%s)", [text, text])


@job("zoo.long", timeout=30)
def long(text: str, seconds: float = 60) -> str:
    """Make a tag and take long, looking up often."""
    Tag.objects.create(label=text)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        progress(1, 2, f"at it in {os.getpid()}")
        time.sleep(0.05)
    return "done"


@job("zoo.too_long", timeout=0.2)
def too_long() -> None:
    """Take longer than allowed."""
    time.sleep(0.3)
    progress(1)


@job("zoo.too_long_in_postgresql", timeout=0.2)
def too_long_in_postgresql() -> None:
    """Let one statement take longer than allowed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(5)")


@job("zoo.die_once")
def die_once(text: str, marker: str) -> None:
    """Make a tag; the first time, die."""
    Tag.objects.create(label=text)
    _die_unless(marker)


@job("zoo.die_after_commit")
def die_after_commit(text: str, marker: str) -> None:
    """Make a tag; the first time, die between the commit and saying so."""
    Tag.objects.create(label=text)
    transaction.on_commit(lambda: _die_unless(marker))


@job("zoo.die_always")
def die_always(text: str) -> None:
    """Make a tag and die."""
    Tag.objects.create(label=text)
    os.kill(os.getpid(), signal.SIGKILL)


@job("zoo.tick", queue="ticks", every="* * * * * *")
def tick() -> None:
    """Do nothing, every second."""
