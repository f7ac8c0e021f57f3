"""The shapes of published models, as far as their KV cache depends on them, each with where it was published."""

from typing import NamedTuple


class Shape(NamedTuple):
    num_layers: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    latent_dim: int = 0  # MLA: width of what is cached in a layer in place of keys and values
    rope_dim: int = 0  # MLA: width of the rotary key beside it, shared by all heads

    @property
    def numbers_per_layer(self) -> int:
        """How many numbers one token leaves in the cache of one layer."""
        return self.latent_dim + self.rope_dim if self.latent_dim else 2 * self.num_kv_heads * self.head_dim


PRESETS = {
    "gpt-2": Shape(12, 12, 12, 64),  # Radford et al. 2019, table 2, and hparams.json
    "gpt-3-175b": Shape(96, 96, 96, 128),  # Brown et al. 2020, table 2.1
    "palm-540b": Shape(118, 48, 1, 256),  # Chowdhery et al. 2022, table 1 and section 2
    "falcon-7b": Shape(32, 71, 1, 64),  # Almazrouei et al. 2023, and config.json
    "llama-2-7b": Shape(32, 32, 32, 128),  # Touvron et al. 2023 (Llama 2), table 1, and config.json
    "llama-2-70b": Shape(80, 64, 8, 128),  # the same
    "llama-3-8b": Shape(32, 32, 8, 128),  # Grattafiori et al. 2024 (The Llama 3 Herd of Models), table 3
    "mistral-7b": Shape(32, 32, 8, 128),  # Jiang et al. 2023, table 1
    "qwen2.5-7b": Shape(28, 28, 4, 128),  # Qwen2.5 technical report 2024, table 1, and config.json
    "deepseek-v2": Shape(60, 128, 128, 128, 512, 64),  # DeepSeek-AI 2024, section 3.1.2
}
