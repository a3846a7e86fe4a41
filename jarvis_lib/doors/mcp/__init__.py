"""The door for agents: what may a program that speaks the Model Context Protocol read and propose? Nothing here approves, starts, edits or deletes."""
