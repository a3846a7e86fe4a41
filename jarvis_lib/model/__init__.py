"""The words of Jarvis: values and rules. Standard library only; no clock, no disk, no chance."""
