"""Bring schemas up to date: record in the first of a kind, replay in the others, many in one message."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
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
from smartmodels.tenancy.migrating.replaying import Batch, Replay, replay, replay_batch
from smartmodels.tenancy.migrating.resting import collector_resting
from smartmodels.tenancy.migrating.runs import outcome_sql, tell_failure
from smartmodels.tenancy.migrating.scripts import Scripts, place_of
from smartmodels.tenancy.migrating.states import Key, SchemaState, settled_state, true_state
from smartmodels.tenancy.placement import tenant_labels

__all__ = ["Migrator"]

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 5.0


class _Moved(Exception):
    """Somebody else migrated the schema meanwhile."""


class Migrator:
    """Migrates schemas within one run; called from several threads, each with its own connection."""

    def __init__(self, run: UUID, plans: Plans, options: MigrationOptions, using: str) -> None:
        self._run = run
        self._plans = plans
        self._options = options
        self._using = using
        self._scripts = Scripts()

    def bring_all(self, items: Sequence[tuple[Any, SchemaState]]) -> Iterator[SchemaResult]:
        """Bring these namespaces from their states up to date, those that are alike together."""
        alike: dict[str, list[tuple[Any, SchemaState]]] = defaultdict(list)
        for namespace, state in items:
            alike[state.fingerprint].append((namespace, state))
        for members in alike.values():
            yield from self._bring_alike([namespace for namespace, _ in members], members[0][1])

    def _bring_alike(self, namespaces: list[Any], state: SchemaState) -> Iterator[SchemaResult]:
        """Replay together for as long as that goes; whoever drops out is brought on alone."""
        left = [(each, SchemaResult(each.slug, each.schema_name)) for each in namespaces]
        while len(left) > 1 and (batch := self._batch([each for each, _ in left], state)) is not None:
            done = replay_batch(batch, using=self._using)
            for namespace, result in left:
                if namespace.schema_name in done:
                    result.seconds += done[namespace.schema_name]
                    _note(result, batch.migration, Way.REPLAYED, done[namespace.schema_name])
                else:
                    yield self.bring(namespace, state, result)
            left = [(each, result) for each, result in left if each.schema_name in done]
            state = batch.after
        for namespace, result in left:
            yield self.bring(namespace, state, result)

    def _batch(self, namespaces: list[Any], state: SchemaState) -> Batch | None:
        """Return what to send all of them next, if that was recorded by now."""
        stage = self._plans.stage(state)
        if not stage.steps:
            return None
        keys = tuple(keys_of(stage.steps[0]))
        if (script := self._scripts.get(place_of(state, keys))) is None:
            return None
        timeout, after = self._options.lock_timeout, state.with_keys(keys)
        replays = [Replay(each, script, keys, state, after, self._run, timeout) for each in namespaces]
        return Batch(stage.steps[0], after, tuple(replays))

    def bring(self, namespace: Any, state: SchemaState, result: SchemaResult) -> SchemaResult:
        """Bring the namespace's schema from this state up to date; what fails is told in the result."""
        began, doing, failure = time.monotonic(), "", None
        try:
            while not (stage := self._plans.stage(state)).is_current:
                doing = _name(stage.steps[0]) if stage.steps else ""
                state = self._advance(namespace, state, stage, result)
        except Exception as error:  # noqa: BLE001 - a migration may raise anything; the others go on
            failure = error
        result.seconds += time.monotonic() - began
        if failure is not None:
            result.code, result.error = code_of(failure), text_of(failure)
            tell_failure(self._run, namespace, doing, result, self._using)
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
        if stage.steps:
            _note(result, stage.steps[0], way, time.monotonic() - began)
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
        place = place_of(state, keys)
        with self._scripts.turn(place) as known:
            if not known:
                with collector_resting():
                    script = self._through_django(namespace, state, migration, Way.RECORDED)
                self._scripts.put(place, script)
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
        after, timeout = state.with_keys(keys), self._options.lock_timeout
        sent = Replay(namespace, script, keys, state, after, self._run, timeout)
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
            project = self._plans.project(state, migration)
            _, script = apply_migration(migration, project, finish, recorded=way == Way.RECORDED, using=using)
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


def _note(result: SchemaResult, migration: Migration, way: str, seconds: float) -> None:
    if migration.app_label in tenant_labels():
        result.steps.append(Step(_name(migration), way, round(seconds, 4)))


def _name(migration: Migration) -> str:
    return f"{migration.app_label}.{migration.name}"
