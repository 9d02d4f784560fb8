"""How commands explain themselves: help in groups with examples and exit statuses, and a guess at a mistyped name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

__all__ = ["BAD_INPUT", "FINISHED", "OWN_ERROR", "Command", "GivenPath", "Group", "Option", "option"]

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

OWN_ERROR = 70
FINISHED = {0: "finished", OWN_ERROR: "an error of verify's own: one line on standard error", 130: "interrupted"}
BAD_INPUT = {2: "bad input: one line on standard error, and nothing is written"}
_OTHER = "Other options"
_VERBOSE = "verify.verbose"
_MEANT = {
    "compare": "lineage",
    "diff": "lineage",
    "test": "lineage",
    "scan": "screen",
    "check": "replay",
    "recompute": "replay",
    "convert": "render",
    "export": "render",
    "info": "inspect",
    "describe": "inspect",
    "dry-run": "inspect",
    "sketch": "fingerprint",
    "verify": "check-signature",
    "verify-signature": "check-signature",
    "rank": "calibrate",
    "example": "demo",
    "list": "show",
    "make": "build",
    "clean": "clear",
}
"""Commands by what other tools call them."""


class GivenPath(click.Path):
    """A path; an empty text, which would mean the folder where one is, is none.

    Parameters
    ----------
    named : whether it is of a file, so that its last part must be a name.
    """

    def __init__(self, *, named: bool = False) -> None:
        super().__init__(path_type=Path)
        self.named = named

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path.

        Parameters
        ----------
        value : what was given.
        param : the option or argument.
        ctx : of the command.
        """
        if not str(value):
            self.fail("an empty text is no path; give one.", param, ctx)
        if self.named and Path(value).name in ("", ".."):
            self.fail(f"{str(value)!r:.120} is a folder; give the path of a file.", param, ctx)
        return super().convert(value, param, ctx)


class Option(click.Option):
    """An option that says under which heading of the help it stands."""

    def __init__(
        self, *names: Any, group: str = _OTHER, beside: str = "", listed: bool = True, **settings: Any
    ) -> None:
        """``beside``: another option on the same line of the help, which is not ``listed`` itself."""
        super().__init__(*names, **settings)
        self.group, self.beside, self.listed = group, beside, listed

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Names and help; None for an option that stands beside another."""
        record = super().get_help_record(ctx) if self.listed else None
        if record is None or not self.beside:
            return record
        name, _, value = record[0].partition(" ")
        return f"{name}, {self.beside} {value}", record[1]


def option(*names: str, group: str = _OTHER, **settings: Any) -> Callable[[Decorated], Decorated]:
    """An option of a command.

    Parameters
    ----------
    names : as for ``click.option``.
    group : the heading of the help that it stands under.
    settings : as for :class:`Option`.
    """
    return click.option(*names, cls=Option, group=group, **settings)


class Explained(click.Command):
    """What commands and groups have in common."""

    def __init__(
        self,
        *arguments: Any,
        section: str = "Commands",
        examples: Sequence[str] = (),
        statuses: Mapping[int, str] | None = None,
        see: str = "docs/command-line.md",
        **settings: Any,
    ) -> None:
        """``section``: the heading under which the command is listed; ``see``: where to learn more."""
        super().__init__(*arguments, **settings)
        self.section, self.examples, self.see = section, examples, see
        self.statuses = dict(sorted(({**FINISHED, **BAD_INPUT} | dict(statuses or {})).items()))
        text = "Log steps to standard error; twice (-vv) for every range read, layer and test."
        verbose = ["-v", "--verbose"]
        self.params.append(Option(verbose, count=True, expose_value=False, callback=_log, help=text))

    def get_short_help_str(self, limit: int = 45) -> str:  # noqa: ARG002  # click would cut it
        """The first sentence of the help, whole."""
        return super().get_short_help_str(10_000).removesuffix(".")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options by heading, in the order of the headings' first options; others come last."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = None if isinstance(param, click.Argument) else param.get_help_record(ctx)
            if record is not None:
                groups.setdefault(getattr(param, "group", _OTHER), []).append(record)
        for name in sorted(groups, key=_OTHER.__eq__):
            with formatter.section(name):
                formatter.write_dl(groups[name], col_max=34)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Examples, exit statuses, and where to learn more."""
        if self.examples:
            with formatter.section("Examples"):
                formatter.write("".join(f"{'':>{formatter.current_indent}}{line}\n" for line in self.examples))
        with formatter.section("Exit status"):
            formatter.write_dl([(str(status), text) for status, text in self.statuses.items()])
        formatter.write(f"\nLearn more: {self.see}\n")


class Command(Explained):
    """A command."""


class Group(Explained, click.Group):
    """Commands under headings; given by itself, it prints its help."""

    command_class = Command

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, invoke_without_command=True, **settings)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands by heading, and then the options."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, command in self.commands.items():
            section = command.section if isinstance(command, Explained) else "Commands"
            sections.setdefault(section, []).append((name, command.get_short_help_str()))
        for section, rows in sections.items():
            with formatter.section(section):
                formatter.write_dl(rows)
        super().format_options(ctx, formatter)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command; a name that is none is refused with the most likely one."""
        name = args[0]
        if name not in self.commands and name[:1] != "-" and not ctx.resilient_parsing:
            from difflib import get_close_matches

            close = [_MEANT.get(name, ""), *get_close_matches(name, self.commands, 1)]
            likely = next(
                (f"; did you mean `{ctx.command_path} {one}`?" for one in close if one in self.commands), "."
            )
            raise click.UsageError(f"{ctx.command_path} has no command {name!r:.60}{likely}", ctx)
        return super().resolve_command(ctx, args)


def _log(context: click.Context, _: click.Parameter, value: int) -> None:
    """Show the library's log: its steps, or with 2 everything; those before and after a command add up."""
    if not value:
        return
    import logging

    context.meta[_VERBOSE] = context.meta.get(_VERBOSE, 0) + value
    logger = logging.getLogger("verify")
    if context.meta[_VERBOSE] == value:  # not yet shown
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
        logger.addHandler(handler)
        context.find_root().call_on_close(lambda: logger.removeHandler(handler))
    logger.setLevel(logging.INFO if context.meta[_VERBOSE] == 1 else logging.DEBUG)
