"""What can be learned from what happened? Estimators as pure functions of arrays; the only importer of scikit-learn, and without a store."""
