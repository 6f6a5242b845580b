"""A plain DRAW to measure against: eager float32, `nn.LSTMCell`, a correct filterbank, no tricks.

Written the way a careful person writes it the first time, and frozen: speed is reported as a ratio
to this. It shares no code with the package.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ReferenceDRAW(nn.Module):
    """DRAW (Gregor et al., 2015) on square images of one channel, as in its Eqs 1-29.

    Args:
        steps: glimpses.
        attention: read 2x2 and write 5x5 through windows; otherwise the whole image.
        side: pixels a side.
        hidden: units of each LSTM.
        latent: latents a step.
    """

    def __init__(
        self,
        steps: int = 64,
        attention: bool = True,
        side: int = 28,
        hidden: int = 256,
        latent: int = 100,
    ) -> None:
        super().__init__()
        self.steps, self.attention, self.side, self.hidden = steps, attention, side, hidden
        self.read_size, self.write_size = (2, 5) if attention else (side, side)
        self.encoder = nn.LSTMCell(2 * self.read_size**2 + hidden, hidden)
        self.decoder = nn.LSTMCell(latent, hidden)
        self.to_mu, self.to_log_sigma = nn.Linear(hidden, latent), nn.Linear(hidden, latent)
        self.to_patch = nn.Linear(hidden, self.write_size**2)
        if attention:
            self.read_window, self.write_window = nn.Linear(hidden, 5), nn.Linear(hidden, 5)
        self.start = nn.ParameterList([nn.Parameter(torch.zeros(hidden)) for _ in range(4)])
        self.canvas = nn.Parameter(torch.zeros(side, side))

    def filters(self, window: nn.Linear, h: Tensor, n: int) -> tuple[Tensor, Tensor, Tensor]:
        """F_x and F_y, (B, n, side), and gamma, (B, 1, 1)."""
        x, y, log_sigma2, log_delta, log_gamma = window(h).unbind(1)
        g_x, g_y = ((self.side + 1) / 2 * (g + 1) for g in (x, y))
        delta = (self.side - 1) / (n - 1) * log_delta.exp()
        i = torch.arange(1, n + 1, dtype=h.dtype, device=h.device)
        a = torch.arange(1, self.side + 1, dtype=h.dtype, device=h.device)
        banks = []
        for g in (g_x, g_y):
            mu = g[:, None] + (i - n / 2 - 0.5) * delta[:, None]
            f = torch.exp(-((a - mu[:, :, None]) ** 2) / (2 * log_sigma2.exp()[:, None, None]))
            banks.append(f / (f.sum(2, keepdim=True) + 1e-8))
        return banks[0], banks[1], log_gamma.exp()[:, None, None]

    def read(self, x: Tensor, x_hat: Tensor, h_dec: Tensor) -> Tensor:
        """What the encoder is shown."""
        if not self.attention:
            return torch.cat([x.flatten(1), x_hat.flatten(1)], 1)
        f_x, f_y, gamma = self.filters(self.read_window, h_dec, self.read_size)
        patches = [gamma * (f_y @ image @ f_x.mT) for image in (x, x_hat)]
        return torch.cat([patch.flatten(1) for patch in patches], 1)

    def write(self, h_dec: Tensor) -> Tensor:
        """What is added to the canvas."""
        patch = self.to_patch(h_dec).view(-1, self.write_size, self.write_size)
        if not self.attention:
            return patch
        f_x, f_y, gamma = self.filters(self.write_window, h_dec, self.write_size)
        return f_y.mT @ patch @ f_x / gamma

    def forward(self, x: Tensor, noise: Tensor) -> Tensor:
        """The bound of each image, nats; x (B, side, side), noise (steps, B, latent)."""
        b = x.shape[0]
        h_enc, c_enc, h_dec, c_dec = (s.expand(b, -1) for s in self.start)
        canvas, rate = self.canvas.expand(b, -1, -1), x.new_zeros(b)
        for t in range(self.steps):
            x_hat = x - torch.sigmoid(canvas)
            r = self.read(x, x_hat, h_dec)
            h_enc, c_enc = self.encoder(torch.cat([r, h_dec], 1), (h_enc, c_enc))
            mu, log_sigma = self.to_mu(h_enc), self.to_log_sigma(h_enc)
            z = mu + log_sigma.exp() * noise[t]
            rate = rate + 0.5 * (mu**2 + (2 * log_sigma).exp() - 2 * log_sigma - 1).sum(1)
            h_dec, c_dec = self.decoder(z, (h_dec, c_dec))
            canvas = canvas + self.write(h_dec)
        cost = F.binary_cross_entropy_with_logits(canvas, x, reduction="none").sum((1, 2))
        return cost + rate
