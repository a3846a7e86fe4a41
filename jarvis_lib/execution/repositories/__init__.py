"""Work on a person's git repository: in a private copy, brought back as a branch, taken over or undone by the person alone."""
