# %% [markdown]
# # Are these models related?
#
# Everything here runs in seconds on small models that ship with the library; paths and addresses of your own models
# go in their place.

# %%
import verify
from verify.data import model

made = "2026-01-31T12:00:00+00:00"  # a fixed time, so that this page is the same on every run
report = verify.test_lineage(model("fine-tuned"), model("reference"), created=made)
report

# %% [markdown]
# `print(report)` and `report.summary()` are the same in text. The verdict for a program is `report.verdict`, and
# `report.to("html", "report.html")` writes the page for others.

# %%
report.verdict, report.log10_p

# %%
report.plot();

# %% [markdown]
# Two models that were trained apart, from different seeds, on the same text:

# %%
verify.test_lineage(model("stranger-1"), model("reference"), created=made)

# %% [markdown]
# ## Looking inside
#
# `report.tests` is a mapping of all tests by name; each prints, and draws what it has.

# %%
report.tests

# %%
report.tests["unit_identity"]

# %%
report.tests["unit_identity"].plot("layers");

# %% [markdown]
# Frames have one value in each cell: one row for each test, or for each pair of layers.

# %%
report.to_frame()[["statistic", "n", "expected", "log10_p", "adjusted_log10_p"]].dropna()

# %%
report.to_layer_frame().head()

# %% [markdown]
# ## Against a panel of unrelated models
#
# Someone who re-orders the hidden units *and* rotates the residual stream escapes every exact test. How the two
# models respond to tokens remains; how unusual that is can only be told against models known to be unrelated.

# %%
hidden = verify.test_lineage(model("obfuscated-all"), model("reference"), panel="default", created=made)
hidden

# %%
hidden.panel

# %%
hidden.primary.plot("null");

# %% [markdown]
# The verdict rests on the panel: how unrelated its models are, and how like A and B. Here is how alike its members
# are to one another.

# %%
panel = verify.Panel.load("default")
panel.plot();

# %% [markdown]
# ## Many models
#
# Every pair is tested, and error rates hold over all pairs.

# %%
from verify.data import models

result = verify.screen([model(name) for name in models()])
result

# %%
result.plot();

# %%
result.to_model_frame()[["model", "family", "relatives", "layers", "width"]]

# %% [markdown]
# ## Your own statistic
#
# A similarity of your own is ranked in the panel beside those of the library. It enters no verdict.

# %%
import numpy as np

from verify.statistics import Similarity


def refuse(a, b):
    """Why two models have no score, by what they hold: never by the score."""
    return None if all("spread.v" in one.arrays for one in (a, b)) else "a model has no value matrices"


def score(a, b):
    """Minus the distance of the mean standard deviations of the value matrices."""
    return -abs(float(np.mean(a.arrays["spread.v"][:, 1])) - float(np.mean(b.arrays["spread.v"][:, 1])))


mean_spread = Similarity(
    id="mean_spread",
    version=1,
    title="Mean spread of the value matrices",
    source="an example",
    measures="Minus the difference of the mean standard deviations of the value matrices.",
    invariances=frozenset({"unit_permutation", "unit_signs", "head_permutation"}),
    cost="O(layers)",
    refuse=refuse,
    score=score,
)
with_mine = verify.test_lineage(
    model("stranger-1"), model("reference"), panel="default", statistics=[mean_spread], created=made
)
with_mine.tests["mean_spread"]

# %% [markdown]
# ## Checking a report
#
# From the record alone, only the arithmetic can be checked. With the two models, the report is made again.

# %%
verify.replay(report)

# %%
verify.replay(report, model("fine-tuned"), model("reference"))

# %% [markdown]
# A report in which one number was changed:

# %%
changed = report.model_copy(update={"searched": 1000})
verify.replay(changed)
