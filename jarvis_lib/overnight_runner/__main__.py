"""`python -m jarvis_lib.overnight_runner [VERB …]`; without a verb it starts."""

from jarvis_lib.cli.entry import component_main

if __name__ == "__main__":
    component_main("overnight")
