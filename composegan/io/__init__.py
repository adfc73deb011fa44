"""Files: atomic writers, locks between processes, and guarded readers of files of unknown origin."""
