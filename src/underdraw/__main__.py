"""`python -m underdraw`, which is also what `accelerate launch -m underdraw` runs."""

from underdraw.cli import main

if __name__ == "__main__":
    main()
