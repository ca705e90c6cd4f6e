//! Running workflows through the real engine.
