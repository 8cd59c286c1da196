//! Golden answers: what is read from them, and what is painted.
