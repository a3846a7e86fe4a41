"""The file work of the playbooks: shorten a log under its writer, swap a database, put old archives away. Can it go back?

Promise: a note stands on disk before anything is touched; an interrupted fix leaves the old or the new file whole, and the
next scan reads the note and tidies up. Nothing is deleted that does not stand, verified, in another place.
"""
