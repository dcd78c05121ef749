"""The names of the forms in which scores can be computed; all of them give the same scores."""

AUTO = "auto"  # the cheapest form for the graph
DENSE = "dense"  # matrix products: `topolearn.linkpred.dense`
SPARSE = "sparse"  # the cheaper of the two compiled forms
STREAM = "stream"  # along the links of each row
COMMUNITY = "community"  # over whole local communities

COMPILED = (STREAM, COMMUNITY)  # `topolearn.linkpred.compiled`
FORMS = (AUTO, DENSE, SPARSE, *COMPILED)
