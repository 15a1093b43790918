//! What was measured: conditions, data, noise, priors.
