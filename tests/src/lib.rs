//! Leaks with known byte counts.
