"""``python -m topolearn`` without pictures, which take longer than a small training."""

import sys
import types

if __name__ == "__main__":
    sys.orig_argv[sys.orig_argv.index("tests.faults.quick")] = "topolearn"  # by which a command is known
    pages = types.ModuleType("topolearn.recording.report")
    pages.write_report = lambda run, **_: run.path / "report.html"
    sys.modules[pages.__name__] = pages

    from topolearn.cli import main

    sys.exit(main())
