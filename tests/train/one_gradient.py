"""Write the gradient of the first update: alone, or as one of several processes."""

import os
import sys
from contextlib import closing
from pathlib import Path

import torch
from accelerate import Accelerator
from safetensors.torch import save_file
from tiny_run import digits, tiny

from underdraw.data import loader
from underdraw.train.loop import Run

torch.set_num_threads(1)
accelerator = Accelerator(cpu=True)
run = Run(tiny(), Path("unused"), accelerator, digits(16), True)
rank, world = accelerator.process_index, accelerator.num_processes
with closing(loader(digits(40), run.config.batch, 0, rank, world)) as batches:
    _, x = next(batches)
accelerator.backward(run.task.cost(run.model, x, 0)[0])
if accelerator.is_main_process:
    found = {name: value.grad for name, value in run.state.weights.items()}
    save_file({**found, "processes": torch.tensor(float(world))}, sys.argv[1])
accelerator.wait_for_everyone()
os._exit(0)  # what gloo's threads do while a process is taken down is not what is tested here
