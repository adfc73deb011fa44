"""What the command line can do, one file a verb: `ABOUT`, `help()` and `run(arguments)`."""
