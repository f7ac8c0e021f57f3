"""A one-layer model that learns to name the previous token, with any of six encodings of position.

Leaves out: norms, feed-forward layers and a second layer, so that nothing but the encoding can find the previous token.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

VOCAB_SIZE, TRAIN_LEN, BATCH, HEADS, STEPS = 16, 24, 32, 2, 150
NOISE = 0.25  # share of the targets that are drawn at random
RIGHT, WRONG = 1 - NOISE + NOISE / VOCAB_SIZE, NOISE / VOCAB_SIZE  # chance of the right token, and of each other one
BUCKETS = 8  # of T5's bias: distances 0 to 6, and all beyond, each met in training


class Model(nn.Module):
    """One causal attention layer between embedding and logits; only the encoding of positions differs."""

    slopes: Tensor
    theta: Tensor
    rotary_theta: Tensor

    def __init__(self, encoding: str, head_dim: int, steepest_slope: float, length_ratio: int) -> None:
        super().__init__()
        draw = torch.Generator().manual_seed(torch.initial_seed())
        d_model = HEADS * head_dim

        def normal(rows: int, columns: int, std: float = 1.0) -> nn.Parameter:
            return nn.Parameter(torch.randn(rows, columns, generator=draw) * std)

        self.encoding = encoding
        self.token = normal(VOCAB_SIZE, d_model)
        self.qkv = normal(d_model, 3 * d_model, d_model**-0.5)
        self.head = normal(d_model, VOCAB_SIZE, d_model**-0.5)
        self.position = normal(TRAIN_LEN * length_ratio, d_model)  # used by "learned" alone
        self.bias = nn.Parameter(torch.zeros(HEADS, BUCKETS))  # used by "t5" alone
        self.register_buffer("slopes", torch.tensor([steepest_slope, 2**-8]))  # used by "alibi" alone
        self.register_buffer("theta", 10_000 ** -(torch.arange(0, d_model, 2) / d_model))
        self.register_buffer("rotary_theta", 10_000 ** -(torch.arange(0, head_dim, 2) / head_dim))

    def forward(self, tokens: Tensor, window: int | None = None) -> Tensor:
        """The logits, (batch, position, VOCAB_SIZE); with a window each token sees so many last positions, its own included."""
        place = torch.arange(tokens.shape[1], device=tokens.device)
        x = self.token[tokens]  # (batch, position, d_model)
        if self.encoding == "learned":
            x = x + self.position[place]
        if self.encoding == "sinusoidal":
            x = x + codes(place, self.theta)
        q, k, v = (x @ self.qkv).unflatten(-1, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)
        if self.encoding == "rotary":
            q, k = rotate(q, codes(place, self.rotary_theta)), rotate(k, codes(place, self.rotary_theta))
        distance = place[:, None] - place[None, :]  # query − key
        hidden = (distance < 0) | (distance >= (window or len(place)))
        bias = torch.zeros(1, *distance.shape, device=tokens.device)
        if self.encoding == "t5":
            bias = self.bias[:, distance.clamp(0, BUCKETS - 1)]
        if self.encoding == "alibi":
            bias = -self.slopes[:, None, None] * distance
        heads = F.scaled_dot_product_attention(q, k, v, attn_mask=bias.masked_fill(hidden, -math.inf))
        return heads.transpose(1, 2).flatten(-2) @ self.head

    @torch.no_grad()
    def losses(self, length: int, window: int | None = None) -> Tensor:
        """The expected loss at each position of BATCH new texts of that length, (length,)."""
        draw = torch.Generator().manual_seed(torch.initial_seed() + 1)
        tokens = torch.randint(VOCAB_SIZE, (BATCH, length), generator=draw).to(self.token.device)
        target = WRONG + (RIGHT - WRONG) * F.one_hot(tokens.roll(1, 1), VOCAB_SIZE)
        return -(target * self(tokens, window).log_softmax(-1)).sum(-1).mean(0)


def codes(place: Tensor, theta: Tensor) -> Tensor:
    """Sines and then cosines of place · theta, (position, 2 · pairs)."""
    angles = place[:, None] * theta
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


def rotate(x: Tensor, sin_cos: Tensor) -> Tensor:
    """Each pair of components, half a head apart, turned by its angle, shape as x."""
    (a, b), (sin, cos) = x.chunk(2, -1), sin_cos.chunk(2, -1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


def train(encoding: str, head_dim: int, steepest_slope: float, length_ratio: int, device: torch.device) -> Model:
    """The model after STEPS steps on texts of TRAIN_LEN random tokens, the same texts for each encoding."""
    model = Model(encoding, head_dim, steepest_slope, length_ratio).to(device)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01, fused=True)
    draw = torch.Generator().manual_seed(torch.initial_seed() + 2)
    for _ in range(STEPS):
        tokens, noise = torch.randint(VOCAB_SIZE, (2, BATCH, TRAIN_LEN), generator=draw)
        noisy = torch.rand(BATCH, TRAIN_LEN, generator=draw) < NOISE
        target = torch.where(noisy, noise, tokens.roll(1, 1))[:, 1:].to(device)
        loss = F.cross_entropy(model(tokens.to(device))[:, 1:].flatten(0, 1), target.flatten())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return model
