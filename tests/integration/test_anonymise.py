"""What an anonymised account made stays; who it was is to be found nowhere."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from shared_apps.accounts.models import Token, User
from shared_apps.namespaces.closing import anonymise_account, anonymise_due, continue_handovers, work
from shared_apps.namespaces.models import Namespace
from shared_apps.namespaces.tasks import anonymise as anonymise_job
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import AccountOpen
from smartmodels.history.ledger import ledger_model
from smartmodels.ownership import sentinel_id
from smartmodels.sharing import get_grant_model, share
from tests.support.closing import close, study_of
from tests.zoo.models import Keeper

TEXT_COLUMNS = """
SELECT c.table_schema, c.table_name, c.column_name FROM information_schema.columns c
JOIN information_schema.tables t USING (table_schema, table_name)
WHERE t.table_type = 'BASE TABLE' AND c.table_schema NOT IN ('pg_catalog', 'information_schema')
AND c.data_type IN ('text', 'character varying', 'character', 'json', 'jsonb')
"""


def mentions(words: str) -> list[str]:
    """Where, in all schemas, the words stand in a column of text."""
    with connection.cursor() as cursor:
        cursor.execute(TEXT_COLUMNS)
        places = cursor.fetchall()
        found = []
        for schema, table, column in places:
            cursor.execute(
                f'SELECT count(*) FROM "{schema}"."{table}" '  # noqa: S608 - names from the catalog
                f'WHERE strpos(lower("{column}"::text), %s) > 0',
                [words.lower()],
            )
            if cursor.fetchone()[0]:
                found.append(f"{schema}.{table}.{column}")
    return found


def anonymise(user: Any, **values: Any) -> Any:
    """Anonymise the account as the operator does."""
    with operation(actor=Actor.command("account anonymise")):
        return anonymise_account(user, **values)


def keeper_of(user: Any, namespace: Any, **values: Any) -> Keeper:
    """A row in which somebody says something about themselves, in two versions."""
    values = {"name": "Ben Benson", "email": user.email, **values}
    with namespace_scope(namespace), operation(actor=Actor.user(user)):
        keeper: Keeper = Keeper.objects.create(**{**values, "name": f"{values['name']} jr"})
        keeper.name = values["name"]
        keeper.save()
    return keeper


def test_anonymise_account__address_everywhere__is_nowhere(
    alpha: Any, beta: Any, ana: Any, ben: Any, staff: Any
) -> None:
    """No table of any schema contains it: accounts, rows, versions, labels, reasons, marks, logs."""
    User.objects.filter(pk=ben.pk).update(name="Ben Benson")
    for namespace in (alpha, beta):
        keeper_of(ben, namespace)
        study_of(ben, namespace)
        with namespace_scope(namespace):
            ledger_model("Mark").objects.create(
                name="m", at=timezone.now(), created_by_id=ben.pk, created_by_label=ben.email
            )
    with namespace_scope(alpha), operation(actor=Actor.user(ana), reason=f"asked by {ben.email.upper()}"):
        keeper_of(ana, alpha, email="ana@example.org", name="Ana")
    with (
        namespace_scope(alpha),
        operation(actor=Actor.command("import"), on_behalf_of=Actor.user(ben), reason="x"),
    ):
        Keeper.objects.create(name="by a command")
    LogEntry.objects.create(
        user=staff, content_type=ContentType.objects.get_for_model(User), object_id=str(ben.pk),
        object_repr=ben.email, action_flag=CHANGE,
    )  # fmt: skip
    assert mentions("Ben Benson")
    close(ben)
    anonymise(ben)
    assert (mentions(ben.email), mentions("Ben Benson")) == ([], [])


def test_anonymise_account__what_others_said__stays(alpha: Any, ana: Any, ben: Any) -> None:
    """Declared fields of rows that others made are theirs."""
    keeper = keeper_of(ana, alpha, name="Ana", email="ana@example.org")
    close(ben)
    anonymise(ben)
    with namespace_scope(alpha):
        keeper.refresh_from_db()
        assert (keeper.name, {each.name for each in keeper.history.all()}) == ("Ana", {"Ana", "Ana jr"})


def test_anonymise_account__authorship__is_pseudonymous_and_distinct(alpha: Any, ben: Any, vic: Any) -> None:
    """Rows keep their author, whose name says only that it is one and the same."""
    rows = [study_of(user, alpha, str(user)) for user in (ben, vic)]
    for user in (ben, vic):
        close(user)
        anonymise(user)
    names = set(User.objects.filter(pk__in=[ben.pk, vic.pk]).values_list("name", flat=True))
    with namespace_scope(alpha):
        labels = {row.history.earliest("history_id").actor_label for row in rows}
        for row in rows:
            row.refresh_from_db()
        assert [(row.created_by_id, row.owner_id) for row in rows] == [
            (ben.pk, sentinel_id()),
            (vic.pk, sentinel_id()),
        ]
    assert len(names) == 2
    assert labels == names
    assert all(name.startswith("Deleted user ") for name in names)


def test_anonymise_account__versions__keep_the_evidence(alpha: Any, ben: Any) -> None:
    """The ledger knows which versions were changed, and what for."""
    keeper = keeper_of(ben, alpha)
    close(ben)
    anonymise(ben)
    with namespace_scope(alpha):
        erased = ledger_model("Erasure").objects.filter(history_table=Keeper.history.model._meta.db_table)
        numbers = set(keeper.history.filter(history_user_id=ben.pk).values_list("history_id", flat=True))
        assert set(erased.values_list("number", flat=True)) >= numbers
        assert set(ledger_model("Segment").objects.exclude(kind="write").values_list("kind", flat=True)) == {
            "erase"
        }


def test_anonymise_account__done__leaves_history_append_only(alpha: Any, ben: Any) -> None:
    """Nothing else in the transaction may change versions."""
    keeper_of(ben, alpha)
    close(ben)
    anonymise(ben)
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('smartmodels.erasure', true)")
        assert cursor.fetchone()[0] in (None, "")


def test_anonymise_account__account__can_be_used_by_nobody(alpha: Any, ben: Any) -> None:
    """No password, no rights, an address that cannot be."""
    User.objects.filter(pk=ben.pk).update(is_staff=True, is_superuser=True, last_login=timezone.now())
    close(ben)
    anonymise(ben)
    ben.refresh_from_db()
    assert ben.email.endswith("@invalid")
    assert (ben.has_usable_password(), ben.is_staff, ben.is_superuser, ben.last_login) == (
        False, False, False, None,
    )  # fmt: skip
    assert not Token.objects.filter(user=ben).exists()


def test_anonymise_account__again__changes_nothing(alpha: Any, ben: Any) -> None:
    """There is nothing left to forget."""
    keeper_of(ben, alpha)
    close(ben)
    anonymise(ben)
    ben.refresh_from_db()
    before = (ben.name, ben.email, ben.anonymised_at)
    assert anonymise(ben).rows == {}
    ben.refresh_from_db()
    assert (ben.name, ben.email, ben.anonymised_at) == before


def test_anonymise_account__open__is_refused(ben: Any) -> None:
    """An account is closed first."""
    with pytest.raises(AccountOpen):
        anonymise(ben)


def test_anonymise_account__cut_off__is_finished_by_the_worker(alpha: Any, beta: Any, ben: Any) -> None:
    """The address goes last, so that what is left can still be found."""
    keeper_of(ben, alpha)
    keeper_of(ben, beta)
    close(ben)
    assert anonymise(ben, seconds=0).left == ("alpha", "beta")
    assert User.objects.get(pk=ben.pk).email == ben.email
    with operation():
        anonymise_job()
    assert mentions(ben.email) == []


def test_anonymise_account__hand_over_not_finished__is_finished_first(alpha: Any, ben: Any) -> None:
    """What the account still owned goes to the sentinel as well."""
    study = study_of(ben, alpha)
    close(ben, seconds=0)
    anonymise(ben)
    with namespace_scope(alpha):
        study.refresh_from_db()
        assert study.owner_id == sentinel_id()


def test_anonymise_account__more_than_a_batch__goes_through_all(
    alpha: Any, ben: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every batch is a transaction of its own; the last one leaves nothing."""
    monkeypatch.setattr(work, "BATCH", 2)
    for number in range(5):
        keeper_of(ben, alpha, email=f"{number}.{ben.email}")
    close(ben)
    anonymise(ben)
    assert mentions(ben.email) == []


NEIGHBOURS = ("jaco{}", "{}.uk", "jaco.{}", "x-{}", "x_{}", "o'{}", "x%{}", "x+{}", "{}-x.com", "{}_x", "{}s")
"""Addresses of other people, in which somebody's address is a part."""


def texts_of(before: str, ben: Any, alpha: Any, ana: Any) -> str:
    """What becomes of a reason that somebody else gave."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana), reason=before):
        keeper = Keeper.objects.create(name="x")
    close(ben)
    anonymise(ben)
    with namespace_scope(alpha):
        return str(keeper.history.get().history_change_reason)


def labels_of(labels: Any, ben: Any, alpha: Any) -> list[str]:
    """What becomes of the labels of actors without an account."""
    with namespace_scope(alpha):
        keepers = []
        for label in labels:
            with operation(actor=Actor.job(label)):
                keepers.append(Keeper.objects.create(name="x"))
    close(ben)
    anonymise(ben)
    with namespace_scope(alpha):
        return [keeper.history.get().actor_label for keeper in keepers]


def test_anonymise_account__address_within_others__leaves_their_labels(alpha: Any, ben: Any) -> None:
    """Who has a longer address made their versions still."""
    others = [each.format(ben.email) for each in NEIGHBOURS]
    others += [f"{each} on behalf of {each}" for each in others] + [f"import of {ben.email}"]
    assert labels_of(others, ben, alpha) == others


def test_anonymise_account__both_sides_of_a_label__are_compared_as_wholes(alpha: Any, ben: Any) -> None:
    """Who acts and on whose behalf are two people, whatever the case."""
    low, high = ben.email, ben.email.upper()
    found = labels_of(
        [low, high, f"{low} on behalf of {high}", f"x{low} on behalf of {high}", f"{high} on behalf of x"],
        ben, alpha,
    )  # fmt: skip
    ben.refresh_from_db()
    name = ben.name
    assert found == [name, name, f"{name} on behalf of {name}", f"x{low} on behalf of {name}",
                     f"{name} on behalf of x"]  # fmt: skip


def test_anonymise_account__own_versions__leave_on_whose_behalf(alpha: Any, ben: Any) -> None:
    """The account is the actor by its key, whatever the label; the other side is somebody else."""
    other = f"jaco{ben.email}"
    acting = Actor(kind="api_key", label="key", user_id=ben.pk)
    with namespace_scope(alpha), operation(actor=acting, on_behalf_of=Actor.job(other)):
        keeper = Keeper.objects.create(name="x")
    close(ben)
    anonymise(ben)
    ben.refresh_from_db()
    with namespace_scope(alpha):
        assert keeper.history.earliest("history_id").actor_label == f"{ben.name} on behalf of {other}"


@pytest.mark.parametrize("form", NEIGHBOURS)
def test_anonymise_account__address_within_another_in_a_reason__stays(
    alpha: Any, ana: Any, ben: Any, form: str
) -> None:
    """What others wrote about others is theirs."""
    text = f"asked by {form.format(ben.email)}, twice"
    assert texts_of(text, ben, alpha, ana) == text


@pytest.mark.parametrize(
    "form",
    ["{}", "{}.", "{}. Then", "<{}>", "'{}'", "({}),{}", "to:{};", '"{}"', "{}'s", "{}/{}", "={}?"],
)
def test_anonymise_account__whole_address_in_a_reason__is_forgotten(
    alpha: Any, ana: Any, ben: Any, form: str
) -> None:
    """Punctuation around it does not hide it, nor does its case."""
    found = texts_of(form.format(ben.email, ben.email.upper()), ben, alpha, ana)
    ben.refresh_from_db()
    assert found == form.format(ben.name, ben.name)


def test_anonymise_account__address_with_signs__is_found(alpha: Any, ana: Any, ben: Any) -> None:
    """What means something in a pattern means itself."""
    User.objects.filter(pk=ben.pk).update(email="b.e+n-1#$|{2}@example.org")
    ben.refresh_from_db()
    found = texts_of(f"by {ben.email}, not bxe+n-1#$|{{2}}@example.org", ben, alpha, ana)
    ben.refresh_from_db()
    assert found == f"by {ben.name}, not bxe+n-1#$|{{2}}@example.org"


def test_anonymise_account__grants_of_others__keep_their_labels(alpha: Any, beta: Any, ben: Any) -> None:
    """Who shared and who accepted is told as before, unless it was the account."""
    others = [each.format(ben.email) for each in NEIGHBOURS]
    with namespace_scope(alpha), operation(actor=Actor.command("share")):
        grants = [share(Keeper.objects.create(name="x"), beta) for _ in [*others, ben]]
    for grant, label in zip(grants, [*others, ben.email.upper()], strict=True):
        get_grant_model().objects.filter(pk=grant.pk).update(created_by_label=label, decided_by_label=label)
    close(ben)
    anonymise(ben)
    ben.refresh_from_db()
    for grant, label in zip(grants, [*others, ben.name], strict=True):
        grant.refresh_from_db()
        assert (grant.created_by_label, grant.decided_by_label) == (label, label)


def test_anonymise_account__log_of_the_public_host__forgets_this_account_alone(ben: Any, staff: Any) -> None:
    """Whole addresses, and the name by which the log calls the account."""
    User.objects.filter(pk=ben.pk).update(name="Ben Benson")
    kind = ContentType.objects.get_for_model(User)
    words = {
        f"jaco{ben.email}": "1",
        f"{ben.email} {'x' * (199 - len(ben.email))}": "2",
        "Ben Benson": ben.pk,
    }
    for text, key in words.items():
        LogEntry.objects.create(
            user=staff, content_type=kind, object_id=str(key), object_repr=text, action_flag=CHANGE,
            change_message=f"jaco{ben.email} {ben.email}",
        )  # fmt: skip
    close(ben)
    anonymise(ben)
    ben.refresh_from_db()
    other, mine = "jacoben@example.org", ben.name
    assert list(LogEntry.objects.order_by("pk").values_list("object_repr", flat=True)) == [
        other, f"{mine} {'x' * (199 - len(mine))}", mine,
    ]  # fmt: skip
    assert set(LogEntry.objects.values_list("change_message", flat=True)) == {f"{other} {mine}"}


def mark_of(name: str, **values: Any) -> Any:
    """A mark in the bound namespace."""
    return ledger_model("Mark").objects.create(name=name, at=timezone.now(), **values)


def test_anonymise_account__marks__forget_the_address_and_nobody_else(alpha: Any, ana: Any, ben: Any) -> None:
    """Name, note and label; whoever made the mark."""
    other = f"jaco{ben.email}"
    with namespace_scope(alpha):
        marks = [
            mark_of(f"import of {who}", note=f"for {who}.", created_by_id=ana.pk, created_by_label=who)
            for who in (ben.email.upper(), other)
        ]
    close(ben)
    anonymise(ben)
    ben.refresh_from_db()
    with namespace_scope(alpha):
        for mark, who in zip(marks, (ben.name, other), strict=True):
            mark.refresh_from_db()
            assert (mark.name, mark.note, mark.created_by_label) == (f"import of {who}", f"for {who}.", who)


def test_anonymise_account__names_of_marks_become_equal__get_numbers(alpha: Any, ben: Any) -> None:
    """Names of marks are unique, and not longer than there is room for."""
    long = "x" * (200 - len(ben.email) - 1)
    with namespace_scope(alpha):
        short = [mark_of(name) for name in (ben.email, ben.email.upper(), ben.email.title())]
        cut = [mark_of(f"{name} {long}") for name in (ben.email, ben.email.upper())]
    close(ben)
    anonymise(ben)
    ben.refresh_from_db()
    with namespace_scope(alpha):
        for mark in short + cut:
            mark.refresh_from_db()
    full = f"{ben.name} {long}"
    assert [mark.name for mark in short] == [ben.name, f"{ben.name} 2", f"{ben.name} 3"]
    assert [mark.name for mark in cut] == [full[:200], f"{full[:198]} 2"]


@pytest.mark.parametrize("state", ["living", "deleted", "gone"])
def test_anonymise_account__shared_row__is_registered_under_what_it_is_called_now(
    alpha: Any, beta: Any, ben: Any, state: str
) -> None:
    """The registry does not remember the name that the row has lost, be it still there or not."""
    keeper = keeper_of(ben, alpha, name="Ben Benson")
    with namespace_scope(alpha), operation(actor=Actor.command("share")):
        registered = share(keeper, beta).resource
        if state != "living":
            keeper.delete()
        if state == "gone":
            Keeper.all_objects.filter(pk=keeper.pk).purge()
    assert mentions("Ben Benson")
    close(ben)
    anonymise(ben)
    registered.refresh_from_db()
    assert registered.label == ("keeper" if state == "gone" else "")
    assert mentions("Ben Benson") == []


def test_anonymise_account__shared_rows_of_others__keep_their_labels(
    alpha: Any, beta: Any, ana: Any, ben: Any
) -> None:
    """What they were called when they were shared is not for this account to change."""
    keeper = keeper_of(ana, alpha, name="Ana", email="ana@example.org")
    with namespace_scope(alpha), operation(actor=Actor.command("share")):
        registered = share(keeper, beta).resource
        Keeper.objects.filter(pk=keeper.pk).update(name="Ann")
    close(ben)
    anonymise(ben)
    registered.refresh_from_db()
    assert registered.label == "Ana"


@pytest.mark.parametrize("state", ["suspended", "archived"])
def test_anonymise_account__namespace_not_served__is_done_as_well(alpha: Any, ben: Any, state: str) -> None:
    """Nobody is remembered where nobody looks at the moment."""
    keeper_of(ben, alpha)
    Namespace.objects.filter(pk=alpha.pk).update(state=state)
    close(ben)
    anonymise(ben)
    assert mentions(ben.email) == []


def test_anonymise_due__grace_period_over__is_done(ben: Any, vic: Any, settings: Any) -> None:
    """Those that were closed long enough ago, and no others."""
    settings.SMARTMODELS_GRACE_DAYS = 7
    close(ben)
    close(vic)
    User.objects.filter(pk=ben.pk).update(closed_at=timezone.now() - timedelta(days=8))
    with operation():
        assert len(anonymise_due()) == 1
        assert continue_handovers() == {}
    assert [User.objects.get(pk=user.pk).anonymised_at is None for user in (ben, vic)] == [False, True]


def test_anonymise__job_after_the_grace_period__anonymises(ben: Any) -> None:
    """Nobody has to think of it."""
    close(ben)
    User.objects.filter(pk=ben.pk).update(closed_at=timezone.now() - timedelta(days=31))
    with operation():
        assert anonymise_job() == 1
    assert User.objects.get(pk=ben.pk).anonymised_at is not None


def test_account_command__anonymise_without_yes__asks(ben: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no way back, so the address is typed once more."""
    close(ben)
    monkeypatch.setattr("builtins.input", lambda: "no")
    with pytest.raises(CommandError, match="not-confirmed"):
        call_command("account", "anonymise", ben.email)
    assert User.objects.get(pk=ben.pk).name != "Deleted"
