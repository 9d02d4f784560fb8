"""``verify completion``: the script by which a shell completes commands, options, formats, verdicts and files."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from .command import Command
from .output import echo

_SHELLS = ("bash", "zsh", "fish")


@click.command(
    cls=Command,
    section="House-keeping",
    examples=(
        'eval "$(verify completion bash)"                                    in ~/.bashrc',
        'eval "$(verify completion zsh)"                                     in ~/.zshrc',
        "verify completion fish > ~/.config/fish/completions/verify.fish     once",
    ),
)
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that completes commands, options and files in a SHELL."""
    made = get_completion_class(shell)
    assert made is not None  # click has all three
    echo(made(context.find_root().command, {}, "verify", "_VERIFY_COMPLETE").source())
