"""Running a report: over which namespaces, with which numbers, and never torn."""

import random
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import fmean, median, stdev
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from django.test import override_settings
from psycopg import sql

from shared_apps.accounts.models import User
from shared_apps.namespaces.models import Namespace
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import ReportUnavailable
from smartmodels.reports import Dimension, Measure, Report, find_report, run_report
from smartmodels.reports.errors import ReportIncomplete, ReportInvalid
from smartmodels.tenancy.models import State
from tenant_apps.research.models import Observation, Specimen, Study
from tests.support.many import cheap_namespace, four_namespaces

BODY_MASS = "research.body_mass"


@pytest.fixture
def report() -> Report:
    return find_report(BODY_MASS)


@pytest.fixture
def four(rows: None) -> list[Namespace]:
    """alpha, beta, gamma and delta, with random rows."""
    return four_namespaces()


def observations(namespaces: list[Namespace]) -> list[tuple[str, Any]]:
    """Every living observation with its namespace, read by a loop."""
    found = []
    for namespace in namespaces:
        with namespace_scope(namespace):
            rows = Observation.objects.select_related("specimen__study")
            found += [(namespace.slug, row) for row in rows]
    return found


def execute(statement: str, *names: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


# Numbers


def test_report__by_species_and_namespace__has_the_numbers_of_a_loop(
    report: Report, four: list[Namespace]
) -> None:
    """Every statistic of every group equals the one computed by hand."""
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for slug, row in observations(four):
        groups[row.specimen.species, slug] += [] if row.body_mass_g is None else [row.body_mass_g]
    result = run_report(report, group_by=["species", "namespace"])
    assert [(row["species"], row["namespace"]) for row in result.rows()] == sorted(groups)
    for row in result.rows():
        masses = groups[row["species"], row["namespace"]]
        assert row["n"] == len(masses)
        assert row["mean"] == pytest.approx(fmean(masses) if masses else None)
        assert row["sd"] == pytest.approx(stdev(masses) if len(masses) > 1 else None)
        assert (row["min"], row["max"]) == (min(masses, default=None), max(masses, default=None))
        assert row["median"] == (median(masses) if masses else None)


def test_report__without_dimensions__is_one_total(report: Report, four: list[Namespace]) -> None:
    """Nothing to group by leaves one row."""
    masses = [row.body_mass_g for _, row in observations(four) if row.body_mass_g is not None]
    (total,) = run_report(report, group_by=[]).rows()
    assert (total["n"], total["mean"]) == (len(masses), pytest.approx(fmean(masses)))


@pytest.mark.parametrize("dimension", ["species", "sex", "island", "study", "namespace"])
def test_report__by_any_dimension__loses_no_row(
    report: Report, four: list[Namespace], dimension: str
) -> None:
    """The counts of the groups add up, whatever they are grouped by."""
    total = sum(row.body_mass_g is not None for _, row in observations(four))
    assert sum(row["n"] for row in run_report(report, group_by=[dimension]).rows()) == total


def test_report__says_what_it_read(report: Report, four: list[Namespace]) -> None:
    """Namespaces, rows and the moment are part of the result."""
    result = run_report(report)
    assert result.namespaces == ("alpha", "beta", "delta", "gamma")
    assert result.rows_read == len(observations(four))
    assert result.taken_at.tzinfo is not None


def test_report__several_measures_and_expressions__are_computed_together(four: list[Namespace]) -> None:
    """Each measure has its own columns; decimals and deleted rows are handled as ever."""
    made = Report(
        "tests.sizes", "Sizes", Observation.objects.all,
        (Measure("flipper_length_mm", "Flipper"), Measure("culmen", "Culmen", path="culmen_length_mm")),
        (Dimension("island", "Island", "specimen__study__island"),), (),
    )  # fmt: skip
    rows = [row for _, row in observations(four)]
    (total,) = run_report(made, group_by=[]).rows()
    culmens = [float(row.culmen_length_mm) for row in rows if row.culmen_length_mm is not None]
    assert total["culmen_mean"] == pytest.approx(fmean(culmens))
    assert total["flipper_length_mm_n"] == sum(row.flipper_length_mm is not None for row in rows)


def test_report__while_a_namespace_is_bound__reads_all_the_same(
    report: Report, four: list[Namespace]
) -> None:
    """What happens to be bound changes nothing."""
    with namespace_scope(four[0]):
        inside = run_report(report, group_by=["namespace"])
    assert inside.rows() == run_report(report, group_by=["namespace"]).rows()


def test_report__no_rows_at_all__is_an_empty_table(report: Report, alpha: Namespace) -> None:
    """Two empty namespaces have no groups, but columns."""
    result = run_report(report)
    assert result.rows() == []
    assert result.columns == ("species", "n", "mean", "sd", "min", "median", "max")


def test_report__no_namespaces_at_all__is_an_empty_table(report: Report, rows: None) -> None:
    """A platform without tenants has nothing to report, which is no error."""
    Namespace.objects.update(state=State.SUSPENDED)
    assert run_report(report, group_by=["namespace"]).rows() == []


# Which namespaces


def test_report__named_namespaces__reads_only_those(report: Report, four: list[Namespace]) -> None:
    """Names count without regard to case and order."""
    result = run_report(report, group_by=["namespace"], namespaces=["Gamma", "alpha", "gamma"])
    assert result.namespaces == ("alpha", "gamma")
    assert [row["namespace"] for row in result.rows()] == ["alpha", "gamma"]


@pytest.mark.parametrize("state", [state for state in State if state != State.ACTIVE])
def test_report__namespace_that_is_not_active__is_left_out(
    report: Report, four: list[Namespace], state: str
) -> None:
    """Suspended, archived and half-made namespaces are in no total."""
    Namespace.objects.filter(slug="gamma").update(state=state)
    assert run_report(report).namespaces == ("alpha", "beta", "delta")


def test_report__inactive_namespace_by_name__is_refused(report: Report, four: list[Namespace]) -> None:
    """Whoever asks for a suspended one learns that it is."""
    Namespace.objects.filter(slug="gamma").update(state=State.SUSPENDED)
    with pytest.raises(ReportInvalid, match="gamma is suspended"):
        run_report(report, namespaces=["alpha", "gamma"])


def test_report__unknown_namespace__is_refused(report: Report, rows: None) -> None:
    """A name nobody has is no silent nothing."""
    with pytest.raises(ReportInvalid, match="'nowhere'"):
        run_report(report, namespaces=["alpha", "nowhere", "public"])


def test_report__unknown_dimension__is_refused(report: Report, rows: None) -> None:
    """The error lists the dimensions there are."""
    with pytest.raises(ReportInvalid, match="choose from species, sex, island, study, namespace"):
        run_report(report, group_by=["colour"])


# Broken namespaces


BREAKAGES: dict[str, tuple[str, str]] = {
    "schema missing": ("DROP SCHEMA {} CASCADE", "missing"),
    "migration missing": ("DELETE FROM {}.django_migrations WHERE app = 'research'", "lacks 1 migration"),
    "table missing": ("DROP TABLE {}.research_observation CASCADE", "does not exist"),
    "column missing": ("ALTER TABLE {}.research_observation DROP COLUMN body_mass_g", "does not exist"),
}


@pytest.mark.parametrize(("breakage", "reason"), BREAKAGES.values(), ids=BREAKAGES)
def test_report__broken_namespace__is_named_and_nothing_counted(
    report: Report, four: list[Namespace], breakage: str, reason: str
) -> None:
    """There are no totals that silently lack somebody."""
    execute(breakage, four[2].schema_name)
    with pytest.raises(ReportIncomplete, match=rf"1 of 4 .*gamma \(.*{reason}"):
        run_report(report)


@pytest.mark.parametrize(("breakage", "reason"), BREAKAGES.values(), ids=BREAKAGES)
def test_report__broken_namespace_skipped__reads_the_others(
    report: Report, four: list[Namespace], breakage: str, reason: str
) -> None:
    """Skipping is asked for, and said; the others count as ever."""
    wanted = run_report(report, group_by=["namespace"], namespaces=["alpha", "beta", "delta"]).rows()
    execute(breakage, four[2].schema_name)
    result = run_report(report, group_by=["namespace"], skip_broken=True)
    assert list(result.skipped) == ["gamma"]
    assert reason in result.skipped["gamma"]
    assert (result.namespaces, result.rows()) == (("alpha", "beta", "delta"), wanted)


def test_report__squashed_migrations__count_as_applied(report: Report, four: list[Namespace]) -> None:
    """Rows of migrations that exist no more make nobody behind."""
    execute(
        "INSERT INTO {}.django_migrations (id, app, name, applied) VALUES (1000, 'research', '0000', now())",
        four[2].schema_name,
    )
    assert run_report(report).skipped == {}


# One snapshot


@contextmanager
def moving(url: str, schemas: list[str]) -> Iterator[Callable[[], int]]:
    """Move mass from one namespace to another, transaction by transaction; yields how often it was done."""
    stop, done = threading.Event(), [0]

    def move() -> None:
        chance = random.Random(7)  # noqa: S311
        with psycopg.connect(url, autocommit=True) as other:
            while not stop.is_set():
                giver, taker = chance.sample(schemas, 2)
                with other.transaction():
                    for schema, grams in ((giver, -1), (taker, 1)):
                        statement = sql.SQL(
                            "UPDATE {}.research_observation SET body_mass_g = body_mass_g + %s"
                        )
                        other.execute(statement.format(sql.Identifier(schema)), [grams])
                done[0] += 1

    thread = threading.Thread(target=move)
    thread.start()
    try:
        yield lambda: done[0]
    finally:
        stop.set()
        thread.join()


@pytest.fixture
def one_each(committing: Any, ana: User) -> list[Namespace]:
    """Three namespaces with one observation of 100,000 g each, committed."""
    found = list(Namespace.objects.order_by("slug"))
    found.append(cheap_namespace("gamma", like=found[0]))
    for namespace in found:
        with namespace_scope(namespace), operation(actor=Actor.user(ana)):
            study = Study.objects.create(code="P1")
            specimen = Specimen.objects.create(study=study, number=1, individual="a", species="b")
            Observation.objects.create(specimen=specimen, body_mass_g=100_000)
    return found


def test_report__while_others_write__is_never_torn(
    report: Report, one_each: list[Namespace], committing: Any
) -> None:
    """However the namespaces are chunked, a report shows one moment: the total never changes."""
    schemas = [namespace.schema_name for namespace in one_each]
    with override_settings(SMARTMODELS_SCHEMAS_PER_STATEMENT=1), moving(committing.url, schemas) as moved:
        while moved() < 20:
            pass
        means = {run_report(report, group_by=[]).rows()[0]["mean"] for _ in range(60)}
        assert moved() > 60
    assert means == {100_000}


def test_report__in_chunks__gives_what_one_statement_gives(report: Report, one_each: list[Namespace]) -> None:
    """Chunks are an affair of locks, not of results."""
    whole = run_report(report, group_by=["namespace"]).rows()
    with override_settings(SMARTMODELS_SCHEMAS_PER_STATEMENT=2):
        assert run_report(report, group_by=["namespace"]).rows() == whole


def test_report__in_chunks__reports_progress(report: Report, one_each: list[Namespace]) -> None:
    """Progress is told after each chunk."""
    told: list[tuple[int, int]] = []
    with override_settings(SMARTMODELS_SCHEMAS_PER_STATEMENT=2):
        run_report(report, progress=lambda done, total: told.append((done, total)))
    assert told == [(2, 3), (3, 3)]


def test_report__in_chunks__gives_locks_back_in_between(report: Report, one_each: list[Namespace]) -> None:
    """The locks held at any moment are those of one chunk, not of all namespaces."""
    held: list[int] = []

    def count(_: int, __: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(DISTINCT n.nspname) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation"
                " JOIN pg_namespace n ON n.oid = c.relnamespace"
                " WHERE l.pid = pg_backend_pid() AND starts_with(n.nspname, 't_')"
            )
            held.append(cursor.fetchone()[0])

    with override_settings(SMARTMODELS_SCHEMAS_PER_STATEMENT=1):
        run_report(report, progress=count)
    assert held == [0, 0, 0]


def test_report__table_that_stays_locked__is_named(
    report: Report, one_each: list[Namespace], committing: Any
) -> None:
    """Waiting has an end, and the error says for whom."""
    lock = sql.SQL("LOCK TABLE {}.research_observation").format(sql.Identifier(one_each[1].schema_name))
    with psycopg.connect(committing.url) as other, override_settings(SMARTMODELS_REPORT_TIMEOUT=0.3):
        other.execute(lock)
        result = run_report(report, group_by=["namespace"], skip_broken=True)
    assert result.namespaces == ("alpha", "gamma")
    assert "timeout" in result.skipped["beta"]


def test_report__needs_few_statements(report: Report, one_each: list[Namespace]) -> None:
    """A chunk is one statement to check, one to read, whatever the number of namespaces in it."""
    statements: list[str] = []

    def note(execute: Any, statement: Any, *args: Any) -> Any:
        statements.append(str(statement))
        return execute(statement, *args)

    with connection.execute_wrapper(note):
        run_report(report)
    # Snapshot, moment, namespaces; settings, catalogue, migrations; settings, types. COPY is not seen here.
    assert len([text for text in statements if "SAVEPOINT" not in text]) <= 8


def test_report__inside_a_transaction__is_one_statement_or_refused(
    report: Report, one_each: list[Namespace]
) -> None:
    """A READ COMMITTED transaction has no snapshot for several statements."""
    several = override_settings(SMARTMODELS_SCHEMAS_PER_STATEMENT=2)
    with transaction.atomic():
        assert run_report(report, group_by=[]).rows()[0]["n"] == 3
        with several, pytest.raises(ReportUnavailable, match="read committed"):
            run_report(report)


def test_report__inside_a_repeatable_read_transaction__is_possible(
    report: Report, one_each: list[Namespace]
) -> None:
    """A transaction that has one snapshot is as good as our own."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        with override_settings(SMARTMODELS_SCHEMAS_PER_STATEMENT=2):
            assert run_report(report, group_by=[]).rows()[0]["n"] == 3


def test_report__leaves_the_connection_as_it_was(
    report: Report, one_each: list[Namespace], ana: User
) -> None:
    """After a report the connection writes again, with its own settings."""
    run_report(report)
    with namespace_scope(one_each[0]), operation(actor=Actor.user(ana)):
        Study.objects.create(code="after")
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('jit'), current_setting('transaction_read_only')")
        assert cursor.fetchone() == ("on", "off")
