"""From dense layers to sparse ones and back, with everything that users attach to a layer."""
