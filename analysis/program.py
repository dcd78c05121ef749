"""`Program`: the command line of every program in this folder."""

import argparse
from collections.abc import Callable

from topolearn.checks import check_size
from topolearn.cli.flags import in_flags
from topolearn.ends import forget_output, stoppable, tell_end
from topolearn.errors import reason_of

CONTINUED = "run the same command again to continue from the last checkpoints"  # for programs that train studies


class Program(argparse.ArgumentParser):
    """A parser of options that also runs the program and reports how it ends.

    Parameters
    ----------
    description : str or None
        Shown by ``--help``, with line breaks as they are.
    again : str
        What to do after an interruption.

    Examples
    --------
    >>> program = Program("Says something.")
    >>> _ = program.add_argument("--words", default="hello")
    >>> program.run(lambda args: print(args.words), [])
    hello
    """

    def __init__(self, description: str | None, again: str = "run the same command again") -> None:
        super().__init__(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
        self.again = again

    def run(self, main: Callable[[argparse.Namespace], None], words: list[str] | None = None) -> None:
        """Call ``main`` with the options of the command line.

        Whole numbers must be at least 1, except a seed. Expected errors end the program with one line that names flags;
        Ctrl-C and SIGTERM end it as they do ``topolearn``.

        Parameters
        ----------
        main : callable
        words : list of str, optional
            The command line; default that of the process.

        Raises
        ------
        SystemExit
            When the program does not reach its end.
        """
        args = self.parse_args(words)
        try:
            self._check_counts(args)
            with stoppable():
                main(args)
        except KeyboardInterrupt as interrupt:
            raise SystemExit(tell_end("analysis", interrupt, self.again)) from None
        except Exception as error:
            reason = reason_of(error)
            if reason is None:
                raise
            raise SystemExit(f"error: {in_flags(reason, self._actions)}") from None
        finally:
            forget_output()

    def _check_counts(self, args: argparse.Namespace) -> None:
        """Check that all whole numbers are at least 1, except a seed: they are counts."""
        for option in self._actions:
            if option.type is int and option.dest != "seed":
                given = getattr(args, option.dest)
                for number in given if isinstance(given, list | tuple) else [given]:
                    if number is not None:
                        check_size(option.dest, number)
