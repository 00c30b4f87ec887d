"""Words about a child that are typed where nobody else reads them: ``-`` in the place of a text.

A command line is seen by every user of the machine while it runs, ``sudo`` writes it into the
system's log, and the shell keeps it.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["typed"]

_ASK: Final = "-"
_READ: Final = f"{__name__}.read"


def typed(what: str) -> Callable[[click.Context, click.Parameter, str], str]:
    """Return the callback of a parameter whose text is asked for where it is ``-``.

    Args:
        what: what the person is asked for.
    """

    def ask(ctx: click.Context, _param: click.Parameter, text: str) -> str:
        if text != _ASK:
            return text
        if sys.stdin.isatty():
            given: str = click.prompt(what, err=True)
            return given
        if ctx.meta.setdefault(_READ, what) != what:
            raise click.UsageError("one text can come from a pipe, not two")
        return sys.stdin.read()

    return ask
