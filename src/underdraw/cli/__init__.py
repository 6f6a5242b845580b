"""The command line: `underdraw COMMAND ...`.

Every command takes `--json` for one machine-readable object on stdout; everything else goes to
stderr. Bad input ends with one line that names the offending value, and exit code 2.
"""

import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and exit.

    Exit codes: 0 done; 2 bad input; 1 a command that ran and failed; 128 + n stopped by signal n
    (a training run saves first).
    """
    from underdraw.cli.commands import run

    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal that lacks a letter shows another
        sys.stdout.reconfigure(errors="replace")
    try:
        code = run(sys.argv[1:] if args is None else args)
    except BrokenPipeError:  # whoever read has seen enough
        with suppress(OSError):  # of a stream that is no file
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 128 + 13
    except (ValueError, OSError) as error:  # the package's errors are ValueErrors
        if os.environ.get("UNDERDRAW_TRACEBACK"):
            raise
        print(f"underdraw: {told(error)}", file=sys.stderr)
        code = getattr(error, "exit_code", 2)
    except (MemoryError, RuntimeError) as error:
        from underdraw.codec.errors import starved

        if not starved(error) or os.environ.get("UNDERDRAW_TRACEBACK"):
            raise
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        print(f"underdraw: this does not fit into memory: {reason}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


def told(error: Exception) -> str:
    """What went wrong, in a line: of the system's errors the file comes first."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename2 or error.filename}: {error.strerror}"  # of a renaming, the target
    hint = getattr(error, "unknown", None)
    if hint is None:
        return str(error)
    from underdraw.cli.hints import of_model

    return f"{error}{of_model(hint)}"
