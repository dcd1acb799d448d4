"""`manage.py smartmodels doctor`: what is wrong, and what to do about it."""

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from shared_apps.accounts.models import User
from shared_apps.namespaces.models import Namespace
from smartmodels.context import namespace_scope
from smartmodels.management.diagnosis import diagnose, functions_needed
from tests.support.processes import manage


def doctor(*words: str) -> tuple[bool, str]:
    """Whether the doctor finds everything well, and what it prints."""
    out = io.StringIO()
    try:
        call_command("smartmodels", "doctor", *words, stdout=out)
    except CommandError as error:
        return "[unhealthy]" not in str(error), out.getvalue()
    return True, out.getvalue()


def findings() -> dict[str, Any]:
    return {finding.about: finding for finding in diagnose().findings}


def test_doctor__where_all_is_well__says_so(rows: None) -> None:
    """Three times ok, and a line for each thing that was looked at."""
    well, text = doctor()
    assert (well, [line.split()[:2] for line in text.splitlines()]) == (
        True,
        [
            ["Settings", "ok"], ["Checks", "ok"], ["Database", "ok"], ["WHAT", "STATE"],
            ["postgresql", "ok"], ["functions", "ok"], ["sentinel", "ok"], ["namespaces", "ok"],
        ],
    )  # fmt: skip


def test_doctor__asked_for_json__answers_in_it(rows: None) -> None:
    """With the same facts."""
    _, text = doctor("--json")
    said = json.loads(text)
    assert (said["healthy"], said["settings"], said["checks"]) == (True, [], [])
    assert [each["good"] for each in said["database"]] == [True] * 4


def test_doctor__with_a_wrong_setting__proposes_the_right_one(rows: None, settings: Any) -> None:
    """And tells why."""
    settings.SAFE_DELETE_FIELD_NAME = "deleted"
    well, text = doctor()
    assert (well, "should be deleted_at" in text, "smartmodels.E007" in text) == (False, True, True)


def test_doctor__with_a_failed_namespace__names_it(alpha: Any) -> None:
    """And the way to finish or to remove it."""
    Namespace.objects.filter(pk=alpha.pk).update(state="failed")
    well, text = doctor()
    assert (well, "alpha (failed)" in text, "resume" in text) == (False, True, True)


def test_doctor__without_a_sentinel__says_so(rows: None, settings: Any) -> None:
    """Nobody would own what deleted users leave behind."""
    settings.SMARTMODELS_SENTINEL_UID = "00000000-0000-7000-8000-00000000000f"
    assert findings()["sentinel"].found == "no account 00000000-0000-7000-8000-00000000000f"


def test_doctor__with_a_sentinel_that_could_log_in__says_so(rows: None, settings: Any) -> None:
    """An account with a password is a door."""
    settings.SMARTMODELS_SENTINEL_UID = str(User.objects.create_user("door@example.org", "open").pk)
    assert findings()["sentinel"].found == "has a password"


def test_doctor__with_another_sentinel_than_the_database_knows__says_so(rows: None, settings: Any) -> None:
    """The triggers go by the one of the first migration."""
    settings.SMARTMODELS_SENTINEL_UID = str(User.objects.create_user("new@example.org", None).pk)
    assert findings()["sentinel"].found == "the database was made with another key"


def test_doctor__with_a_missing_function__names_it(rows: None) -> None:
    """As after a restore that left it out."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER FUNCTION public.smartmodels_append_only() RENAME TO gone")
    assert findings()["functions"].found == "missing: smartmodels_append_only"


def test_doctor__with_a_trigger_that_is_gone__tells_what_the_checks_say(alpha: Any) -> None:
    """Those that ask the database are run as well."""
    with namespace_scope(alpha), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE research_study DISABLE TRIGGER research_study_capture_update")
    _, text = doctor()
    assert "smartmodels.W102" in text


def test_functions__that_are_looked_for__are_those_of_the_sql() -> None:
    """Capture and its guard among them."""
    assert {"smartmodels_capture", "smartmodels_append_only"} <= set(functions_needed())


def test_doctor__on_a_version_that_nobody_tests__says_so(rows: None, monkeypatch: Any) -> None:
    """15 to 18 are tested."""
    # Known before, since Django asks for the version once and would remember this one.
    assert connection.features.supports_nulls_distinct_unique_constraints
    monkeypatch.setattr(connection, "pg_version", 140005, raising=False)
    assert (findings()["postgresql"].good, findings()["postgresql"].found) == (False, "14")


def test_doctor__of_a_healthy_project__ends_with_0(committing: Any) -> None:
    """In a process of its own, as an operator starts it."""
    done = manage("smartmodels", "doctor")
    assert done.returncode == 0, done.stdout + done.stderr


def test_doctor__that_cannot_reach_the_database__ends_with_1_and_says_so(
    committing: Any, monkeypatch: Any
) -> None:
    """Without a traceback."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nowhere")
    done = manage("smartmodels", "doctor")
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "DATABASE_URL" in done.stdout


def test_in__without_a_command__is_refused(alpha: Any) -> None:
    """There is nothing to run."""
    with pytest.raises(CommandError, match="command-missing"):
        call_command("smartmodels", "in", "alpha")


def test_in__an_unknown_namespace__is_refused(rows: None) -> None:
    """Nothing runs anywhere else instead."""
    with pytest.raises(CommandError, match="namespace-not-found"):
        call_command("smartmodels", "in", "nowhere", "check")
