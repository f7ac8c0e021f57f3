"""Any fill far below the real scores hides padding; fills differ in half precision and where a row has no key left.

Leaves out: gradients, and biases such as ALiBi's or a second mask that are added to the same scores.
Source: PyTorch documentation of scaled_dot_product_attention and MultiheadAttention,
https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.scaled_dot_product_attention.html
"""

import math
from dataclasses import dataclass
from typing import Annotated

import altair as alt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from demos import Field, Param
from demos._figures import BLUE, HEIGHT, VERMILION, WIDTH

FILLS = ("-inf", "dtype-min", "-1e9", "-1e4", "-1000", "-10", "0", "multiply", "renormalise")
FINITE = ("dtype-min", "-1e4", "-1000", "-10", "0")


@dataclass(frozen=True)
class Result:
    leaked_weight: Annotated[float, Field("attention weight on padding in a row with real keys, mean over rows")]
    unmasked_weight: Annotated[float, Field("the same without any mask")]
    row_sum: Annotated[float, Field("sum of all weights of such a row, mean over rows")]
    full_row: Annotated[str, Field("weights of a row of padding only: NaN, zeros, uniform, unmasked or distorted")]
    full_row_sdpa: Annotated[str, Field("output of such a row in scaled_dot_product_attention, boolean mask")]
    full_row_mha: Annotated[str, Field("output of such a row in nn.MultiheadAttention, need_weights=True")]
    full_row_mha_eval: Annotated[str, Field("the same with need_weights=False, eval() and no_grad()")]
    curve_fill: Annotated[tuple[str, ...], Field("all fills")]
    curve_leaked: Annotated[tuple[float, ...], Field("leaked_weight for each of them")]
    curve_full_row: Annotated[tuple[str, ...], Field("full_row for each of them")]
    curve_raises: Annotated[tuple[bool, ...], Field("whether Tensor.masked_fill refuses each of them in this dtype")]
    fill: Annotated[str, Field("the fill of the single values")]
    dtype: Annotated[str, Field("dtype of scores and weights")]
    applied: Annotated[str, Field("whether the fill replaces a score or is added to it")]
    real_score: Annotated[float, Field("mean score of the real keys")]


def run(
    *,
    fill: Annotated[
        str,
        Param(
            "what padded scores become, or padded weights times 0 after the softmax, rows renormalised or not",
            choices=("-inf", "dtype-min", "-1e9", "-1e4", "-1000", "-10", "0", "multiply", "renormalise"),
        ),
    ] = "-1000",
    dtype: Annotated[str, Param("of scores and weights", choices=("float32", "float16", "bfloat16"))] = "float32",
    applied: Annotated[str, Param("replaces the score or is added to it", choices=("replace", "add"))] = "replace",
    real_score: Annotated[float, Param("mean score of real keys; padding has 0", minimum=-2000, maximum=0)] = 0.0,
    num_real: Annotated[int, Param("real keys of a row", minimum=1, maximum=512)] = 12,
    num_pads: Annotated[int, Param("padding keys of a row", minimum=2, maximum=512)] = 20,
    device: torch.device,
) -> Result:
    draw = torch.Generator().manual_seed(torch.initial_seed())
    scores = torch.randn(256, num_real + num_pads, generator=draw)  # (row, key)
    scores[:, :num_real] += real_score
    scores = scores.to(device, getattr(torch, dtype))
    rows = {name: attend(scores, num_real, name, applied) for name in FILLS}  # (row, key) each
    full = {name: attend(scores[:, num_real:], 0, name, applied) for name in FILLS}  # no real key
    sdpa, mha, mha_eval = full_row_in_torch(device)
    return Result(
        leaked_weight=on_padding(rows[fill], num_real),
        unmasked_weight=on_padding(scores.softmax(-1), num_real),
        row_sum=rows[fill].float().sum(-1).mean().item(),
        full_row=in_a_word(full[fill], scores[:, num_real:]),
        full_row_sdpa=sdpa,
        full_row_mha=mha,
        full_row_mha_eval=mha_eval,
        curve_fill=FILLS,
        curve_leaked=tuple(on_padding(rows[name], num_real) for name in FILLS),
        curve_full_row=tuple(in_a_word(full[name], scores[:, num_real:]) for name in FILLS),
        curve_raises=tuple(masked_fill_raises(scores, name) for name in FILLS),
        fill=fill,
        dtype=dtype,
        applied=applied,
        real_score=real_score,
    )


def attend(scores: Tensor, num_real: int, fill: str, applied: str) -> Tensor:
    """The attention weights with the keys from `num_real` on masked, computed in the dtype of the scores."""
    is_pad = torch.arange(scores.shape[-1], device=scores.device) >= num_real
    if fill in ("multiply", "renormalise"):
        kept = scores.softmax(-1) * ~is_pad
        return kept / kept.sum(-1, keepdim=True) if fill == "renormalise" else kept
    value = torch.tensor(torch.finfo(scores.dtype).min if fill == "dtype-min" else float(fill)).to(scores)  # or −∞
    return torch.where(is_pad, scores + value if applied == "add" else value, scores).softmax(-1)


def on_padding(weights: Tensor, num_real: int) -> float:
    """The weight on padding, mean over rows."""
    return weights[:, num_real:].float().sum(-1).mean().item()


def masked_fill_raises(scores: Tensor, fill: str) -> bool:
    """Whether torch finds the fill too large for the dtype of the scores."""
    try:
        scores.masked_fill(scores > 0, float(fill) if fill[-1].isdigit() else 0.0)
    except RuntimeError:
        return True
    return False


def in_a_word(weights: Tensor, scores: Tensor) -> str:
    """What the weights of rows of padding only are."""
    found, unmasked, share = weights.float(), scores.float().softmax(-1), 1 / scores.shape[-1]
    if found.isnan().all() or not found.any():
        return "NaN" if found.isnan().all() else "zeros"
    if (found - share).abs().max() < 0.02 * share:
        return "uniform"
    return "unmasked" if (found - unmasked).abs().max() < 0.02 else "distorted"


def full_row_in_torch(device: torch.device) -> tuple[str, ...]:
    """The output of torch's own attention with every key masked: SDPA, then nn.MultiheadAttention in two settings."""
    x = torch.ones(1, 4, 8, device=device)  # (batch, seq_len, d_model)
    hidden = torch.ones(1, 4, dtype=torch.bool, device=device)
    mha = nn.MultiheadAttention(8, 2, batch_first=True, device=device).eval()
    with torch.no_grad():
        sdpa = F.scaled_dot_product_attention(x, x, x, attn_mask=~hidden)  # here True may attend
        outputs = [sdpa, *(mha(x, x, x, key_padding_mask=hidden, need_weights=need)[0] for need in (True, False))]
    return tuple("NaN" if y.isnan().any() else "zeros" if not y.any() else "finite" for y in outputs)


def claims(result: Result) -> dict[str, bool]:
    leaked = dict(zip(result.curve_fill, result.curve_leaked, strict=True))
    full = dict(zip(result.curve_fill, result.curve_full_row, strict=True))
    added, score, unmasked = result.applied == "add", result.real_score, result.unmasked_weight
    return {
        "−∞ and the minimum of the dtype leave padding no weight": leaked["-inf"] == leaked["dtype-min"] == 0,
        "−1000 leaves none while real scores stay above −800, and nearly all once they lie below −1200": (
            (score < -800 or leaked["-1000"] < 1e-6) and (score > -1200 or leaked["-1000"] > 0.999)
        ),
        "a fill of 0 leaves padding more than half of the weight it has without a mask": leaked["0"] > unmasked / 2,
        "multiplying after the softmax takes that weight out of the row's sum": (
            result.fill != "multiply" or abs(result.row_sum + unmasked - 1) < 0.01
        ),
        "a row of padding only is NaN with −∞, and uniform with any finite fill that replaces the scores": (
            full["-inf"] == "NaN" and (added or {full[name] for name in FINITE} == {"uniform"})
        ),
        "in float32 such a row is as without a mask where −1000 is added to the scores": (
            not added or result.dtype != "float32" or full["-1000"] == "unmasked"
        ),
        "such a row gives zeros in scaled_dot_product_attention, NaN in MultiheadAttention with need_weights": (
            result.full_row_sdpa == "zeros" and result.full_row_mha == "NaN"
        ),
        "Tensor.masked_fill refuses −1e9 in float16, and no other of these fills in any dtype": (
            result.curve_raises == tuple((name, result.dtype) == ("-1e9", "float16") for name in result.curve_fill)
        ),
    }


def figure(result: Result) -> alt.TopLevelMixin:
    curves = zip(result.curve_fill, result.curve_leaked, result.curve_full_row, strict=True)
    rows = [
        {"fill": name, "leaked": leaked if math.isfinite(leaked) else None, "full": full}
        for name, leaked, full in curves
    ]
    base = alt.Chart(alt.Data(values=rows)).encode(y=alt.Y("fill:N", title=None, sort=list(result.curve_fill)))
    weight = alt.X("leaked:Q", title="weight on padding · row of padding")
    weight = weight.scale(domain=[0, 1.4]).axis(values=[0, 0.5, 1])
    color = alt.condition(f"datum.fill == '{result.fill}'", alt.value(VERMILION), alt.value(BLUE))
    return alt.layer(
        base.mark_bar(size=12).encode(x=weight, color=color),
        base.mark_point(opacity=1).encode(x=weight, color=color),
        base.mark_text(align="left").encode(x=alt.datum(1.06), text="full:N"),
    ).properties(width=WIDTH, height=HEIGHT)
