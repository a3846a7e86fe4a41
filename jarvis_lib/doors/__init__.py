"""How does Jarvis meet the rest of the person's world? Each door turns what comes in into facts, or shows facts to somebody outside."""
