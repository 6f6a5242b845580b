"""`python -m underdraw`, which is also what `torchrun -m underdraw` runs."""

from underdraw.cli import main

if __name__ == "__main__":
    main()
