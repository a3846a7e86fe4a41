"""How is Jarvis spoken to in a terminal? Words in, words out; every verb is one call of a component."""
