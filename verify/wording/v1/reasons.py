"""Why a test does not apply, and exclusions from it."""

from __future__ import annotations

PHRASES = {
    "not_told": "the version that made the report gave a reason in a sentence, which is not shown",
    "identical_weights": "the weights are identical, so there is nothing to test",
    # architectures
    "width": "the residual streams have different widths ({a} and {b})",
    "no_mlp": "{model} has no MLP that was understood",
    "rank_channels_alone": "adapters without their bases have rank channels alone, and nothing that it compares",
    "adapter_alone": "{model} is an adapter without its base and the other a whole model",
    "gated_differs": "the MLPs of one model are gated and those of the other are not",
    "layout_open": "the layout given for {model} does not state its symmetries",
    "not_declared": "what it rests on is not among what was declared of {model}",
    "names_unlike_type": (
        "the tensors of {model} are not named as those of the model type {type!r}, so its symmetries are not known"
    ),
    "type_unknown": "the model type {type!r} of {model} is not known, so neither are its symmetries",
    "tensor_not_understood": "{model} has a tensor {tensor!r:.120} that was not understood",
    "latent_values": "{model} makes k and v from a latent vector, so it has no value channels of single heads",
    "heads_unknown": (
        "the number of attention heads of {model} is not known (none of its layout or config.json fits its tensors), "
        "so neither are its value channels"
    ),
    "one_head": "{model} has one kv head in each layer, so there is no order of heads",
    "heads_told_apart": (
        "something fixed, or shared by layers, may tell the heads of {model} apart (such as the slopes of ALiBi, or "
        "one table of position biases), so their order is not free"
    ),
    "no_latent": "{model} does not make keys and values from a latent vector",
    "no_experts": "{model} has no routed experts",
    "one_expert": "routing tells all experts of {model} apart, so there is no order of experts",
    "routing_unknown": (
        "it is not known among which experts of {model} routing chooses, so neither is which of them could be "
        "exchanged"
    ),
    "not_odd_in_up": (
        "the MLPs of {model} are not odd functions of `up`, so flipping the signs of up and down changes their output"
    ),
    "not_linear_values": (
        "between v and o, {model} does more to value channels than mix each over positions, so re-ordering them or "
        "changing their signs can change its output"
    ),
    "older_sketch": (
        "the models are compared by fingerprints of sketch version {version}, which lack what this test reads; make "
        "older ones again from the weights"
    ),
    "keys_unknown": "it is not known what lies between the rows of q and k of {model} and their product",
    "keys_layer_norm": "layer norms of {model} subtract a mean over the channels of q and k",
    "not_rotary": "the attention of {model} turns no channels of q and k by position",
    "all_turned": "positions turn all channels of q and k of {model}",
    "plain_sizes": "positions leave different numbers of channels of a head alone ({a} and {b})",
    "keys_gain": "gains tell the channels of q and k of {model} apart",
    "rotary_sizes": "different numbers of channels of q and k are turned by position ({a} and {b})",
    "head_sizes": "the attention heads have different sizes ({a} and {b})",
    "sinusoidal": "{model} adds fixed sinusoidal positions to the residual stream",
    "layer_norm": "layer norm is not symmetric under sign flips",
    # tokens
    "no_embedding": "{model} has no token embedding",
    "few_shared_anchors": "the vocabularies share {shared} anchor tokens, fewer than {least}",
    "no_tokenizer": "no tokenizer was found in {model} (looked for tokenizer.json, vocab.json, vocab.txt, "
    "tekken.json, tokenizer.model, spiece.model, spm.model, tiktoken.model, *.tiktoken)",
    "few_known_anchors": "the tokenizer of {model} ({tokenizer!r}) knows fewer than {least} anchor tokens",
    "no_unused": "the tokenizer of {model} ({tokenizer!r}) has no token that is known to be in no text",
    "few_unused": (
        "the vocabularies share {common} tokens that no text contains; fewer than {least} cannot be evidence"
    ),
    "both_restore": (
        "both models are, or may be, of a kind that learns to restore a text in which some tokens were replaced by "
        "any token; two trainings on one prepared text read the same unused tokens in the same places"
    ),
    "rows_differ": "tables of {a} and {b} rows cannot be paired by number",
    "few_rows": "{rows} rows are fewer than {least}",
    "both": "{first}, and {second}",
    # what a fingerprint holds
    "not_held": "fingerprints made at {effort} effort hold none of the arrays that it reads",
    "no_array": "the fingerprint of {model} has no array {array!r}",
    "no_match_arrays": "the fingerprint of {model} has no `match` arrays of an MLP",
    "no_common_circuit": "the models have no circuit of their last layers in common",
    "few_layers": "{model} has {layers} layers, fewer than the {least} that a correlation needs",
    "no_finite_spread": "the standard deviation of {role!r} is not finite in some layers of {model}",
    "no_spectra": "{model} has no attention whose singular values were kept",
    # what config.json says otherwise than the tensors
    "config.head_left_out": "config.json says tie_word_embeddings is true, and a head is stored; it was left out",
    "config.no_head": "config.json says tie_word_embeddings is false, and no head is stored",
    "config.fused_heads": (
        "config.json makes {heads} heads and {kv_heads} kv heads, which do not fit the fused rows of q, k and v and "
        "the {columns} columns of o; heads were taken as not known"
    ),
    "config.heads_no_number": (
        "config.json says {key:key} is {said:q}, which is no number of heads; heads were taken as not known"
    ),
    "config.heads_misfit": (
        "config.json says {said:q}, which does not fit the {q} rows of q and {v} of v; heads were taken as not known"
    ),
    "config.heads_by_norm": (
        "config.json says {said:q}, which does not fit the {q} rows of q and {v} of v; the norms of single heads "
        "were believed, of {size} channels"
    ),
    "config.norm_biases": (
        "norms have biases that the table {family:q} does not know, such as {tensor!r:.120}; they count as layer "
        "norms"
    ),
    "config.likeness": (
        "the model type {type:q} is not known; tensors are named and shaped as those of {family:q}, so they are "
        "read by likeness, and only the order of hidden units is taken to be free, unless --declare states more"
    ),
    "config.likeness.untyped": (
        "no model type is declared; tensors are named and shaped as those of {family:q}, so they are read by "
        "likeness, and only the order of hidden units is taken to be free, unless --declare states more"
    ),
    "config.likeness.unlike": (
        "the model type is {type:q}, and tensors are named and shaped as those of {family:q} instead, so they are "
        "read by likeness, and only the order of hidden units is taken to be free, unless --declare states more"
    ),
    "config.likeness.stated": (
        "tensors are named and shaped as those of {family:q}, so they are read by likeness; what the model computes "
        "({words:q}) is as was declared with --declare"
    ),
    "config.otherwise": (
        "config.json says {key:key} is {said:q}, and the tensors have {found}; the tensors were believed"
    ),
    "config.tool_setting": (
        "{file:q} has the setting {key:q}, which is not known of {tool:q}; the tensors were left under the tool's "
        "own names, and rows of q and k in the tool's own order"
    ),
    "config.tool_settings": (
        "{file:q} is not what is known of {tool:q}; the tensors were left under the tool's own names, and rows of q "
        "and k in the tool's own order"
    ),
    "zeros.other_format": (
        "zero points of {dtype:q} matrices are those of checkpoint_format {found:q}, where config.json says "
        "{said:q}; they were read as their numbers say"
    ),
    "zeros.less_one": (
        "zero points of AWQ 4-bit matrices are stored less one, as by GPTQ; they were read as their numbers say"
    ),
    # notes
    "left_out": "{part} were left out: {because}",
    "set_aside_pinned": (
        "{part} were set aside: those of both models resemble the rows of an identity or Hadamard matrix at the same "
        "indices, as in models initialised with such a matrix"
    ),
    "set_aside_ordered": (
        "{part} were set aside: in each of the models, those at near indices (or at indices of one parity) resemble "
        "one another, as where they are sorted by importance, nested or interleaved, so their order is not random"
    ),
    "set_aside_mean": (
        "{what} were set aside: in both models the mean of the vectors is far from zero, as in unrelated models with "
        "a positive initialisation or decoded with an offset"
    ),
    "tied": (
        "{pairs} pairs of blocks appear to be copies of one another and were merged into {merged} groups (the "
        "largest of {largest})"
    ),
}
"""Sentences by code, to be filled."""
