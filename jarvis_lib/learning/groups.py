"""Which of these texts speak of the same thing? Words weighed by how rare they are, merged from the bottom up; no chance anywhere.

Pure: the same texts in any order give the same groups. It says what is similar, not why; a person reads the titles.
"""

from collections import defaultdict
from collections.abc import Mapping

APART = 0.78
"""Cosine distance (0 the same words, 1 none in common) up to which two groups are merged, on the average over their texts."""
MOST = 400
"""Texts that are compared; a longer list is cut after the order of its keys, because every pair is looked at."""


def similar(texts: Mapping[str, str], *, apart: float = APART) -> list[tuple[str, ...]]:
    """The keys whose texts belong together, in groups of two or more, each sorted, the groups by their first key."""
    keys = sorted(k for k, words in texts.items() if any(c.isalnum() for c in words))[:MOST]
    if len(keys) < 2:
        return []
    from sklearn.cluster import AgglomerativeClustering
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = TfidfVectorizer(stop_words="english", token_pattern=r"(?u)\b[^\W\d_]{2,}\b", sublinear_tf=True)  # noqa: S106  # a pattern for words
    try:
        weights = words.fit_transform([texts[k] for k in keys])
    except ValueError:
        return []  # nothing but numbers and stop words
    kept = [i for i in range(len(keys)) if weights[i].nnz]
    if len(kept) < 2:
        return []
    merged = AgglomerativeClustering(n_clusters=None, distance_threshold=apart, metric="cosine", linkage="average")
    labels = merged.fit_predict(weights[kept].toarray())
    groups: dict[int, list[str]] = defaultdict(list)
    for i, label in zip(kept, labels, strict=True):
        groups[int(label)].append(keys[i])
    return sorted(tuple(own) for own in groups.values() if len(own) > 1)
