"""The forms in which scores are computed, by name; all of them give the same scores."""

AUTO = "auto"  # the cheapest of all for a graph
DENSE = "dense"  # matrix products: `topolearn.linkpred.dense`
SPARSE = "sparse"  # the cheaper one of the compiled forms
STREAM = "stream"  # along the links of each row
COMMUNITY = "community"  # by whole local communities

COMPILED = (STREAM, COMMUNITY)  # `topolearn.linkpred.compiled`
FORMS = (AUTO, DENSE, SPARSE, *COMPILED)
