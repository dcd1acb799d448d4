"""Without the extra ``oauth`` the rest works: there are no applications and no other origins."""

import os
import subprocess
import sys

from tests.support.databases import ROOT

PROGRAM = """
import importlib.util, sys
found = importlib.util.find_spec
absent = ("oauth2_provider", "oauthlib", "corsheaders")
importlib.util.find_spec = lambda name, *more: None if name in absent else found(name, *more)
sys.modules.update(dict.fromkeys(absent))
import django
django.setup()
from django.core.management import call_command
from django.urls import resolve, Resolver404
from django.core.handlers.wsgi import WSGIHandler
WSGIHandler()
print(resolve("/api/v1/keys/", "config.urls_namespace").url_name)
for path in ("/api/v1/applications/", "/oauth/token/"):
    try:
        print(resolve(path, "config.urls_namespace").url_name)
    except Resolver404:
        print("none")
"""


def test_extra__that_is_not_installed__is_not_needed() -> None:
    """The handler is built and keys are served; what the extra brings is not there."""
    environ = {
        **os.environ,
        "PYTHONPATH": f"{ROOT / 'platform'}{os.pathsep}{ROOT}",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": "postgresql:///nowhere",
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["keys-list", "None", "none"], done.stderr
