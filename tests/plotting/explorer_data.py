"""The data in a page of the explorer, decoded as its script decodes it."""

import base64
import gzip
import json
import re

import numpy as np


def data_of(html):
    """Return the JSON data of a page."""
    return json.loads(re.search(r'<script type="application/json" id="scene">(.*?)</script>', html, re.S)[1])


def unpacked(columns):
    """Return columns of integers, stored as byte planes with the lowest first."""
    content, start, result = gzip.decompress(base64.b64decode(columns["bytes"])), 0, []
    for width in columns["widths"]:
        planes = np.frombuffer(content, np.uint8, width * columns["n"], start).reshape(width, -1)
        result.append(sum(plane.astype(np.int64) << 8 * place for place, plane in enumerate(planes)))
        start += planes.size
    assert start == len(content)
    return result


def lives_in(layer):
    """Return cells, births and deaths of the links of a layer of a page."""
    steps, born, died = unpacked(layer["lives"])
    return np.cumsum(steps), born, died


def weights_in(layer):
    """Return the weight of each life of a layer of a page."""
    return unpacked(layer["weights"])[0].astype("<u4").view("<f4")
