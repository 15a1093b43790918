//! Streams of random numbers that any thread can reproduce.
