"""The demo's classifier, which looks for a digit among clutter."""

from pathlib import Path

from underdraw import checkpoint, gallery
from underdraw.data import labelled, open_images
from underdraw.demo.page import Figure, Section
from underdraw.grade import Grade, grade

NAME, DATA = "glimpser_mnist_cluttered", "mnist_cluttered_small"


def looking(out: Path, seed: int = 0, name: str = NAME, count: int = 4) -> tuple[Section, Grade]:
    """Classify the test digits in the package, each among 8 pieces of others, and show how.

    Args:
        out: folder to write.
        seed: chooses what is shown.
        name: of the classifier.
        count: images shown that it gets right, and that it does not.
    """
    model, test = checkpoint.load_classifier(name), labelled(open_images(DATA, "test"))
    found = grade(model, test)
    paths, _ = gallery.glimpses(model, test, count, seed, out)
    text = (
        f"Another model looks for a digit among pieces of others, through the same window, "
        f"{model.steps} times, and then says which it is. Of {found.images} test images it gets "
        f"<b>{found.error:.1%}</b> wrong (with 95 % confidence {found.low:.1%} to "
        f"{found.high:.1%}). Each row is an image: where the window is, what it sees, and how "
        "likely each digit is after each glimpse."
    )
    captions = {
        "right": "Glimpse by glimpse, classified rightly", "right_gif": "The same, moving",
        "wrong": "Classified wrongly",
    }  # fmt: skip
    figures = [Figure(paths[key].name, told) for key, told in captions.items() if key in paths]
    return Section("Finding a digit", text, figures), found
