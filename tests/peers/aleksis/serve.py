"""Serve AlekSIS on a port of the loopback, with sessions of its users.

Usage: serve.py PORT SESSIONS, with AlekSIS's settings in the environment. The login page needs
front-end files that are built with Node.js, so sessions are made here as a login would make them;
their keys are written to the file SESSIONS, a user's list each.
"""

import json
import os
import sys
from importlib import import_module
from pathlib import Path

import django
from django.core.management import call_command

EACH = 3
"""Sessions of each user: a test may end one and others go on."""


def main():
    """Make the sessions, then serve until terminated."""
    port, target = sys.argv[1:]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aleksis.core.settings")
    django.setup()

    from django.contrib.auth.models import User

    sessions = {user.username: [session(user) for _ in range(EACH)] for user in User.objects.all()}
    partial = Path(f"{target}.partial")
    partial.touch(mode=0o600)
    partial.write_text(json.dumps(sessions), "utf-8")
    partial.rename(target)
    call_command("runserver", f"127.0.0.1:{port}", use_reloader=False, skip_checks=True)


def session(user):
    """Make a session and give its key, the value of the cookie ``sessionid``."""
    from aleksis.core.models import SchoolTerm
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

    made = import_module(settings.SESSION_ENGINE).SessionStore()
    made[SESSION_KEY] = str(user.pk)
    made[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    made[HASH_SESSION_KEY] = user.get_session_auth_hash()
    # A person picks the school year on the page; without it, it is the one that holds today.
    made["active_school_term"] = SchoolTerm.objects.get().pk
    made.save()
    return made.session_key


if __name__ == "__main__":
    main()
