"""`python -m jarvis_lib.pattern_learner VERB …`."""

from jarvis_lib.cli.entry import component_main

if __name__ == "__main__":
    component_main("patterns")
