"""Files that somebody else recorded: a frame of theirs becomes rows of our series, or is refused at its first fault."""
