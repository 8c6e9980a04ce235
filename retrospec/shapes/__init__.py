"""The shapes of API v2: what the server answers and takes, and what the Python client reads and sends. One set for both.

Names of fields are camelCase on the wire and stay; fields may be added. Moments are ISO 8601 in UTC, lengths ``…Ms``, sizes ``…Bytes``,
shares and confidences 0 to 1. Every field of an answer is always there; what has no value is ``null``, ``""`` or an empty list.
"""
