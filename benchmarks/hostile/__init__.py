"""Give composegan files and command lines that nobody should, and see that each is one line and nothing worse.

    python -m benchmarks.hostile                       # 1,000 files and 2,000 lines: benchmarks/results/hostile.json
    python -m benchmarks.hostile files=60 lines=100 seed=1 out=/tmp/hostile.json

A case depends on the seed and its number only. A valid file of every kind is changed in some way (changes, binaries)
and read by the command that reads such files (kit); or a command line is drawn (lines). Each runs in a process of its
own with a time and a memory limit, in a folder of its own. It must end with status 0 (the change left something that
can be used), with status 2 and one line that, for a file, names it, or where long work would begin. Anything else is
a failure: a traceback, a signal, running on, memory, a warning of some library, or code in a file that was run. It
can be stopped: a file beside the one it writes says how far it came, and the same command goes on from there.
"""
