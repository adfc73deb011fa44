"""One rank of a run that `launch` started: `python -m composegan.runs.rank`, which torch's elastic agent runs N times.

Standard library only, up to `main`: until torch is loaded, too, a rank ends with its launcher.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from composegan.runtime.ranks import ignore_signals, poll_until


def main() -> int:
    """Train one rank of the run that the arguments name: the folder, new or resume, settings. Returns the exit status.

    Errors and interruptions are left for the launcher to report.
    """
    ignore_signals("SIGINT", "SIGHUP")  # the launcher gets those of a terminal as well
    launcher = os.getppid()
    poll_until(lambda: os.getppid() != launcher, lambda: os._exit(1))
    from torch.distributed.elastic.multiprocessing.errors import record

    from composegan.errors import UserError
    from composegan.runs.fit import resume

    run, how, *arguments = sys.argv[1:]
    try:
        record(resume)(Path(run), arguments, new=how == "new")
    except UserError:  # `record` has handed it to the launcher
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
