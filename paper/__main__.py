"""``python -m paper``: generate the paper's tables and numbers, then typeset it."""

from __future__ import annotations

from pathlib import Path

import click

from .build import HERE, PaperError, typeset
from .generate import generated, stale


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; fail if the generated files are not in step.")
@click.option("--no-pdf", is_flag=True, help="Generate tables and numbers, and stop there.")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=HERE / "build",
    help="Folder of the PDF.",
)
def main(check: bool, no_pdf: bool, output: Path) -> None:
    """Generate tables and numbers from the benchmarks, and typeset the paper."""
    try:
        files = generated()
        if check:
            if names := stale(files):
                raise PaperError(f"Not in step with the benchmarks: {', '.join(names)}; run `python -m paper`.")
            click.echo(f"{len(files)} generated files are in step.")
            return
        for name in stale(files, extra=True):
            (HERE / name).unlink(missing_ok=True)
        for name, text in files.items():
            (HERE / name).parent.mkdir(exist_ok=True)
            (HERE / name).write_text(text, "utf-8")
        if not no_pdf:
            click.echo(typeset(output))
    except PaperError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main(prog_name="python -m paper")
