"""Training: objectives, schedules, a state that survives being killed, and the loop."""

from underdraw.train.log import read_log
from underdraw.train.objective import Objective, elbo, iwae
from underdraw.train.start import Outcome, train
from underdraw.train.state import Diverged, RunError

__all__ = ["Diverged", "Objective", "Outcome", "RunError", "elbo", "iwae", "read_log", "train"]
