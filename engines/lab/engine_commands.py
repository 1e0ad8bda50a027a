"""The commands of `osteoscreen-lab` about engines; the work is in modules of their own."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress as Bar

from engines.candidates import Precision, read_batches
from engines.errors import EngineMismatch

app = typer.Typer()

_RANDOM = (
    "The weights are random: for building and timing, never for screening. Whose weights may "
    "serve is said by a manifest, and this one says: nobody."
)


@app.command()
def build(
    model: Annotated[str, typer.Argument(help="E.g. `cxr_osporscreen`.")],
    precision: Annotated[Precision, typer.Option(help="Of weights and sums.")] = Precision.FP16,
    profile: Annotated[
        str, typer.Option(help="Smallest, usual and largest batch: `min,opt,max`.")
    ] = "1,8,32",
    out: Annotated[
        Path, typer.Option(file_okay=False, help="Where plans are kept: `engines` in a home.")
    ] = Path("engines"),
    weights: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Weights of yours; else the reference's."),
    ] = None,
    config: Annotated[
        str,
        typer.Option(help="A configuration that nobody has trained, e.g. `paper`: random weights."),
    ] = "",
    target: Annotated[
        list[str] | None,
        typer.Option(help="GPU generation, e.g. 8.6 (TensorRT for RTX); may be given again."),
    ] = None,
    version_compatible: Annotated[
        bool, typer.Option("--version-compatible", help="For later versions of TensorRT, too.")
    ] = False,
) -> None:
    """Build a model's TensorRT engines, or find them built; TensorRT for RTX needs no GPU for it.

    Before one serves it is held against full precision (`osteoscreen check` tells).

    Example: `osteoscreen-lab build hip_vit --precision fp16 --profile 1,8,32`
    """
    from engines.cards import read_weights
    from engines.lab.engine_building import build_engines, random_weights
    from engines.runtime.plans import Plans
    from engines.runtime.trt_build import Wanted

    try:
        wanted = Wanted(read_batches(profile), tuple(target or ()), version_compatible)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--profile") from error
    with TemporaryDirectory() as made, Bar(console=Console(stderr=True), transient=True) as bar:
        if config:
            Console(stderr=True).print(_RANDOM, style="yellow")
            found = random_weights(model, config, Path(made))
        else:
            found = read_weights(model, weights)
        if not found.engines:
            raise EngineMismatch(f"{model} is measured, not learned: it has no network")
        task = bar.add_task(f"Building {model}", total=None)

        def told(phase: str, done: int, whole: int) -> bool:
            bar.update(task, description=phase, completed=done, total=whole or None)
            return True

        for one in build_engines(found, precision, Plans(out), wanted, told):
            made_or_kept = f"built in {one.seconds:.1f} s" if one.is_new else "was built before"
            typer.echo(f"{one.file}: {one.megabytes:.1f} MB, {made_or_kept}")
            typer.echo(f"  {one.engine} {one.candidate} sha256 {one.sha256}")


@app.command("known-cases")
def known_cases(
    model: Annotated[str, typer.Argument(help="E.g. `cxr_osporscreen`.")],
    weights: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Weights of yours; else the reference's."),
    ] = None,
    cases: Annotated[int, typer.Option(min=2, max=64, help="For each network.")] = 8,
    patients: Annotated[int, typer.Option(min=4, help="How many are drawn to choose from.")] = 32,
    seed: Annotated[int, typer.Option(min=0, help="One that nothing was trained with.")] = 4242,
) -> None:
    """Keep virtual patients beside a model's weights, for engines to be held against.

    Example: `osteoscreen-lab known-cases hip_vit`
    """
    from engines.cards import read_weights
    from engines.lab.cohort import virtual_cohort
    from engines.lab.known_patients import keep_known_patients

    drawn, console = virtual_cohort(patients, seed), Console(stderr=True)
    typer.echo(keep_known_patients(read_weights(model, weights), cases, drawn, console))


@app.command()
def bench(
    model: Annotated[str, typer.Argument(help="E.g. `cxr_osporscreen`.")],
    batches: Annotated[str, typer.Option(help="Images at once, with commas.")] = "1,8,32",
    rounds: Annotated[int, typer.Option(min=3, help="Of each way, in turns.")] = 20,
    threads: Annotated[int, typer.Option(min=1, max=64, help="CPU cores of one run.")] = 2,
    config: Annotated[
        str,
        typer.Option(help="A configuration that nobody has trained, e.g. `paper`: random weights."),
    ] = "",
    out: Annotated[
        Path, typer.Option(file_okay=False, help="Where plans are kept: `engines` in a home.")
    ] = Path("engines"),
    compiles: Annotated[
        bool, typer.Option("--compile", help="Time torch.compile, too: half a minute a batch size.")
    ] = False,
) -> None:
    """Time a model's networks on every runtime that is here: one table, ways in turns.

    Example: `osteoscreen-lab bench hip_vit --batches 1,8`
    """
    import torch

    from engines.cards import read_weights
    from engines.lab.bench import Bench, bench_table, timed, told_weights
    from engines.lab.engine_building import random_weights
    from engines.runtime.making import Making
    from engines.runtime.plans import Plans

    torch.set_num_threads(threads)
    wide = Console() if Console().is_terminal else Console(width=140)
    sizes = [int(size) for size in batches.split(",")]
    with TemporaryDirectory() as made:
        weights = random_weights(model, config, Path(made)) if config else read_weights(model)
        if not weights.engines:
            raise EngineMismatch(f"{model} is measured, not learned: it has no network")
        making = Making(weights, "", Plans(out), threads=threads)
        for name, found, lacking in timed(Bench(making, sizes, rounds, compiles)):
            wide.print(bench_table(f"{told_weights(weights)}: {name}", found))
            for why in lacking:
                typer.echo(f"not here: {why}")
