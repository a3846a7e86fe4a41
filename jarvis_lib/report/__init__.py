"""How is it told? Frames, charts, the brief and its page. Reads only: nothing in here writes a fact."""
