"""`jarvis cluster up | status | down`: workers for recipes on more than one process, or on more than one machine."""

import click

from jarvis_lib.cli.shape import Run, verb


@verb("up", "jarvis cluster up --local 3", writes=True, would="It would start a scheduler and {workers} workers on loopback.")
@click.option("--local", "workers", type=click.IntRange(1, 64), required=True, metavar="N", help="So many workers on this machine, on loopback.")
@click.option("--resources", default="", metavar="LIST", help="What each has, such as 'gpu=1 memory=8e9'.")
def up(run: Run, workers: int, resources: str) -> None:
    """Start a scheduler and workers of this workspace; they go on until `down`."""
    from jarvis_lib.execution.cluster import local as cluster

    run.say(cluster.up(run.place.home, workers=workers, resources=resources))


@verb("status", "jarvis cluster status", at=False)
def status(run: Run) -> None:
    """The workers of [engine] dask, or of this workspace's own cluster."""
    from jarvis_lib.cli.columns import WORKERS
    from jarvis_lib.execution.cluster import local as cluster

    rows = cluster.status(run.place.home, run.place.settings.get("engine", "dask"), run.place.settings.get("engine", "tls"))
    run.table("jarvis.workers/1", rows, WORKERS, empty="No cluster. Start one: jarvis cluster up --local 3")


@verb("down", "jarvis cluster down", writes=True, would="It would end the scheduler and the workers that `up` started.")
def down(run: Run) -> None:
    """End the scheduler and the workers that `up` started."""
    from jarvis_lib.execution.cluster import local as cluster

    run.say(cluster.down(run.place.home))
