"""More than one machine: recipes on the workers of a dask cluster, with the same worker program and the same endings as on this one."""
