"""Commands of django-tenants that are refused, because they go around the platform's services."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command, get_commands, load_command_class

from smartmodels.management.replaced import ReplacedCommand

REPLACED = {
    name: command
    for name, app in get_commands().items()
    if app == "smartmodels" and isinstance(command := load_command_class(app, name), ReplacedCommand)
}


def test_replaced__what_makes_or_removes_schemas__is_all_there() -> None:
    """Each has the name of the command that it stands before."""
    assert sorted(REPLACED) == [
        "clone_tenant", "create_domain", "create_missing_schemas", "create_tenant", "delete_domain",
        "delete_tenant", "rename_schema",
    ]  # fmt: skip


@pytest.mark.parametrize("name", sorted(REPLACED))
def test_replaced__called__names_what_to_use(name: str) -> None:
    """Nothing is done, and the message leads on."""
    with pytest.raises(CommandError, match=f"nothing was done. Use `manage.py {REPLACED[name].instead}`"):
        call_command(name)


@pytest.mark.parametrize("name", sorted(REPLACED))
def test_replaced__what_it_names__is_there(name: str, capsys: Any) -> None:
    """The command that is named can be asked for its help."""
    with pytest.raises(SystemExit) as ended:
        call_command(*REPLACED[name].instead.split(), "--help")
    assert ended.value.code == 0


def test_replaced__options_of_django_tenants__are_not_looked_at(capsys: Any) -> None:
    """Who types their options learns the same, and not that there are no such options."""
    with pytest.raises(SystemExit) as ended:
        load_command_class("smartmodels", "delete_tenant").run_from_argv(
            ["manage.py", "delete_tenant", "--schema", "t_x", "--noinput"]
        )
    assert (ended.value.code, "namespace delete" in capsys.readouterr().err) == (1, True)
