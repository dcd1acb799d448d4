"""Bring one schema up to date: record where it is the first of its kind, replay where it is not."""

from __future__ import annotations

import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
from django.db import connections
from django.db.migrations.migration import Migration

from smartmodels.context import namespace_scope
from smartmodels.tenancy.locking import exclusively
from smartmodels.tenancy.migrating.applying import apply_migration, record
from smartmodels.tenancy.migrating.failures import (
    MOVED,
    code_of,
    is_lost,
    is_transient,
    may_not_fit,
    sqlstate_of,
    text_of,
)
from smartmodels.tenancy.migrating.models import Way
from smartmodels.tenancy.migrating.one_schema import ensure_records
from smartmodels.tenancy.migrating.options import MigrationOptions, SchemaResult, Step
from smartmodels.tenancy.migrating.planning import Plans, Stage, keys_of
from smartmodels.tenancy.migrating.recording import Script, can_be_recorded
from smartmodels.tenancy.migrating.replaying import Replay, replay
from smartmodels.tenancy.migrating.runs import outcome_sql, tell_failure
from smartmodels.tenancy.migrating.states import Key, SchemaState, settled_state, true_state
from smartmodels.tenancy.placement import tenant_labels

__all__ = ["Migrator"]

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 5.0


class _Moved(Exception):
    """Somebody else migrated the schema meanwhile."""


class _Scripts:
    """What was recorded, by the state it starts from and the migration; shared by all threads of a run."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, Key], Script | None] = {}
        self._guard = threading.Lock()
        self._turns: dict[tuple[str, Key], threading.Lock] = defaultdict(threading.Lock)

    @contextmanager
    def turn(self, place: tuple[str, Key]) -> Iterator[bool]:
        """Wait for whoever records this; tell whether it is known. One that fails leaves it to the next."""
        with self._guard:
            turn = self._turns[place]
        with turn:
            if place not in self._known:
                yield False
                return
        yield True

    def put(self, place: tuple[str, Key], script: Script | None) -> None:
        self._known[place] = script

    def get(self, place: tuple[str, Key]) -> Script | None:
        return self._known[place]


class Migrator:
    """Migrates schemas within one run; called from several threads, each with its own connection."""

    def __init__(self, run: UUID, plans: Plans, options: MigrationOptions, using: str) -> None:
        self._run = run
        self._plans = plans
        self._options = options
        self._using = using
        self._scripts = _Scripts()

    def bring(self, namespace: Any, state: SchemaState) -> SchemaResult:
        """Bring the namespace's schema from this state up to date; what fails is told in the result."""
        began, result = time.monotonic(), SchemaResult(namespace.slug, namespace.schema_name)
        doing = ""
        try:
            while not (stage := self._plans.stage(state)).is_current:
                doing = _name(stage.steps[0]) if stage.steps else ""
                state = self._advance(namespace, state, stage, result)
        except Exception as error:  # noqa: BLE001 - a migration may raise anything; the others go on
            result.seconds = time.monotonic() - began
            result.code, result.error = code_of(error), text_of(error)
            tell_failure(self._run, namespace, doing, result, self._using)
        result.seconds = time.monotonic() - began
        return result

    def _advance(self, namespace: Any, state: SchemaState, stage: Stage, result: SchemaResult) -> SchemaState:
        """Take one step; return the state after it."""
        began = time.monotonic()
        keys = tuple(keys_of(stage.steps[0])) if stage.steps else stage.squashed
        try:
            way = self._patiently(lambda: self._step(namespace, state, stage, keys))
        except _Moved:
            result.note = "Another run migrated it meanwhile."
            return settled_state(namespace.schema_name, using=self._using)
        if stage.steps and stage.steps[0].app_label in tenant_labels():
            result.steps.append(Step(_name(stage.steps[0]), way, round(time.monotonic() - began, 4)))
        return state.with_keys(keys)

    def _patiently(self, step: Callable[[], str]) -> str:
        """Do it, again if what prevented it may pass."""
        for attempt in range(self._options.retries):
            try:
                return step()
            except Exception as error:
                if not is_transient(error):
                    raise
                if is_lost(error):
                    connections[self._using].close()
            longest = min(_FIRST_PAUSE_SECONDS * 2**attempt, _LONGEST_PAUSE_SECONDS)
            # Not all at the same moment again.
            time.sleep(longest * random.uniform(0.5, 1))  # noqa: S311 - nobody is to be kept from guessing it
        return step()

    # One migration

    def _step(self, namespace: Any, state: SchemaState, stage: Stage, keys: tuple[Key, ...]) -> str:
        if not stage.steps:
            return self._again(namespace, state, None, keys, Script(()))
        migration = stage.steps[0]
        if not can_be_recorded(migration):
            self._through_django(namespace, state, migration, Way.OWN)
            return Way.OWN
        place = (state.fingerprint, keys[-1])
        with self._scripts.turn(place) as known:
            if not known:
                self._scripts.put(place, self._through_django(namespace, state, migration, Way.RECORDED))
                return Way.RECORDED
        script = self._scripts.get(place)
        if script is None:
            self._through_django(namespace, state, migration, Way.OWN)
            return Way.OWN
        return self._again(namespace, state, migration, keys, script)

    def _again(
        self,
        namespace: Any,
        state: SchemaState,
        migration: Migration | None,
        keys: tuple[Key, ...],
        script: Script,
    ) -> str:
        sent = Replay(namespace, script, keys, state, self._run, self._options.lock_timeout)
        try:
            replay(sent.message(), using=self._using)
        except psycopg.Error as error:
            if sqlstate_of(error) == MOVED:
                raise _Moved from error
            if migration is None or not may_not_fit(error):
                raise
            self._through_django(namespace, state, migration, Way.OWN)
            return Way.OWN
        return Way.REPLAYED

    def _through_django(
        self, namespace: Any, state: SchemaState, migration: Migration, way: str
    ) -> Script | None:
        began, using = time.monotonic(), self._using

        def finish() -> None:
            record(keys_of(migration), using)
            took = time.monotonic() - began
            with connections[using].cursor() as cursor:
                cursor.execute(outcome_sql(self._run, namespace, _name(migration), way, seconds=took))

        with namespace_scope(namespace), exclusively(namespace, using=using), self._lock_timeout():
            if true_state(namespace.schema_name, using=using) != state:
                raise _Moved
            ensure_records(using)
            _, script = apply_migration(
                migration, self._plans.project(state), finish, recorded=way == Way.RECORDED, using=using
            )
        return script

    @contextmanager
    def _lock_timeout(self) -> Iterator[None]:
        """Wait for locks no longer than was said: a setting of the session, as not all is a transaction."""
        connection = connections[self._using]
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('lock_timeout')")
            (before,) = cursor.fetchone()
            milliseconds = f"{max(int(self._options.lock_timeout * 1000), 1)}ms"
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", [milliseconds])
        try:
            yield
        finally:
            if connection.connection is not None and connection.is_usable():
                with connection.cursor() as cursor:
                    cursor.execute("SELECT set_config('lock_timeout', %s, false)", [before])


def _name(migration: Migration) -> str:
    return f"{migration.app_label}.{migration.name}"
