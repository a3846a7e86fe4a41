"""Coding-agent CLIs behind one contract: an adapter turns a request into a command line, and what came out of it into a `Call`."""

from jarvis_lib.execution.agents.contract import Adapter, Request

__all__ = ["Adapter", "Request"]
