"""A labelled CSV in, a checkpoint with its report out. Knows no HTTP."""
