"""What do the recipe notebooks do? One module per recipe, callable and tested without a kernel.

Each works on the files that its arguments name and never looks at the store. The notebooks stay thin: they call, show and save.
"""
