"""A year of nights in simulated time, through the real loop, store, policy, planner, learners and briefs. `make soak`."""
